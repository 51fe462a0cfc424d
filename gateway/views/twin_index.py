"""The twin index: under which key which live offers lie (see ``twin``), in the order of their places.

Keys are spread at random, so that each one written on its own dirties a page of its own. Those of a tail's offers are
kept in memory with it (``facet_index``), and written with it: many at once, and in order.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TypeAlias

import orjson

from gateway.damage import ChecksumError

SCHEMA = "CREATE TABLE twins (key INTEGER, place INTEGER, sum INTEGER, PRIMARY KEY (key, place)) WITHOUT ROWID;"
_SUM = "{0} % 2147483647 * 7 + {1} % 2147483629"
"""A checksum in numbers alone, which SQLite can work out by itself: rows are written and found a thousand at a time."""
TABLES = {"twins": _SUM.format("key", "place")}

Places: TypeAlias = int | tuple[int, ...]
"""Of a key nearly always one."""

_ROWS_AT_ONCE = 256  # rows in one statement, so that the interpreter's lock changes hands rarely
_WRITE = "INSERT OR IGNORE INTO twins SELECT column1, column2, {} FROM (VALUES {{}})".format(  # noqa: S608  # names of our own tables and columns
    _SUM.format("column1", "column2")
)
# The plus keeps SQLite from seeking every key at every place.
_FORGET = """DELETE FROM twins WHERE +place IN (SELECT value FROM json_each(?1)) AND key IN (
    WITH gone AS (SELECT link, site, firm FROM offers WHERE place IN (SELECT value FROM json_each(?1)))
    SELECT link FROM gone UNION ALL SELECT site FROM gone UNION ALL SELECT firm FROM gone
    UNION ALL SELECT ~firm FROM gone WHERE site IS NULL)"""
_BUILD = """INSERT OR IGNORE INTO twins SELECT key, place, {} FROM
    (SELECT {{0}} AS key, place FROM offers WHERE place >= ? AND place < ? AND {{1}} ORDER BY 1)""".format(  # noqa: S608  # names of our own tables and columns
    _SUM.format("key", "place")
)
_BUILT = (
    ("link", "link IS NOT NULL"),
    ("site", "site IS NOT NULL"),
    ("firm", "firm IS NOT NULL"),
    ("~firm", "firm IS NOT NULL AND site IS NULL"),
)
_FIND = f"""SELECT json_group_array(json_array(key, place, sum IS {_SUM.format("key", "place")})) FROM (
    SELECT t.key, t.place, t.sum FROM json_each(?1) AS asked JOIN twins AS t ON t.key = asked.value
    AND t.place IN (SELECT place FROM twins WHERE key = asked.value ORDER BY place LIMIT ?2))"""  # noqa: S608  # names of our own tables and columns


def keys_of(link: int, site: int | None, firm: int | None) -> list[int]:
    """The keys under which an offer lies; ``~firm`` is for those who have a site, and look only for who has none."""
    keys = [link]
    if site is not None:
        keys.append(site)
    if firm is not None:
        keys.append(firm)
        if site is None:
            keys.append(~firm)
    return keys


def keys_for(link: int | None, site: int | None, firm: int | None) -> list[int]:
    """The keys under which an offer's twins lie."""
    by_name = firm if firm is None or site is None else ~firm
    return [key for key in (link, site, by_name) if key is not None]


def join(twins: dict[int, Places], keys: Iterable[tuple[int, int]]) -> None:
    """Add places, in order, by their keys; once more after a transaction that was undone does no harm."""
    for key, place in keys:
        before = twins.get(key)
        if before is None:
            twins[key] = place
        elif place > (places := places_in(before))[-1]:
            twins[key] = (*places, place)


def places_in(places: Places) -> tuple[int, ...]:
    """One or several, as several."""
    return (places,) if isinstance(places, int) else places


def write(db: sqlite3.Connection, keys: Sequence[tuple[int, int]]) -> None:
    """Keys and places into the file."""
    for first in range(0, len(keys), _ROWS_AT_ONCE):
        some = keys[first : first + _ROWS_AT_ONCE]
        db.execute(_WRITE.format(",".join(["(?, ?)"] * len(some))), tuple(chain.from_iterable(some)))


def forget(db: sqlite3.Connection, places: Sequence[int]) -> None:
    """The offers at these places, which still stand in the table ``offers``, are about to go."""
    db.execute(_FORGET, (orjson.dumps(places).decode(),))


def build(db: sqlite3.Connection, bounds: Iterable[tuple[int, int]]) -> None:
    """Write the keys of all offers between bounds."""
    for column, has_one in _BUILT:
        for bound in bounds:
            db.execute(_BUILD.format(column, has_one), bound)


def find(db: sqlite3.Connection, keys: Iterable[int], most: int) -> dict[int, list[int]]:
    """By key the first places that are written, ``most`` at most."""
    found: dict[int, list[int]] = {}
    for key, place, whole in orjson.loads(db.execute(_FIND, (orjson.dumps(list(keys)).decode(), most)).fetchone()[0]):
        if not whole:
            raise ChecksumError(f"the checksum of the twin key {key} does not match")
        found.setdefault(key, []).append(place)
    return found
