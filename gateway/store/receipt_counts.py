"""How many receipts of each verdict a platform's submissions have, kept beside the receipts: never counted anew.

The gateway's own commands about its offers are not among them: they say nothing of how the platform does.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from gateway.runtime.row_checksum import computed

TABLES = {"counts": ("platform", "verdict", "number", "latest", "place")}
_SUM = computed(TABLES["counts"])
SCHEMA = f"""
CREATE TABLE counts (
    platform TEXT, verdict TEXT, number INTEGER NOT NULL, latest INTEGER NOT NULL, place INTEGER NOT NULL, {_SUM},
    PRIMARY KEY (platform, verdict)
) WITHOUT ROWID;
"""
_ADD = """INSERT INTO counts VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    number = number + excluded.number, latest = max(latest, excluded.latest),
    place = CASE WHEN excluded.latest >= latest THEN excluded.place ELSE place END"""
_TAKE_OFF = "UPDATE counts SET number = number - ? WHERE platform = ? AND verdict = ?"
_LEAVING = """SELECT concerns, json_extract(CAST(value AS TEXT), '$.verdict') AS verdict, count(*) FROM receipts
    WHERE place IN (SELECT value FROM json_each(?)) AND json_extract(CAST(value AS TEXT), '$.publisher') = concerns
    GROUP BY concerns, verdict"""
_READ = """SELECT platform, verdict, number, latest,
        (SELECT CAST(value AS TEXT) FROM receipts WHERE receipts.place = counts.place AND verdict = 'rejected')
    FROM counts WHERE whole(sum, platform, verdict, number, latest, place)"""


@dataclass(frozen=True, slots=True)
class Count:
    """The receipts of one verdict that the log still holds: how many, when the newest came (ms), and for ``rejected``
    the newest itself.
    """

    number: int
    latest: int
    receipt: Mapping[str, Any] | None = None


class Counted(NamedTuple):
    """One receipt on its way into the table."""

    platform: str
    verdict: str
    appended: int
    place: int


def add(db: sqlite3.Connection, receipts: Iterable[Counted]) -> None:
    """These receipts are there now."""
    counts: dict[tuple[str, str], tuple[int, int, int]] = {}
    for platform, verdict, appended, place in receipts:
        number, latest, newest = counts.get((platform, verdict), (0, appended, place))
        later = (appended, place) if appended >= latest else (latest, newest)
        counts[platform, verdict] = number + 1, *later
    db.executemany(_ADD, [(*key, *count) for key, count in counts.items()])


def take_off(db: sqlite3.Connection, places: str) -> None:
    """The receipts at these places (a JSON array) are about to go."""
    leaving = db.execute(_LEAVING, (places,)).fetchall()
    db.executemany(_TAKE_OFF, [(number, platform, verdict) for platform, verdict, number in leaving])


def read(db: sqlite3.Connection) -> Mapping[str, Mapping[str, Count]]:
    """By platform and verdict."""
    found: dict[str, dict[str, Count]] = {}
    for platform, verdict, number, latest, receipt in db.execute(_READ).fetchall():
        told = None if receipt is None else orjson.loads(receipt)
        found.setdefault(platform, {})[verdict] = Count(number, latest, told)
    return found
