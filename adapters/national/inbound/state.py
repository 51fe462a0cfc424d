"""State of the inbound scan: offers imported from the site, and every known apply address.

A disposable SQLite file, filled from ``offers``. It also counts the scans in which an offer was missing; losing the
counts only delays a withdrawal by two scans.
"""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import orjson

from gateway.log.port import Chunk, EventLog
from gateway.log.reading import read_all
from gateway.protocol.identity import NATIONAL, platform_of
from gateway.protocol.record import OfferState, read_offer
from gateway.protocol.topic import OFFERS
from gateway.runtime.sqlite_damage import computed
from gateway.store.local_copy import LocalCopy
from gateway.store.search.duplicate_key import canonical_url

_PAGE = 2_000
_TABLES = {
    "made": ("id", "revision", "digest", "reason", "weeks", "missing", "last_season"),
    "link": ("id", "address"),
    "position": ("partition", "position"),
}
_SUM = {table: computed(columns) for table, columns in _TABLES.items()}
_WHOLE = {table: f"whole(sum, {', '.join(columns)})" for table, columns in _TABLES.items()}
_MADE = "SELECT id, revision, digest, reason, weeks, last_season FROM made WHERE " + _WHOLE["made"]  # noqa: S608  # our own columns
_MADE_BY_ID = f"{_MADE} AND id = ?"
_MADE_MISSING = f"{_MADE} AND reason IS NULL AND missing >= ?"
_LINKED = f"SELECT id FROM link WHERE address = ? AND {_WHOLE['link']} LIMIT 1"  # noqa: S608  # our own columns
_POSITIONS = f"SELECT partition, position FROM position WHERE {_WHOLE['position']}"  # noqa: S608  # our own columns
_LAYOUT = f"""
CREATE TABLE made (
    id TEXT PRIMARY KEY, revision INTEGER, digest TEXT, reason TEXT, weeks TEXT, missing INTEGER DEFAULT 0,
    last_season INTEGER,
    {_SUM["made"]}
) WITHOUT ROWID;
CREATE TABLE link (id TEXT PRIMARY KEY, address INTEGER, {_SUM["link"]}) WITHOUT ROWID;
CREATE INDEX by_address ON link (address);
CREATE TABLE position (partition INTEGER PRIMARY KEY, position INTEGER, {_SUM["position"]});
"""
_PUT = """
INSERT INTO made (id, revision, digest, reason, weeks) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    revision = excluded.revision, digest = excluded.digest, reason = excluded.reason, weeks = excluded.weeks,
    missing = CASE WHEN made.reason IS NOT NULL OR excluded.reason IS NOT NULL THEN 0 ELSE made.missing END,
    last_season = CASE WHEN made.weeks = excluded.weeks THEN made.last_season END
"""


@dataclass(frozen=True, slots=True)
class ImportedOffer:
    """An offer created at the site, as published in the federation. ``reason``: why it is withdrawn; None: it is live.
    ``last_season``: the last season in which the site's search listed it with these weeks; None: not known.
    """

    id: str
    revision: int
    digest: str
    reason: str | None
    weeks: tuple[str, ...]
    last_season: int | None


class InboundState(LocalCopy):
    """Positions and rows are committed together. Writes run in a thread, one call at a time."""

    FORMAT = 5
    LAYOUT = _LAYOUT
    TABLES = _TABLES

    async def catch_up(self, log: EventLog, ends: Sequence[int]) -> None:
        """Read ``offers`` up to its end offsets, by partition. They must come from an owner: with older ends, an offer
        published since would be imported from the site's copy.
        """
        at = await asyncio.to_thread(self._start, ends)
        async with read_all(log, OFFERS, limit=_PAGE, starts=at, ends=dict(enumerate(ends))) as chunks:
            async for chunk in chunks:
                await asyncio.to_thread(self._apply, chunk)

    def _start(self, ends: Sequence[int]) -> dict[int, int]:
        """Positions to resume from, by partition. Uncommitted changes of an earlier attempt are dropped."""
        self.drop()
        start = dict.fromkeys(range(len(ends)), 0)
        at = start | dict(self._db.execute(_POSITIONS).fetchall())
        if any(at[p] > end for p, end in enumerate(ends)):
            self.clear()
            return start
        return at

    def made(self, offer_id: str) -> ImportedOffer | None:
        """The imported offer of this id, if any."""
        row = self._db.execute(_MADE_BY_ID, (offer_id,)).fetchone()
        return None if row is None else _made(row)

    def linked(self, url: str) -> str | None:
        """The offer of another platform that applies at this address, withdrawn ones included."""
        row = self._db.execute(_LINKED, (_key(url),)).fetchone()
        return None if row is None else str(row[0])

    def count_missing(self, seen: Collection[str], *, season: int) -> None:
        """Record a complete scan: count it for each live offer not in ``seen``; store the season of the others."""
        live = [one.id for one in self.missing(scans=0)]
        listed = [(season, offer_id) for offer_id in live if offer_id in seen]
        self._db.executemany("UPDATE made SET missing = 0, last_season = ? WHERE id = ?", listed)
        absent = [(offer_id,) for offer_id in live if offer_id not in seen]
        self._db.executemany("UPDATE made SET missing = missing + 1 WHERE id = ?", absent)
        self._db.commit()

    def missing(self, *, scans: int) -> Iterator[ImportedOffer]:
        """Live offers that were missing in the last ``scans`` complete scans."""
        rows = self._db.execute(_MADE_MISSING, (scans,)).fetchall()
        return map(_made, rows)

    def live(self) -> int:
        """The number of live offers from the site."""
        return int(self._db.execute("SELECT count(*) FROM made WHERE reason IS NULL").fetchone()[0])

    def _apply(self, chunk: Chunk) -> None:
        for record in chunk.records:
            key = record.key or b""
            offer_id = key.decode()
            if record.value is None:
                self._db.execute("DELETE FROM made WHERE id = ?", (offer_id,))
                self._db.execute("DELETE FROM link WHERE id = ?", (offer_id,))
            else:
                self._put(read_offer(key, record.value))
        row = (chunk.partition, chunk.position)
        self._db.execute("INSERT OR REPLACE INTO position VALUES (?, ?)", row)
        self._db.commit()

    def _put(self, state: OfferState) -> None:
        if platform_of(state.id) == NATIONAL:
            weeks = orjson.dumps(state.offer["weeks"] if state.offer is not None else []).decode()
            known = state.known
            self._db.execute(_PUT, (state.id, known.revision, known.digest, known.reason, weeks))
        elif state.offer is not None:  # a withdrawn offer keeps its address: it must not come back as the site's own
            self._db.execute("INSERT OR REPLACE INTO link VALUES (?, ?)", (state.id, _key(state.offer["apply_url"])))


def _made(row: tuple[str, int, str, str | None, str, int | None]) -> ImportedOffer:
    offer_id, revision, digest, reason, weeks, last_season = row
    return ImportedOffer(offer_id, revision, digest, reason, tuple(orjson.loads(weeks)), last_season)


def _key(url: str) -> int:
    """64-bit hash of the canonical form of the address."""
    return int.from_bytes(blake2b(canonical_url(url).encode(), digest_size=8).digest(), signed=True)
