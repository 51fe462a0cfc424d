"""The outbox of one account: its offers, their deliveries and the due calls, in a disposable SQLite file.

The file is a copy of ``offers`` and ``deliveries`` with the positions up to which both are applied. A file that is
damaged, foreign or ahead of the log is discarded and rebuilt. It is on disk, so that a hundred thousand offers cost no
memory.
"""

import asyncio
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from adapters.national.site.timing import MAX_MS
from gateway.errors import LogUnavailableError
from gateway.protocol.delivery import QUEUE, Delivery, Group, delivery_record, read_delivery
from gateway.protocol.identity import platform_of
from gateway.protocol.record import OfferState, read_offer
from gateway.protocol.topic import OFFERS
from gateway.runtime.sqlite_damage import computed, using_copy
from gateway.store.local_copy import LocalCopy

_CHECKPOINT_AFTER = 500
_TABLES = {
    "offer": ("id", "platform", "value"),
    "delivery": ("id", "value"),
    "remote": ("remote_id", "id"),
    "due": ("id", "part", "rank", "not_before", "tries", "failures", "unknown_outcome", "missed"),
    "terms": ("platform", "fingerprint"),
    "position": ("topic", "partition", "position"),
}
_SUM = {table: computed(columns) for table, columns in _TABLES.items()}
_WHOLE = {
    table: f"whole({table}.sum, {', '.join(f'{table}.{one}' for one in columns)})" for table, columns in _TABLES.items()
}
_LAYOUT = f"""
CREATE TABLE offer (id TEXT PRIMARY KEY, platform TEXT, value BLOB, {_SUM["offer"]});
CREATE INDEX of_platform ON offer (platform, id);
CREATE TABLE delivery (id TEXT PRIMARY KEY, value BLOB, {_SUM["delivery"]});
CREATE TABLE remote (remote_id TEXT PRIMARY KEY, id TEXT, {_SUM["remote"]}) WITHOUT ROWID;
CREATE TABLE due (
    id TEXT, part TEXT, rank INTEGER, not_before INTEGER, tries INTEGER, failures INTEGER, unknown_outcome TEXT,
    missed INTEGER, {_SUM["due"]}, PRIMARY KEY (id, part)
) WITHOUT ROWID;
CREATE INDEX by_rank ON due (unknown_outcome, rank, failures, not_before);
CREATE INDEX retried ON due (not_before) WHERE failures > 0;
CREATE TABLE terms (platform TEXT PRIMARY KEY, fingerprint TEXT, {_SUM["terms"]}) WITHOUT ROWID;
CREATE TABLE position (
    topic TEXT, partition INTEGER, position INTEGER, {_SUM["position"]}, PRIMARY KEY (topic, partition)
) WITHOUT ROWID;
"""
_OFFER = f"SELECT value FROM offer WHERE id = ? AND {_WHOLE['offer']}"  # noqa: S608  # our own columns
_DELIVERY = f"SELECT value FROM delivery WHERE id = ? AND {_WHOLE['delivery']}"  # noqa: S608  # our own columns
_OWNER_OF = f"SELECT id FROM remote WHERE remote_id = ? AND {_WHOLE['remote']}"  # noqa: S608  # our own columns
_FINGERPRINT = f"SELECT fingerprint FROM terms WHERE platform = ? AND {_WHOLE['terms']}"  # noqa: S608  # our own columns
_POSITION = f"SELECT position FROM position WHERE topic = ? AND partition = ? AND {_WHOLE['position']}"  # noqa: S608  # our own columns
_DUE = f"SELECT id, part, tries, failures, missed FROM due WHERE {_WHOLE['due']}"  # noqa: S608  # our own columns
_ASIDE = f"{_DUE} AND unknown_outcome = ? ORDER BY id LIMIT ?"
_QUEUED = f"{_DUE} AND unknown_outcome = '' AND not_before <= ?"
_READY = f"{_QUEUED} AND rank = ? AND failures = 0 ORDER BY not_before, id LIMIT ?"
_RETRIED = f"{_QUEUED} AND failures > 0 ORDER BY not_before, id LIMIT ?"
_LEAST_FAILED = f"{_QUEUED} AND rank = ? ORDER BY failures, not_before, id LIMIT ?"
_ENQUEUE = """
INSERT INTO due VALUES (:id, :part, :rank, :not_before, 0, 0, '', 0) ON CONFLICT DO UPDATE SET
    not_before = CASE
        WHEN rank <> :rank OR :not_before > :now THEN :not_before
        WHEN failures > 0 OR missed THEN not_before
        ELSE min(not_before, :not_before)
    END,
    tries = CASE WHEN rank = :rank THEN tries ELSE 0 END,
    failures = CASE WHEN rank = :rank THEN failures ELSE 0 END,
    unknown_outcome = CASE WHEN rank = :rank THEN unknown_outcome ELSE '' END,
    missed = CASE WHEN rank = :rank THEN missed ELSE 0 END,
    rank = :rank
"""
_ALL = "SELECT id FROM offer WHERE id > ? ORDER BY id LIMIT 500"
_OF_PLATFORM = "SELECT id FROM offer WHERE id > ? AND platform = ? ORDER BY id LIMIT 500"
_LEFT = """
SELECT id FROM delivery WHERE id > ? AND NOT EXISTS (SELECT 1 FROM offer WHERE offer.id = delivery.id)
ORDER BY id LIMIT 500
"""
_DUE_AGAIN = """
UPDATE due SET not_before = :now WHERE not_before > :now AND (failures = 0 OR not_before > :now + :longest)
"""
_RANKS = 4
_CALLS = {0: "delete", 1: "create", 2: "update", 3: "delete"}
"""The call of each rank."""
_RETRIED_SHARE = 4
"""Of this many calls at least one retries a part that failed before."""


@dataclass(frozen=True, slots=True)
class DueCall:
    """One part with a due call. ``failures`` counts its failed calls; ``tries`` counts those outside an outage.
    ``missed``: its creation has an unknown outcome, and the site's index does not list it.
    """

    id: str
    group: Group
    tries: int
    failures: int
    missed: bool


class Outbox(LocalCopy):
    """``keep`` commits the changes; ``drop`` rolls back those since the last ``keep``."""

    FORMAT = 5
    LAYOUT = _LAYOUT
    TABLES = _TABLES
    PRAGMAS = ("PRAGMA wal_autocheckpoint = 0",)
    _kept = 0
    _latest: float = inf
    """Time (ms) of the last read of the queue."""

    def apply(self, topic: str, key: bytes, value: bytes | None) -> None:
        """Store the value of a record of ``offers`` or ``deliveries``; None deletes it: its marker was forgotten."""
        offer_id = key.decode()
        if topic == OFFERS:
            self.put_offer(offer_id, platform_of(offer_id), value)
        elif value is None:
            self.forget(offer_id)
        else:
            self.put_delivery(read_delivery(key, value))

    def offer(self, offer_id: str) -> OfferState | None:
        """The offer or its marker, as last read."""
        value = self._value(_OFFER, offer_id)
        return None if value is None else read_offer(offer_id.encode(), value)

    def put_offer(self, offer_id: str, platform: str, value: bytes | None) -> None:
        """Store the value of a record of ``offers``; None deletes the offer: its marker was forgotten."""
        if value is None:
            self._db.execute("DELETE FROM offer WHERE id = ?", (offer_id,))
        else:
            self._db.execute("INSERT OR REPLACE INTO offer VALUES (?, ?, ?)", (offer_id, platform, value))

    def delivery(self, offer_id: str) -> Delivery | None:
        """The delivery of the offer, as last written."""
        value = self._value(_DELIVERY, offer_id)
        return None if value is None else read_delivery(offer_id.encode(), value)

    def put_delivery(self, delivery: Delivery) -> None:
        """Store a delivery, and index its remote ids."""
        value = delivery_record(delivery).value
        self._db.execute("INSERT OR REPLACE INTO delivery VALUES (?, ?)", (delivery.id, value))
        rows = [(name, delivery.id) for name in delivery.remote_ids()]
        self._db.executemany("INSERT OR REPLACE INTO remote VALUES (?, ?)", rows)

    def forget(self, offer_id: str) -> None:
        """Delete the delivery of an offer whose marker was forgotten."""
        for table in ("delivery", "remote", "due"):
            self._db.execute(f"DELETE FROM {table} WHERE id = ?", (offer_id,))  # noqa: S608  # the three above

    def owner_of(self, remote_id: str) -> str | None:
        """The offer that has, or had, this remote id."""
        owner: str | None = self._value(_OWNER_OF, remote_id)
        return owner

    def ids(self, platform: str | None = None) -> Iterator[str]:
        """Ids of a platform's offers; or of all offers, and of deliveries whose offer is forgotten."""
        if platform is not None:
            yield from self._pages(_OF_PLATFORM, platform)
        else:
            yield from self._pages(_ALL)
            yield from self._pages(_LEFT)

    def _pages(self, query: str, *arguments: str) -> Iterator[str]:
        """Ids page by page; a change between two pages may be skipped."""
        after = ""
        while rows := self._db.execute(query, (after, *arguments)).fetchall():
            yield from (row[0] for row in rows)
            after = rows[-1][0]

    def fingerprint(self, platform: str) -> str | None:
        """Fingerprint of the terms under which a platform's offers were last reviewed."""
        fingerprint: str | None = self._value(_FINGERPRINT, platform)
        return fingerprint

    def put_fingerprint(self, platform: str, fingerprint: str) -> None:
        """Store that fingerprint."""
        self._db.execute("INSERT OR REPLACE INTO terms VALUES (?, ?)", (platform, fingerprint))

    # Due calls.

    def enqueue(self, offer_id: str, group: Group, *, rank: int, not_before: int, now: int) -> None:
        """Queue a call for a part. An entry that waits for a retry keeps its time, unless its rank changes."""
        values = {"id": offer_id, "part": group, "rank": rank, "not_before": not_before, "now": now}
        self._db.execute(_ENQUEUE, values)

    def dequeue(self, offer_id: str, group: Group) -> None:
        """Remove the due call of a part."""
        self._db.execute("DELETE FROM due WHERE id = ? AND part = ?", (offer_id, group))

    def _update(self, assignments: str, offer_id: str, group: str, *values: object) -> None:
        self._db.execute(f"UPDATE due SET {assignments} WHERE id = ? AND part = ?", (*values, offer_id, group))  # noqa: S608  # our own columns

    def put_off(self, offer_id: str, group: Group, *, until: int, tries: int, failures: int) -> None:
        """Retry a part after ``until`` (ms)."""
        self._update("not_before = ?, tries = ?, failures = ?", offer_id, group, until, tries, failures)

    def count_try(self, offer_id: str, group: str) -> None:
        """Count a failed call of a part as a try, after the fact."""
        self._update("tries = tries + 1", offer_id, group)

    def try_now(self, offer_id: str, group: str, now: int) -> None:
        """End the backoff of a part whose calls failed in an outage."""
        self._update("not_before = min(not_before, ?), failures = tries", offer_id, group, now)

    def set_aside(self, offer_id: str, group: Group, reason: str) -> None:
        """Set a part aside until the site's index resolves its outcome; an empty reason returns it to the queue."""
        self._update("unknown_outcome = ?", offer_id, group, reason)

    def set_missing(self, offer_id: str, group: Group, *, until: int) -> None:
        """The index does not list a part whose creation has an unknown outcome: retry it after ``until`` (ms)."""
        self._update("unknown_outcome = '', missed = 1, not_before = ?", offer_id, group, until)

    def announce(self, offer_id: str, group: Group) -> None:
        """A call of a part is under way: an earlier look-up in the index no longer counts."""
        self._update("missed = 0", offer_id, group)

    def set_aside_for(self, reason: str, *, limit: int) -> Sequence[DueCall]:
        """Parts that were set aside for this reason."""
        rows = self._db.execute(_ASIDE, (reason, limit))
        return [DueCall(*row) for row in rows.fetchall()]

    def ready(self, now: int, *, limit: int) -> Sequence[DueCall]:
        """The calls to make next, at most one per offer: those that never failed, by rank and waiting time. A share is
        reserved for retries, so that neither kind starves the other.
        """
        self._check_clock(now)
        retried = self._db.execute(_RETRIED, (now, limit)).fetchall()
        kept = min(len(retried), max(1, limit // _RETRIED_SHARE)) if limit > 1 else 0
        found: dict[str, DueCall] = {}
        for rank in range(_RANKS):
            for row in self._db.execute(_READY, (now, rank, limit)).fetchall():
                if len(found) < limit - kept:
                    found.setdefault(row[0], DueCall(*row))
        for row in retried:
            if len(found) < limit:
                found.setdefault(row[0], DueCall(*row))
        return list(found.values())

    def trials(self, now: int, *, limit: int) -> Sequence[DueCall]:
        """The calls to try at a site that is down: those with the fewest failures, alternating between the ranks."""
        self._check_clock(now)
        ranks = [self._db.execute(_LEAST_FAILED, (now, rank, limit)).fetchall() for rank in range(_RANKS)]
        least = sorted(
            (row[3], position, rank, row) for rank, rows in enumerate(ranks) for position, row in enumerate(rows)
        )
        found: dict[str, DueCall] = {}
        for _, _, _, row in least:
            if len(found) < limit:
                found.setdefault(row[0], DueCall(*row))
        return list(found.values())

    def _check_clock(self, now: int) -> None:
        """Make entries due again if the clock has gone back since the last read of the queue, or since the file was
        filled. An entry that waits for a day is put off to that day again when it is read.
        """
        if now < self._latest:
            self._db.execute(_DUE_AGAIN, {"now": now, "longest": MAX_MS})
        self._latest = now

    def fails(self) -> bool:
        """Whether a call that failed waits for its retry."""
        return self._value("SELECT 1 FROM due WHERE failures > 0 LIMIT 1") is not None

    def next_at(self) -> int | None:
        """The instant at which the next call is due; None when none is."""
        at: int | None = self._value("SELECT min(not_before) FROM due WHERE unknown_outcome = ''")
        return at

    def queue(self, now: int) -> Mapping[str, int]:
        """Number of calls due now, by kind; ``later``: for another day or a retry; ``doubt``: for the index."""
        counts = dict.fromkeys(QUEUE, 0)
        rows = self._db.execute(
            "SELECT rank, not_before <= ?, unknown_outcome <> '', count(*) FROM due GROUP BY 1, 2, 3", (now,)
        ).fetchall()
        for rank, ready, is_aside, number in rows:
            name = "doubt" if is_aside else _CALLS[rank] if ready else "later"
            counts[name] += number
        return counts

    # Positions and the file.

    def position(self, topic: str, partition: int) -> int:
        """The next offset to apply."""
        return int(self._value(_POSITION, topic, partition) or 0)

    def _value(self, query: str, *arguments: object) -> Any:
        """The first column of the first row, None without one."""
        row = self._db.execute(query, arguments).fetchone()
        return None if row is None else row[0]

    def keep(self, positions: Mapping[tuple[str, int], int]) -> None:
        """Commit the changes: both topics are applied below these offsets."""
        with self.guarded():
            rows = [(*topic_partition, position) for topic_partition, position in positions.items()]
            self._db.executemany("INSERT OR REPLACE INTO position VALUES (?, ?, ?)", rows)
            self._db.commit()
        self._kept += 1

    async def checkpoint(self) -> None:
        """After many commits, checkpoint the WAL: by another connection in a thread, because it waits for the disk. The
        next commit reports a full disk.
        """
        if self._kept >= _CHECKPOINT_AFTER:
            self._kept = 0
            with suppress(LogUnavailableError), using_copy(self._path):
                await asyncio.to_thread(_checkpoint, self._path)


def _checkpoint(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
