"""The search index in its file: postings by chunk, live offsets by segment, and recent changes on top of both.

Each transaction appends one change. A fold moves the changes of a period into chunks: a chunk rewritten for each change
would cost more than the change. The changes of the last two periods stay in the file, so that a follower
applies them one by one instead of reading the chunks again.
"""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from pyroaring import BitMap

from gateway.runtime.sqlite_damage import checksum, require
from gateway.store.search import duplicate_index
from gateway.store.search.duplicate_index import Key, PendingKeys
from gateway.store.search.search_index import (
    ALL,
    CHUNK_BITS,
    CHUNKS_BITS,
    IndexChange,
    Segment,
    Segments,
    apply_change,
    chunks_of,
    needs_purge,
    new_segment,
    pack_chunk,
    purge,
    unpack_chunk,
)

SCHEMA = """
CREATE TABLE postings (chunk INTEGER PRIMARY KEY, facets BLOB NOT NULL, sum INTEGER);
CREATE TABLE live (segment INTEGER PRIMARY KEY, offsets BLOB NOT NULL, markers BLOB NOT NULL, sum INTEGER);
CREATE TABLE recent (step INTEGER PRIMARY KEY, period INTEGER NOT NULL, change BLOB NOT NULL, sum INTEGER);
"""
TABLES = {
    "postings": ("chunk", "facets"),
    "live": ("segment", "offsets", "markers"),
    "recent": ("step", "period", "change"),
}
PERIOD = 8_192
"""Records between two folds."""
_PURGED_CHUNKS = 8
_SINCE = "SELECT step, period, change, sum FROM recent WHERE step >= ? ORDER BY step"


class Index(NamedTuple):
    """The index as of one transaction, complete for a search. ``pending`` may hold more than was committed."""

    segments: Segments
    pending: PendingKeys


EMPTY = Index({}, {})


@dataclass
class RecentOffsets:
    """The index in memory, updated change by change: by its writer, or by a follower of the file."""

    segments: Segments = field(default_factory=dict)
    pending: PendingKeys = field(default_factory=dict)
    """Duplicate keys that are not yet in their table."""
    dropped: set[Key] = field(default_factory=set)
    """The pending keys that are no longer valid."""
    touched: set[int] = field(default_factory=set)
    """The chunks that this period's changes have added to."""
    step: int = 0
    period: int = 0
    size: int = 0
    """Records in this period."""

    @property
    def index(self) -> Index:
        """As of the last change."""
        return Index(self.segments, self.pending)

    @classmethod
    def load(cls, db: sqlite3.Connection) -> "RecentOffsets":
        """Read the whole file. Raises sqlite3.DatabaseError."""
        segments: dict[int, Segment] = {}
        for number, offsets, markers, stored in db.execute("SELECT segment, offsets, markers, sum FROM live"):
            require(stored, number, offsets, markers)
            live, withdrawn = BitMap.deserialize(offsets), BitMap.deserialize(markers)
            segments[number] = new_segment()._replace(live=live, markers=withdrawn)
        for chunk, facets, stored in db.execute("SELECT chunk, facets, sum FROM postings ORDER BY chunk"):
            require(stored, chunk, facets)
            unpack_chunk(facets, segments.setdefault(chunk >> CHUNKS_BITS, new_segment()))
        found = cls(segments)
        found._read(db)
        return found

    def catch_up(self, db: sqlite3.Connection) -> bool:
        """Apply the changes that the file has beyond the last one; False if the file no longer has all of them."""
        (first,) = db.execute("SELECT min(step) FROM recent").fetchone()
        if first is not None and first > max(1, self.step):
            return False
        period = self.period
        self._read(db)
        if period != self.period:
            self.segments = {n: purge(one) if needs_purge(one) else one for n, one in self.segments.items()}
        return True

    def _read(self, db: sqlite3.Connection) -> None:
        for step, period, packed, stored in db.execute(_SINCE, (self.step + 1,)).fetchall():
            require(stored, step, period, packed)
            if period != self.period:
                self.start_period(period)
            change = IndexChange.unpack(packed)
            self.segments = apply_change(self.segments, change)
            self.note(change, step)

    def start_period(self, period: int) -> None:
        """Begin a period after a fold, which has written the duplicate keys of earlier changes to the table."""
        self.period, self.size = period, 0
        self.pending, self.dropped, self.touched = {}, set(), set()

    def note(self, change: IndexChange, step: int) -> None:
        """Record a change that is applied to the segments already: step, size, chunks and duplicate keys."""
        self.step = step
        self.size += max(len(change.added), len(change.gone))
        self.touched.update({log_offset >> CHUNK_BITS for log_offset, *_ in change.added})
        for key, number in change.new_keys:
            self.pending.setdefault(key, set()).add(number)
            self.dropped.discard((key, number))
        self.dropped.update((key, number) for key, number in change.old_keys if number in self.pending.get(key, ()))


class IndexWriter:
    """Writes changes in the transactions of the view's writing thread; ``commit`` makes them visible to searches."""

    def __init__(self, db: sqlite3.Connection, *, settled: bool) -> None:
        """Start from the file. Raises sqlite3.DatabaseError."""
        self._recent = RecentOffsets.load(db)
        self._purged: set[int] = set()
        """Chunks whose rows hold postings that were purged in memory."""
        self._written: tuple[Segments, IndexChange] | None = None
        self._folded: Collection[int] | None = None
        self.settled = settled
        """Whether duplicate keys are written with each change; until then ``settle`` has to build them at once."""
        self.index = self._recent.index
        """The index as of the last commit."""

    def write(self, db: sqlite3.Connection, change: IndexChange) -> None:
        """Append a change, after a fold if one is due. One call a transaction."""
        recent, self._folded = self._recent, None
        segments = self._fold(db) if recent.size >= PERIOD else recent.segments
        step, period = recent.step + 1, recent.period + (segments is not recent.segments)
        if not self.settled:
            change = change._replace(new_keys=[], old_keys=[])
        packed = change.pack()
        db.execute("INSERT INTO recent VALUES (?, ?, ?, ?)", (step, period, packed, checksum(step, period, packed)))
        pending: PendingKeys = recent.pending if segments is recent.segments else {}
        written = [
            (key, number)
            for key, number in change.old_keys
            if number not in pending.get(key, ()) or (key, number) in recent.dropped
        ]
        duplicate_index.forget(db, written)
        self._written = apply_change(segments, change), change

    def commit(self) -> None:
        """Make the last change visible, after its transaction was committed."""
        if self._written is None:
            return
        recent = self._recent
        if self._folded is not None:
            recent.start_period(recent.period + 1)
            self._purged.difference_update(self._folded)
        recent.segments, change = self._written
        recent.note(change, recent.step + 1)
        self._written = self._folded = None
        self.index = recent.index

    def withdraw(self) -> None:
        """Discard the change since the last commit, whose transaction was rolled back."""
        self._written = self._folded = None

    def _fold(self, db: sqlite3.Connection) -> Segments:
        """Write the changes of this period, and some purged chunks. Returns the purged segments."""
        recent, segments = self._recent, dict(self._recent.segments)
        for number, segment in segments.items():
            if needs_purge(segment):
                segments[number] = purge(segment)
                self._purged.update(number << CHUNKS_BITS | chunk for chunk in chunks_of(segment.postings[ALL]))
        chunks = recent.touched | set(sorted(self._purged)[:_PURGED_CHUNKS])
        for chunk in sorted(chunks):
            packed = pack_chunk(segments[chunk >> CHUNKS_BITS], chunk & (1 << CHUNKS_BITS) - 1)
            if packed is None:
                db.execute("DELETE FROM postings WHERE chunk = ?", (chunk,))
            else:
                db.execute("INSERT OR REPLACE INTO postings VALUES (?, ?, ?)", (chunk, packed, checksum(chunk, packed)))
        for number, segment in segments.items():
            row = number, segment.live.serialize(), segment.markers.serialize()
            db.execute("INSERT OR REPLACE INTO live VALUES (?, ?, ?, ?)", (*row, checksum(*row)))
        if recent.pending:
            keys = [(key, number) for key, numbers in recent.pending.items() for number in numbers]
            duplicate_index.write(db, sorted(set(keys) - recent.dropped))
        db.execute("DELETE FROM recent WHERE period < ?", (recent.period,))
        self._folded = chunks
        return segments
