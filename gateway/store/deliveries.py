"""The delivery view: the deliveries of offers to the national site, by offer and counted by platform."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import orjson

from gateway.log.port import Chunk
from gateway.protocol.delivery import Delivery, DeliveryPart, is_delivery, read_delivery
from gateway.protocol.identity import platform_of
from gateway.runtime.sqlite_damage import computed
from gateway.store.view import View

_ACCOUNT = "account/"
_TABLES = {
    "deliveries": ("id", "value"),
    "accounts": ("name", "note"),
    "parts": ("id", "level_group", "platform", "state", "since", "until"),
    "counts": ("platform", "state", "number"),
}
_SUM = {table: computed(columns) for table, columns in _TABLES.items()}
_WHOLE = {table: f"whole(sum, {', '.join(columns)})" for table, columns in _TABLES.items()}
_STORED = """SELECT id, CAST(value AS TEXT) FROM deliveries
    WHERE id IN (SELECT value FROM json_each(?)) AND whole(sum, id, deliveries.value)"""
_ACCOUNTS = f"SELECT name, note FROM accounts WHERE {_WHOLE['accounts']}"  # noqa: S608  # names of our own tables and columns
_REMOVE = (
    "DELETE FROM parts WHERE id IN (SELECT value FROM json_each(?))",
    "DELETE FROM deliveries WHERE id IN (SELECT value FROM json_each(?))",
)
_INSERT = "INSERT INTO deliveries VALUES (?, ?)"
_INSERT_PART = "INSERT INTO parts VALUES (?, ?, ?, ?, ?, ?)"
_COUNTS = f"SELECT platform, state, number FROM counts WHERE {_WHOLE['counts']} AND number > 0"  # noqa: S608  # names of our own tables and columns
_PLATFORMS = "SELECT DISTINCT platform FROM counts"
_OLDEST_DUE = f"""SELECT since FROM parts WHERE platform = ? AND state = 'pending' AND until IS NULL
    AND {_WHOLE["parts"]} ORDER BY since LIMIT 1"""  # noqa: S608  # names of our own tables and columns
_LATEST_DELIVERED = f"""SELECT since FROM parts WHERE platform = ? AND state = 'delivered'
    AND {_WHOLE["parts"]} ORDER BY since DESC LIMIT 1"""  # noqa: S608  # names of our own tables and columns
_DELIVERED_SINCE = """SELECT count(*) FROM parts
    WHERE platform = ? AND state = 'delivered' AND since >= ?"""
_LISTED = f"""SELECT id FROM parts WHERE platform = ? AND state = ? AND {_WHOLE["parts"]}
    ORDER BY since DESC, id LIMIT ?"""  # noqa: S608  # names of our own tables and columns
_LATEST_REFUSED = f"""SELECT CAST(value AS TEXT) FROM deliveries WHERE {_WHOLE["deliveries"]} AND id = (
    SELECT id FROM parts WHERE platform = ? AND state = 'refused' ORDER BY since DESC LIMIT 1)"""  # noqa: S608  # names of our own tables and columns


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySummary:
    """The deliveries of one platform's offers: the number of parts in each state, and the latest events.

    ``due_since``: when the oldest part that is due began to wait; ``delivered_at``: when a part was last delivered
    (both ms since 1970); ``refused``: the part refused last.
    """

    states: Mapping[str, int]
    due_since: int | None = None
    delivered_at: int | None = None
    refused: DeliveryPart | None = None


class DeliveryView(View):
    """A copy of ``deliveries``. Only the last generation of each part is counted."""

    FORMAT = 2
    TABLES = _TABLES
    SCHEMA = f"""
        CREATE TABLE deliveries (id TEXT PRIMARY KEY, value BLOB NOT NULL, {_SUM["deliveries"]}) WITHOUT ROWID;
        CREATE TABLE accounts (name TEXT PRIMARY KEY, note BLOB NOT NULL, {_SUM["accounts"]}) WITHOUT ROWID;
        CREATE TABLE parts (
            id TEXT, level_group TEXT, platform TEXT NOT NULL, state TEXT NOT NULL, since INTEGER NOT NULL, until TEXT,
            {_SUM["parts"]}, PRIMARY KEY (id, level_group)
        ) WITHOUT ROWID;
        CREATE INDEX parts_in_time ON parts (platform, state, since, until);
        CREATE TABLE counts (
            platform TEXT, state TEXT, number INTEGER NOT NULL, {_SUM["counts"]}, PRIMARY KEY (platform, state)
        ) WITHOUT ROWID;
        CREATE TRIGGER counted AFTER INSERT ON parts BEGIN
            INSERT INTO counts VALUES (NEW.platform, NEW.state, 1) ON CONFLICT DO UPDATE SET number = number + 1;
        END;
        CREATE TRIGGER discounted AFTER DELETE ON parts BEGIN
            UPDATE counts SET number = number - 1 WHERE platform = OLD.platform AND state = OLD.state;
        END;
    """  # noqa: S608  # names of our own tables and columns

    async def get(self, offer_id: str) -> Delivery | None:
        """The delivery of one offer; None before the first attempt is recorded."""
        return (await self.find([offer_id])).get(offer_id)

    async def find(self, offer_ids: Sequence[str]) -> Mapping[str, Delivery]:
        """The deliveries of these offers by id; offers without one are left out."""
        ids = orjson.dumps(offer_ids).decode()
        rows = await self.copy.read(lambda db: db.execute(_STORED, (ids,)).fetchall())
        return {offer_id: read_delivery(offer_id.encode(), value.encode()) for offer_id, value in rows}

    async def listed(self, platform: str, state: str, limit: int) -> Sequence[Delivery]:
        """The deliveries of a platform's offers that have a part in this state, the newest part first."""

        def read(db: sqlite3.Connection) -> list[str]:
            return [offer_id for (offer_id,) in db.execute(_LISTED, (platform, state, limit))]

        ids = list(dict.fromkeys(await self.copy.read(read)))
        found = await self.find(ids)
        return [found[offer_id] for offer_id in ids if offer_id in found]

    async def summaries(self) -> Mapping[str, DeliverySummary]:
        """By platform, the summary of its deliveries; platforms that never had any are left out."""
        return await self.copy.read(self._summaries)

    async def delivered_since(self, at: int) -> Mapping[str, int]:
        """By platform, the number of parts that were last delivered at this instant (ms since 1970) or later, and that
        the site still holds; platforms without any are left out.
        """

        def read(db: sqlite3.Connection) -> Mapping[str, int]:
            with self.copy.transaction(db, lambda: None):
                platforms = [platform for (platform,) in db.execute(_PLATFORMS)]
                counted = ((one, db.execute(_DELIVERED_SINCE, (one, at)).fetchone()[0]) for one in platforms)
                return {platform: number for platform, number in counted if number}

        return await self.copy.read(read)

    async def accounts(self) -> Mapping[str, Mapping[str, Any]]:
        """By account at the national site, the last note of its owner: when the site answered, the last failure, and
        the progress of the search for offers made there.
        """
        rows = await self.copy.read(lambda db: db.execute(_ACCOUNTS).fetchall())
        return {name: orjson.loads(note) for name, note in rows}

    def _summaries(self, db: sqlite3.Connection) -> Mapping[str, DeliverySummary]:
        with self.copy.transaction(db, lambda: None):
            states: dict[str, dict[str, int]] = {platform: {} for (platform,) in db.execute(_PLATFORMS)}
            for platform, state, number in db.execute(_COUNTS):
                states[platform][state] = number
            return {platform: _summary(db, platform, counted) for platform, counted in states.items()}

    def write(self, db: sqlite3.Connection, chunks: Sequence[Chunk], applied: Sequence[int]) -> None:
        """Replace the deliveries and notes of these records."""
        latest: dict[bytes, bytes | None] = {}
        for chunk in chunks:
            for record in chunk.records:
                if record.offset < applied[chunk.partition] or record.key is None:
                    continue
                if is_delivery(record.key):
                    latest[record.key] = record.value
                else:
                    _keep_note(db, record.key.decode(), record.value)
        if latest:
            _replace(db, latest)


def _keep_note(db: sqlite3.Connection, key: str, value: bytes | None) -> None:
    """Store an account's note. Orders and their answers are skipped: only operator and connector use them."""
    if key.startswith(_ACCOUNT):
        name = key.removeprefix(_ACCOUNT)
        db.execute("DELETE FROM accounts WHERE name = ?", (name,))
        if value is not None:
            db.execute("INSERT INTO accounts VALUES (?, ?)", (name, value))


def _replace(db: sqlite3.Connection, latest: Mapping[bytes, bytes | None]) -> None:
    replaced = orjson.dumps([key.decode() for key in latest]).decode()
    for statement in _REMOVE:
        db.execute(statement, (replaced,))
    stored = [(key, value) for key, value in latest.items() if value is not None]
    db.executemany(_INSERT, [(key.decode(), value) for key, value in stored])
    rows = chain.from_iterable(_rows(read_delivery(key, value)) for key, value in stored)
    db.executemany(_INSERT_PART, rows)


def _rows(delivery: Delivery) -> Iterable[tuple[Any, ...]]:
    platform = platform_of(delivery.id)
    for part in delivery.current():
        yield delivery.id, part.group, platform, part.state, part.since, part.until


def _summary(db: sqlite3.Connection, platform: str, states: Mapping[str, int]) -> DeliverySummary:
    refused = db.execute(_LATEST_REFUSED, (platform,)).fetchone()
    return DeliverySummary(
        states=states,
        due_since=_first(db.execute(_OLDEST_DUE, (platform,)).fetchone()),
        delivered_at=_first(db.execute(_LATEST_DELIVERED, (platform,)).fetchone()),
        refused=None if refused is None else _refused(refused[0]),
    )


def _first(row: tuple[int] | None) -> int | None:
    return None if row is None else row[0]


def _refused(value: str) -> DeliveryPart | None:
    parts = [part for part in read_delivery(b"", value.encode()).current() if part.state == "refused"]
    return max(parts, key=lambda part: part.since, default=None)
