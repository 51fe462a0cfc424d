"""The search of receipts: by verdict, offer, upload and time, in log order or against it.

Every search is a union of *ranges*: stretches of one index in log order, so that the cost of a page depends on its size
alone. The time of a decision is the append time of its receipt; ``at`` of the receipt is that of its submission, which
is earlier if the relay was late. It is converted to a log offset by bisection, since ``moment``, the latest append time
so far, grows with it.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

import orjson

from gateway.protocol.receipt import VERDICTS

COLUMNS = (
    *("log_offset", "receipt", "concerns", "appended", "moment"),
    *("verdict", "problems", "moderation", "id", "upload", "value"),
)
"""The columns of a receipt's row that its column ``sum`` is the checksum of."""
WHOLE = f"whole(sum, {', '.join(COLUMNS)})"
"""The condition that a row is undamaged; a damaged row fails the statement."""
SCHEMA = """
CREATE INDEX receipts_concerns ON receipts (concerns, verdict, problems, log_offset);
CREATE INDEX receipts_offer ON receipts (id, log_offset);
CREATE INDEX receipts_moderation ON receipts (concerns, log_offset) WHERE moderation = 1;
CREATE INDEX receipts_upload ON receipts (upload, verdict, problems, log_offset) WHERE upload IS NOT NULL;
"""
_PAGE = """SELECT json_group_array(json_array(moment, receipts.log_offset))
    FROM (SELECT log_offset FROM ({ranges}) ORDER BY log_offset {order} LIMIT ?) AS found
    CROSS JOIN receipts ON receipts.log_offset = found.log_offset"""
_AT_LOG_OFFSETS = f"""SELECT json_group_array(json_array(log_offset, json(value))) FROM (
    SELECT log_offset, CAST(value AS TEXT) AS value FROM receipts
    WHERE log_offset IN (SELECT value FROM json_each(?)) AND {WHOLE})"""  # noqa: S608  # our own columns
_RANGE = """SELECT log_offset FROM (SELECT log_offset FROM receipts INDEXED BY {index}
    WHERE {where} AND log_offset >= ? AND log_offset < ? ORDER BY log_offset {order} LIMIT ?)"""
_PUBLISHERS_AT_ONCE = 40
"""Each takes up to eight ranges, and SQLite combines at most 500."""
_CONCERNED = """WITH RECURSIVE platforms(slug) AS (
    SELECT min(concerns) FROM receipts
    UNION ALL SELECT (SELECT min(concerns) FROM receipts WHERE concerns > slug) FROM platforms WHERE slug IS NOT NULL)
    SELECT slug FROM platforms WHERE slug IS NOT NULL"""
_NEXT = "SELECT log_offset, moment FROM receipts WHERE log_offset >= ? AND log_offset < ? ORDER BY log_offset LIMIT 1"

Found: TypeAlias = tuple[int, int]
"""The moment (ms) and the log offset of a receipt; their order is the common order of all partitions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptFilter:
    """Selects receipts; a field that is None or empty selects all. ``since`` is the earliest time of the decision
    (ms since 1970). ``moderation`` selects those with the reason of a moderation or of its end, of any offer.
    """

    verdicts: frozenset[str] = frozenset()
    problems: bool | None = None
    offer_id: str | None = None
    upload: str | None = None
    since: int | None = None
    moderation: bool = False


ALL = ReceiptFilter()


def find(
    db: sqlite3.Connection,
    publishers: Sequence[str],
    criteria: ReceiptFilter,
    *,
    low: int,
    high: int,
    limit: int,
    newest: bool,
) -> list[Found]:
    """The first ``limit`` receipts between two log offsets of one partition, and perhaps further ones of them."""
    if criteria.since is not None:
        low = _first_since(db, low, high, criteria.since)
    order = "DESC" if newest else "ASC"
    found: list[Found] = []
    for first in range(0, len(publishers), _PUBLISHERS_AT_ONCE):
        ranges: list[str] = []
        values: list[Any] = []
        for publisher in publishers[first : first + _PUBLISHERS_AT_ONCE]:
            for index, where, given in _ranges(publisher, criteria):
                ranges.append(_RANGE.format(index=index, where=where, order=order))
                values += (*given, low, high, limit)
        statement = _PAGE.format(ranges=" UNION ALL ".join(ranges), order=order)
        (rows,) = db.execute(statement, (*values, limit)).fetchone()
        found += [(moment, log_offset) for moment, log_offset in orjson.loads(rows)]
    return found


def concerned(db: sqlite3.Connection) -> list[str]:
    """The platforms that any receipt concerns, by one step in the index for each."""
    return [row[0] for row in db.execute(_CONCERNED).fetchall()]


def receipts_at(db: sqlite3.Connection, log_offsets: Sequence[int]) -> list[dict[str, Any]]:
    """The documents at these log offsets, in the same order."""
    (rows,) = db.execute(_AT_LOG_OFFSETS, (orjson.dumps(log_offsets).decode(),)).fetchone()
    documents = dict(orjson.loads(rows))
    return [documents[log_offset] for log_offset in log_offsets]


def _ranges(publisher: str, criteria: ReceiptFilter) -> Iterator[tuple[str, str, Sequence[Any]]]:
    """Index, condition and its values of each range. Conditions on columns outside the index are tested row by row."""
    verdicts = [verdict for verdict in VERDICTS if not criteria.verdicts or verdict in criteria.verdicts]
    problems = (0, 1) if criteria.problems is None else (int(criteria.problems),)
    late, since = ("", ()) if criteria.since is None else (" AND appended >= ?", (criteria.since,))
    if criteria.offer_id is not None:
        where = f"id = ? AND concerns = ? AND verdict IN ({_marks(verdicts)}) AND problems IN ({_marks(problems)})"
        given: tuple[Any, ...] = (criteria.offer_id, publisher, *verdicts, *problems)
        if criteria.upload is not None:
            where, given = f"{where} AND upload = ?", (*given, criteria.upload)
        yield "receipts_offer", where + late, (*given, *since)
        return
    if criteria.moderation:
        flags = f"verdict IN ({_marks(verdicts)}) AND problems IN ({_marks(problems)})"
        where = f"concerns = ? AND moderation = 1 AND {flags}{late}"
        yield "receipts_moderation", where, (publisher, *verdicts, *problems, *since)
        return
    for verdict, flag in product(verdicts, problems):
        if criteria.upload is not None:
            where = f"upload = ? AND verdict = ? AND problems = ? AND concerns = ?{late}"
            yield "receipts_upload", where, (criteria.upload, verdict, flag, publisher, *since)
        else:
            where = f"concerns = ? AND verdict = ? AND problems = ?{late}"
            yield "receipts_concerns", where, (publisher, verdict, flag, *since)


def _marks(values: Sequence[Any]) -> str:
    return ",".join("?" * len(values))


def _first_since(db: sqlite3.Connection, low: int, high: int, since: int) -> int:
    """The first log offset between two of one partition from which on the moment is not before ``since``."""
    while low < high:
        middle = (low + high) // 2
        row = db.execute(_NEXT, (middle, high)).fetchone()
        if row is None or row[1] >= since:
            high = middle
        else:
            low = row[0] + 1
    return low
