"""The documents that refusals name, by day, platform and rule: the newest of each, for thirty days as receipts."""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import orjson

from gateway.protocol.paris_time import paris_date
from gateway.protocol.refused_document import RefusedDocument
from gateway.runtime.sqlite_damage import computed

KEPT_DAYS = 30
MAX_OF_RULE = 10
"""Of one day, platform and rule."""
_COLUMNS = ("day", "platform", "rule", "name", "at", "pointer")
TABLES = {"refused": _COLUMNS}
SCHEMA = f"""
CREATE TABLE refused (
    day TEXT, platform TEXT, rule TEXT, name TEXT, at INTEGER NOT NULL, pointer TEXT, {computed(_COLUMNS)},
    PRIMARY KEY (day, platform, rule, name)
) WITHOUT ROWID;
CREATE INDEX refused_name ON refused (name, at);
"""
_WHOLE = f"whole(sum, {', '.join(_COLUMNS)})"
_PUT = "INSERT OR REPLACE INTO refused (day, platform, rule, name, at, pointer) VALUES (?, ?, ?, ?, ?, ?)"
_SURPLUS = """DELETE FROM refused WHERE (day, platform, rule) = (?, ?, ?) AND name IN (
    SELECT name FROM refused WHERE (day, platform, rule) = (?, ?, ?) ORDER BY at DESC, name LIMIT -1 OFFSET ?)"""
_NEWEST = """SELECT platform, name, at, rule, pointer FROM refused
    WHERE {conditions} ORDER BY at DESC, platform, name, rule LIMIT ?"""
_INDEX = "#"
"""Before the index of a document that has no id: no id begins with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedFilter:
    """Selects documents of some days, both included; a field that is None or empty selects all."""

    first: date
    last: date
    platforms: Collection[str] | None = None
    rule: str = ""


def put(db: sqlite3.Connection, documents: Iterable[RefusedDocument]) -> None:
    """Store these documents; of each day, platform and rule the newest stay."""
    changed = set()
    for one in documents:
        day, name = paris_date(one.at), f"{_INDEX}{one.index}" if one.id is None else one.id
        for rule, pointer in one.fields.items():
            db.execute(_PUT, (day, one.platform, rule, name, one.at, pointer))
            changed.add((day, one.platform, rule))
    for group in sorted(changed):
        db.execute(_SURPLUS, (*group, *group, MAX_OF_RULE))


def trim(db: sqlite3.Connection, now: int) -> None:
    """Delete the documents of days that are too old."""
    oldest = date.fromisoformat(paris_date(now)) - timedelta(days=KEPT_DAYS - 1)
    db.execute("DELETE FROM refused WHERE day < ?", (oldest.isoformat(),))


def newest(db: sqlite3.Connection, criteria: RefusedFilter, *, most: int) -> Sequence[RefusedDocument]:
    """The newest documents that a filter selects, with the rules that it selects; from at most ``most`` rows."""
    conditions, values = ["day BETWEEN ? AND ?"], [criteria.first.isoformat(), criteria.last.isoformat()]
    if criteria.platforms is not None:
        conditions.append("platform IN (SELECT value FROM json_each(?))")
        values.append(orjson.dumps(sorted(criteria.platforms)).decode())
    if criteria.rule:
        conditions.append("rule = ?")
        values.append(criteria.rule)
    return _read(db, conditions, values, most)


def of_offer(db: sqlite3.Connection, offer_id: str, *, most: int) -> Sequence[RefusedDocument]:
    """The newest documents under this id."""
    return _read(db, ["name = ?"], [offer_id], most)


def _read(
    db: sqlite3.Connection, conditions: Sequence[str], values: Sequence[Any], most: int
) -> Sequence[RefusedDocument]:
    statement = _NEWEST.format(conditions=" AND ".join((*conditions, _WHOLE)))
    found: dict[tuple[str, str, int], dict[str, str | None]] = {}
    for platform, name, at, rule, pointer in db.execute(statement, (*values, most)).fetchall():
        found.setdefault((platform, name, at), {})[rule] = pointer
    return [_document(*key, fields) for key, fields in found.items()]


def _document(platform: str, name: str, at: int, fields: dict[str, str | None]) -> RefusedDocument:
    if name.startswith(_INDEX):
        return RefusedDocument(platform=platform, at=at, index=int(name.removeprefix(_INDEX)), fields=fields)
    return RefusedDocument(platform=platform, at=at, id=name, fields=fields)
