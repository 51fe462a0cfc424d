"""One partition of one topic in memory: offsets with gaps, open transactions, compaction, retention."""

from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter

from gateway.clock import append_time
from gateway.errors import PositionLostError
from gateway.log.port import Appended, Chunk
from gateway.protocol.record import Record, StoredRecord

_OFFSET = attrgetter("offset")


class Stream:
    """The records of a partition. ``end`` is the end offset, ``stable`` the last stable offset."""

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.start = 0
        self.end = 0
        self._records: list[StoredRecord] = []
        self._open: list[Appended] = []
        self._last_at = 0

    @property
    def stable(self) -> int:
        """The offset up to which committed records are readable: the first open transaction holds it back."""
        return min((span.first for span in self._open), default=self.end)

    def write(self, records: Sequence[Record], *, at: int) -> Appended:
        """Add committed records and use up one more offset, as a commit marker does."""
        span = self._add(records, at=at)
        self.end += 1
        return span

    def begin(self, records: Sequence[Record], *, at: int) -> Appended:
        """Add records of a transaction that stays open until ``settle``."""
        span = self._add(records, at=at)
        self._open.append(span)
        return span

    def settle(self, span: Appended, *, commit: bool) -> None:
        """Commit or abort an open transaction; its marker uses up an offset either way."""
        self._open.remove(span)
        self.end += 1
        if not commit:
            del self._records[self._index(span.first) : self._index(span.last + 1)]

    def read(self, position: int, limit: int) -> Chunk | None:
        """Up to ``limit`` records from a position; None when the position stays the same. Raises PositionLostError."""
        if not self.start <= position <= self.end:
            raise PositionLostError(
                f"Position {position} of {self.topic}/{self.partition} is outside {self.start} to {self.end}, "
                "which is what the log holds: rebuild from the start."
            )
        stable = self.stable
        first = self._index(position)
        records = self._records[first : min(first + limit, self._index(stable))]
        reached = records[-1].offset + 1 if len(records) == limit else stable
        return Chunk(self.topic, self.partition, records, reached) if reached > position else None

    def expire(self, before: int, *, now: int) -> None:
        """Drop the records appended before an instant (ms since 1970), and move the start up.

        A record with a time stamp later than ``now`` has no known age: it is dropped with the next one of known age.
        """
        stable = self.stable
        kept = next((one.offset for one in self._records if before <= one.appended_at <= now), stable)
        gone = [one.offset for one in self._records if one.appended_at < before and one.offset < min(kept, stable)]
        if gone:
            left = (one.offset for one in self._records if one.offset > gone[-1])
            self.start = max(self.start, min(next(left, stable), stable))
        del self._records[: self._index(self.start)]

    def compact(self, *, deletes_before: int) -> None:
        """Keep the last decided record of each key, and tombstones only if appended at ``deletes_before`` or later."""
        decided = self._index(self.stable)
        last = {one.key: one.offset for one in self._records[:decided]}
        self._records[:decided] = [
            one
            for one in self._records[:decided]
            if last[one.key] == one.offset and (one.value is not None or one.appended_at >= deletes_before)
        ]

    def _add(self, records: Sequence[Record], *, at: int) -> Appended:
        self._last_at = append_time(at, self._last_at)
        first = self.end
        self._records.extend(
            StoredRecord(offset, self._last_at, record.key, record.value, record.headers)
            for offset, record in enumerate(records, first)
        )
        self.end += len(records)
        return Appended(first, self.end - 1)

    def _index(self, offset: int) -> int:
        return bisect_left(self._records, offset, key=_OFFSET)
