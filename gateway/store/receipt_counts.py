"""Counts of receipts by platform and verdict, updated with the receipts, so that no query has to count them.

Receipts of the gateway's own commands about the platform's offers are not counted: they do not measure the platform.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from gateway.runtime.sqlite_damage import computed

TABLES = {"counts": ("platform", "verdict", "number", "latest", "log_offset")}
_SUM = computed(TABLES["counts"])
SCHEMA = f"""
CREATE TABLE counts (
    platform TEXT, verdict TEXT, number INTEGER NOT NULL, latest INTEGER NOT NULL, log_offset INTEGER NOT NULL, {_SUM},
    PRIMARY KEY (platform, verdict)
) WITHOUT ROWID;
"""
_ADD = """INSERT INTO counts VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    number = number + excluded.number, latest = max(latest, excluded.latest),
    log_offset = CASE WHEN excluded.latest >= latest THEN excluded.log_offset ELSE log_offset END"""
_TAKE_OFF = "UPDATE counts SET number = number - ? WHERE platform = ? AND verdict = ?"
_LEAVING = """SELECT concerns, json_extract(CAST(value AS TEXT), '$.verdict') AS verdict, count(*) FROM receipts
    WHERE log_offset IN (SELECT value FROM json_each(?)) AND json_extract(CAST(value AS TEXT), '$.publisher') = concerns
    GROUP BY concerns, verdict"""
_READ = """SELECT platform, verdict, number, latest,
        (SELECT CAST(value AS TEXT) FROM receipts
            WHERE receipts.log_offset = counts.log_offset AND verdict = 'rejected')
    FROM counts WHERE whole(sum, platform, verdict, number, latest, log_offset)"""


@dataclass(frozen=True, slots=True)
class ReceiptCount:
    """The receipts of one verdict that the log still holds: their number, the append time of the newest (ms), and for
    ``rejected`` the newest itself.
    """

    number: int
    latest: int
    receipt: Mapping[str, Any] | None = None


class Counted(NamedTuple):
    """One receipt to be counted."""

    platform: str
    verdict: str
    appended: int
    log_offset: int


def add(db: sqlite3.Connection, receipts: Iterable[Counted]) -> None:
    """Count receipts that are being inserted."""
    counts: dict[tuple[str, str], tuple[int, int, int]] = {}
    for platform, verdict, appended, log_offset in receipts:
        number, latest, newest = counts.get((platform, verdict), (0, appended, log_offset))
        later = (appended, log_offset) if appended >= latest else (latest, newest)
        counts[platform, verdict] = number + 1, *later
    db.executemany(_ADD, [(*key, *count) for key, count in counts.items()])


def take_off(db: sqlite3.Connection, log_offsets: str) -> None:
    """Subtract the receipts at these log offsets (a JSON array), before they are deleted."""
    leaving = db.execute(_LEAVING, (log_offsets,)).fetchall()
    db.executemany(_TAKE_OFF, [(number, platform, verdict) for platform, verdict, number in leaving])


def read(db: sqlite3.Connection) -> Mapping[str, Mapping[str, ReceiptCount]]:
    """The counts by platform and verdict."""
    found: dict[str, dict[str, ReceiptCount]] = {}
    for platform, verdict, number, latest, receipt in db.execute(_READ).fetchall():
        newest = None if receipt is None else orjson.loads(receipt)
        found.setdefault(platform, {})[verdict] = ReceiptCount(number, latest, newest)
    return found
