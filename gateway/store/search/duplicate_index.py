"""The index of duplicate keys: which offers share a key (see ``duplicate_key``), by their numbers.

Keys are spread at random, so that single writes change a page each. Those of recent changes are kept in memory
(``index_store``) and written together, in order. An offer's number stays the same over its revisions, so
that only keys that change are written.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TypeAlias

import orjson

from gateway.runtime.sqlite_damage import ChecksumError

SCHEMA = (
    "CREATE TABLE duplicate_keys (key INTEGER, number INTEGER, sum INTEGER, PRIMARY KEY (key, number)) WITHOUT ROWID;"
)
_SUM = "{0} % 2147483647 * 7 + {1} % 2147483629"
"""A checksum of integers, which SQLite computes by itself: rows are written and found a thousand at a time."""
TABLES = {"duplicate_keys": _SUM.format("key", "number")}

Key: TypeAlias = tuple[int, int]
"""A key and the number of an offer that has it."""
PendingKeys: TypeAlias = dict[int, set[int]]

_ROWS_AT_ONCE = 256  # rows in one statement, so that the GIL is released rarely
_VALUES = "(SELECT column1, column2 FROM (VALUES {}))"
_WRITE = (
    f"INSERT OR IGNORE INTO duplicate_keys SELECT column1, column2, {_SUM.format('column1', 'column2')} FROM {_VALUES}"  # noqa: S608  # names of our own tables and columns
)
_FORGET = f"DELETE FROM duplicate_keys WHERE (key, number) IN {_VALUES}"  # noqa: S608  # same
_BUILD = """INSERT OR IGNORE INTO duplicate_keys SELECT key, number, {} FROM
    (SELECT {{0}} AS key, number FROM offers WHERE {{1}} ORDER BY 1, 2)""".format(  # noqa: S608  # same
    _SUM.format("key", "number")
)
_BUILT = (
    ("link", "link IS NOT NULL"),
    ("site", "site IS NOT NULL"),
    ("firm", "firm IS NOT NULL"),
    ("~firm", "firm IS NOT NULL AND site IS NULL"),
)
_FIND = f"""SELECT json_group_array(json_array(key, number, sum IS {_SUM.format("key", "number")})) FROM (
    SELECT t.key, t.number, t.sum FROM json_each(?1) AS asked JOIN duplicate_keys AS t ON t.key = asked.value
    AND t.number IN (SELECT number FROM duplicate_keys WHERE key = asked.value ORDER BY number LIMIT ?2))"""  # noqa: S608  # same


def keys_of(link: int | None, site: int | None, firm: int | None) -> list[int]:
    """The keys under which an offer is found. ``~firm`` marks an offer without a site: offers with a site search by
    name only for those. A marker has no keys.
    """
    keys = [key for key in (link, site, firm) if key is not None]
    if firm is not None and site is None:
        keys.append(~firm)
    return keys


def keys_for(link: int | None, site: int | None, firm: int | None) -> list[int]:
    """The keys under which an offer's possible duplicates are found."""
    by_name = firm if firm is None or site is None else ~firm
    return [key for key in (link, site, by_name) if key is not None]


def write(db: sqlite3.Connection, keys: Sequence[Key]) -> None:
    """Add keys, preferably in order."""
    _in_steps(db, _WRITE, keys)


def forget(db: sqlite3.Connection, keys: Sequence[Key]) -> None:
    """Remove keys."""
    _in_steps(db, _FORGET, sorted(keys))


def _in_steps(db: sqlite3.Connection, statement: str, keys: Sequence[Key]) -> None:
    for first in range(0, len(keys), _ROWS_AT_ONCE):
        some = keys[first : first + _ROWS_AT_ONCE]
        db.execute(statement.format(",".join(["(?, ?)"] * len(some))), tuple(chain.from_iterable(some)))


def build(db: sqlite3.Connection) -> None:
    """Write the keys of all offers."""
    for column, has_one in _BUILT:
        db.execute(_BUILD.format(column, has_one))


def find(db: sqlite3.Connection, keys: Iterable[int], most: int) -> dict[int, list[int]]:
    """By key the first numbers that are written, ``most`` at most. Raises ChecksumError."""
    found: dict[int, list[int]] = {}
    rows = orjson.loads(db.execute(_FIND, (orjson.dumps(list(keys)).decode(), most)).fetchone()[0])
    for key, number, whole in rows:
        if not whole:
            raise ChecksumError(f"the checksum of the duplicate key {key} does not match")
        found.setdefault(key, []).append(number)
    return found
