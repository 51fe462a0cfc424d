"""The rows of the offer view: written from records of ``offers``, in few statements and with few pages changed.

An offer keeps its row, and the row's number, over all its revisions: at a million offers each random row is on a page
of its own, and a row that moves changes two. There is no index of the table by log offset: the search index has the
number of each row. The change of the search index is derived from the old row's head.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from itertools import chain, count
from operator import itemgetter
from typing import Any, NamedTuple
from zlib import crc32

import orjson

from gateway.protocol.copy_tree import line_end
from gateway.protocol.identity import platform_of
from gateway.protocol.public_offer import is_open
from gateway.protocol.record import outline_offer
from gateway.protocol.visibility import audiences, masked
from gateway.runtime.sqlite_damage import ChecksumError
from gateway.store.search.duplicate_index import keys_of
from gateway.store.search.duplicate_key import duplicate_keys_of
from gateway.store.search.search import OPEN, OUTSIDER, facets_of, marker_facets
from gateway.store.search.search_index import IndexChange

SCHEMA = """
CREATE TABLE offers (
    number INTEGER PRIMARY KEY, log_offset INTEGER NOT NULL, id TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL,
    submitted INTEGER NOT NULL, audiences TEXT, passed TEXT, link INTEGER, site INTEGER, firm INTEGER,
    head_sum INTEGER, line TEXT, sum INTEGER, value BLOB NOT NULL
);
"""
TABLES = {"offers": ("log_offset", "id", "value")}
HEAD = ("number", "log_offset", "id", "revision", "submitted", "audiences", "passed", "link", "site", "firm")
"""The columns of an offer's row that ``head_sum`` is the checksum of; ``sum`` is that of ``TABLES["offers"]``."""
LINE = "log_offset || ' ' || id || ' ' || line"
"""The SQL expression for the line of a live offer in a digest (DIG-002), between its log offset and their checksum."""

Latest = Mapping[bytes, tuple[int, bytes | None]]
"""By key the log offset and the value of its last record."""

_COLUMNS = (*HEAD, "head_sum", "line", "sum", "value")
_ROWS_AT_ONCE = 64  # rows in one statement, so that the GIL is released rarely
_ROW = f"({','.join('?' * len(_COLUMNS))})"
_SET = ", ".join(f"{column} = excluded.{column}" for column in _COLUMNS if column not in {"number", "id"})
_INTO = f"INTO offers ({', '.join(_COLUMNS)}) VALUES {{}}"
# OR IGNORE: a statement that may fail midway copies each page that it changes into a journal of its own.
_ADD = f"INSERT OR IGNORE {_INTO}"
_REPLACE = f"INSERT {_INTO} ON CONFLICT (number) DO UPDATE SET {_SET}"
_KNOWN = """SELECT json_group_array(json_array(o.id, number, log_offset, link, site, firm))
    FROM json_each(?) AS j CROSS JOIN offers AS o ON o.id = j.value"""
_DELETE = "DELETE FROM offers WHERE number IN (SELECT value FROM json_each(?))"


class _Before(NamedTuple):
    """The head of a row before the change."""

    number: int
    log_offset: int
    link: int | None
    site: int | None
    firm: int | None

    @property
    def keys(self) -> list[int]:
        return keys_of(self.link, self.site, self.firm)


def replace_offers(db: sqlite3.Connection, latest: Latest) -> IndexChange:
    """Write the last records of offers. Returns the change of the index."""
    ids = orjson.dumps([key.decode() for key in latest]).decode()
    known = {row[0]: _Before(*row[1:]) for row in orjson.loads(db.execute(_KNOWN, (ids,)).fetchone()[0])}
    (last,) = db.execute("SELECT max(number) FROM offers").fetchone()
    numbers = count((last or 0) + 1)
    change = IndexChange([], [], [], [])
    added: list[tuple[Any, ...]] = []
    replaced: list[tuple[Any, ...]] = []
    deleted: list[int] = []
    for key, (log_offset, value) in sorted(latest.items(), key=itemgetter(1)):
        offer_id = key.decode()
        before = known.get(offer_id)
        keys: Sequence[int] = ()
        number = before.number if before is not None else next(numbers)
        if value is not None:
            row, facets, keys = offer_row(number, log_offset, offer_id, value)
            (added if before is None else replaced).append(row)
            change.added.append((log_offset, number, facets))
        elif before is not None:
            deleted.append(number)
        old_keys = before.keys if before is not None else ()
        if before is not None:
            change.gone.append(before.log_offset)
        if keys != old_keys:
            change.new_keys.extend((key, number) for key in keys if key not in old_keys)
            change.old_keys.extend((key, number) for key in old_keys if key not in keys)
    if deleted:
        db.execute(_DELETE, (orjson.dumps(deleted).decode(),))
    _put(db, _REPLACE, replaced)
    if _put(db, _ADD, added) != len(added):
        raise ChecksumError("the index of ids lacks rows of the table")
    return change


def _put(db: sqlite3.Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> int:
    """Write rows; returns how many."""
    written = 0
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[first : first + _ROWS_AT_ONCE]
        written += db.execute(statement.format(",".join([_ROW] * len(some))), tuple(chain.from_iterable(some))).rowcount
    return written


def offer_row(
    number: int, log_offset: int, offer_id: str, value: bytes
) -> tuple[tuple[Any, ...], Sequence[str], Sequence[int]]:
    """The row of a record, the facets of the offer or its marker, and its duplicate keys."""
    outline, publisher = outline_offer(value), platform_of(offer_id)
    head: tuple[Any, ...] = number, log_offset, offer_id, outline.revision, outline.position
    whole = crc32(
        value, crc32(f"{log_offset}\x1f{offer_id}\x1f".encode())
    )  # checksum(log_offset, offer_id, value), faster
    if outline.offer is None:
        head = *head, None, None, None, None, None
        return (*head, _head_sum(head), None, whole, value), marker_facets(outline, publisher=publisher), ()
    visible = masked(outline.offer, reader=OUTSIDER, publisher=publisher)
    duplicate_keys, allowed = duplicate_keys_of(visible), audiences(visible)
    head = *head, " ".join(allowed), " ".join(outline.provenance), *duplicate_keys
    facets = facets_of(outline, visible, publisher=publisher, allowed=allowed)
    if is_open(outline.offer, outline.provenance):
        facets.append(OPEN)
    end = line_end(outline.sequence, visible)
    line = f"{end} {crc32(f'{log_offset} {offer_id} {end}'.encode())}"
    return (*head, _head_sum(head), line, whole, value), facets, keys_of(*duplicate_keys)


def _head_sum(head: tuple[Any, ...]) -> int:
    """As ``checksum(*head)``, faster: no column is a blob."""
    return crc32("\x1f".join(map(str, head)).encode())
