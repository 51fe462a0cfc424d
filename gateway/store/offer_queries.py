"""Queries of the offer view within one read transaction."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, islice
from typing import NamedTuple
from zlib import crc32

import orjson

from gateway.protocol.identity import platform_of
from gateway.protocol.record import OfferState, read_offer
from gateway.protocol.visibility import (
    Filter,
    Reader,
    masked,
    may_read,
)
from gateway.runtime.sqlite_damage import ChecksumError, joined, require_missing
from gateway.store.log_offset import log_offset_of, offset_at, partition_at
from gateway.store.offer_rows import HEAD, LINE
from gateway.store.search.duplicate_index import keys_of
from gateway.store.search.index_store import Index
from gateway.store.search.search import WARNED, Search, count, find, rows_between, search_for
from gateway.store.search.search_index import SEGMENT_BITS

SPARE = 500
"""Maximum of candidates beyond a page that are read and rejected: those near a bounding box but outside it."""
_END = (1 << 48) - 1
_IDS_AT_ONCE = 1_000

_FIELDS = joined(HEAD)

# Each result is fetched as one row: a row per offer would release the GIL once per offer, and a busy event loop is slow
# to return it. No id contains a space, and no JSON on the log a line feed.
_COLUMNS = joined(("log_offset", "id", "value"))
_JOINED = f"SELECT CAST(group_concat(sum || char(31) || {_COLUMNS}, char(10)) AS BLOB) FROM ({{}})"  # noqa: S608  # names of our own tables and columns
_ROW = "SELECT sum, log_offset, id, value FROM offers"
_NUMBERED = _JOINED.format(f"{_ROW} WHERE number IN (SELECT value FROM json_each(?)) ORDER BY log_offset")  # noqa: S608  # names of our own tables and columns
_BY_ID = _JOINED.format(f"{_ROW} WHERE id = ?")
_LINES = f"""SELECT CAST(group_concat({LINE}, char(10)) AS BLOB) FROM (
    SELECT log_offset, id, line FROM offers WHERE number IN (SELECT value FROM json_each(?)) ORDER BY log_offset
)"""  # noqa: S608  # names of our own tables and columns
_HEADS = "SELECT json_group_array(json_array(head_sum, {})) FROM offers WHERE {} IN (SELECT value FROM json_each(?))"
_HEADS_BY_NUMBER = _HEADS.format(_FIELDS, "number")
_HEADS_OF = _HEADS.format(_FIELDS, "id")


class OfferQueries(NamedTuple):
    """One read transaction, with the index and the positions that belong to it."""

    db: sqlite3.Connection
    search_index: Index
    positions: tuple[int, ...]

    def state(self, offer_id: str) -> OfferState | None:
        """The state of one offer, live or marker; None when none is stored. Raises ChecksumError."""
        found = _split(self.db.execute(_BY_ID, (offer_id,)).fetchone()[0])
        if not found:
            require_missing(self.db, "offers", "id", offer_id)
            return None
        ((_, key, value),) = found
        if key.decode() != offer_id:
            raise ChecksumError(f"the index of offers leads from {offer_id!r} to another one")
        return read_offer(key, value)

    def states_at(self, log_offsets: Sequence[int]) -> list[tuple[int, OfferState]]:
        """The offers and markers at these log offsets, in order. Raises ChecksumError where the index is wrong."""
        return [(log_offset, read_offer(key, value)) for log_offset, key, value in self.rows_at(log_offsets)]

    def rows_at(self, log_offsets: Sequence[int]) -> list[tuple[int, bytes, bytes]]:
        """As ``states_at``, each as its log offset, its id and its value."""
        lines = self.db.execute(_NUMBERED, (self._numbers_at(log_offsets),)).fetchone()[0] if log_offsets else None
        found = _split(lines)
        if [log_offset for log_offset, *_ in found] != list(log_offsets):
            raise ChecksumError("the search index leads to other rows")
        return found

    def lines_at(self, log_offsets: Sequence[int]) -> dict[int, bytes]:
        """The lines of the live offers at these log offsets in the digest of a copy (DIG-002), in order. Raises
        ChecksumError.
        """
        found = self.db.execute(_LINES, (self._numbers_at(log_offsets),)).fetchone()[0] if log_offsets else None
        lines = {}
        for row in () if found is None else found.split(b"\n"):
            read, _, stored = row.rpartition(b" ")
            if b"%d" % crc32(read) != stored:
                raise ChecksumError(f"the checksum of a row does not match ({row[:60]!r})")
            log_offset, _, line = read.partition(b" ")
            lines[int(log_offset)] = line + b"\n"
        if list(lines) != list(log_offsets):
            raise ChecksumError("the search index leads to other rows")
        return lines

    def states_from(self, partition: int, start: int, stop: int, limit: int) -> list[tuple[int, OfferState]]:
        """The first offers and markers of a partition between two offsets."""
        rows = rows_between(
            self.search_index.segments, start=log_offset_of(partition, start), stop=log_offset_of(partition, stop)
        )
        return self.states_at(list(islice(rows, limit)))

    def _numbers_at(self, log_offsets: Sequence[int]) -> str:
        """The row numbers of log offsets, as a JSON list."""
        segments, numbers = self.search_index.segments, list[int]()
        for segment, inside in groupby(log_offsets, lambda log_offset: log_offset >> SEGMENT_BITS):
            numbers += segments[segment].numbers_at([*inside])
        return orjson.dumps(numbers).decode()

    def log_offsets(self, search: Search, *, partition: int, start: int = 0, stop: int = _END) -> Iterator[int]:
        """The log offsets of the offers that a search finds, in order."""
        return find(
            self.search_index.segments,
            search,
            start=log_offset_of(partition, start),
            stop=log_offset_of(partition, stop),
        )

    def count(self, search: Search) -> int:
        """The number of offers that a search finds."""
        return count(self.search_index.segments, search)

    def page(
        self, *, reader: Reader, criteria: Filter, after: str | None, limit: int, own: bool
    ) -> tuple[list[OfferState], str | None]:
        """Live offers in log order after a log offset; and the log offset to continue from, None at the end."""
        search = search_for(criteria, reader=reader, own=own)
        found: list[OfferState] = []
        examined = 0
        last = int(after) if after is not None else -1
        for partition in range(max(0, partition_at(last)), len(self.positions)):
            start = offset_at(last) + 1 if last >= 0 and partition_at(last) == partition else 0
            log_offsets = self.log_offsets(search, partition=partition, start=start)
            while slice_ := list(islice(log_offsets, limit - len(found) + 1)):
                for log_offset, state in self.states_at(slice_):
                    if len(found) == limit or examined == limit + SPARE:
                        return found, str(last)
                    last, examined = log_offset, examined + 1
                    if shows(state, reader=reader, criteria=criteria, own=own):
                        found.append(state)
        return found, None

    def older(self, platform: str, partition: int, start: int, before: int) -> tuple[list[tuple[str, int]], int | None]:
        """Some live offers of a platform (id, revision) last accepted at a submissions offset below ``before``; and the
        offset to continue from, None at the end of the partition.
        """
        search = search_for(Filter(platform=frozenset({platform})), reader=Reader(platform), own=True)
        log_offsets = list(islice(self.log_offsets(search, partition=partition, start=start), _IDS_AT_ONCE))
        if not log_offsets:
            return [], None
        heads = self.heads_numbered(orjson.loads(self._numbers_at(log_offsets)))
        return [(one.id, one.revision) for one in heads if one.submitted < before], offset_at(log_offsets[-1]) + 1

    def warned(self, platform: str, codes: Sequence[str], most: int) -> tuple[int, list[str]]:
        """The number of live offers of a platform with one of these warnings, and the ids of the first."""
        search = search_for(Filter(platform=frozenset({platform})), reader=Reader(platform), own=True)
        narrowed = replace(search, groups=(tuple(WARNED + code for code in codes), *search.groups))
        partitions = range(len(self.positions)) if (number := self.count(narrowed)) else ()
        found = (offset for partition in partitions for offset in self.log_offsets(narrowed, partition=partition))
        heads = self.heads_numbered(orjson.loads(self._numbers_at(list(islice(found, most)))))
        return number, [one.id for one in sorted(heads, key=lambda head: head.log_offset)]

    def heads(self, offer_ids: Sequence[str]) -> list["Head"]:
        """The heads of these offers. Raises ChecksumError."""
        return self._heads(_HEADS_OF, offer_ids)

    def heads_numbered(self, numbers: Sequence[int]) -> list["Head"]:
        """The heads of the offers with these row numbers. Raises ChecksumError."""
        return self._heads(_HEADS_BY_NUMBER, numbers)

    def _heads(self, statement: str, values: Sequence[str] | Sequence[int]) -> list["Head"]:
        (rows,) = self.db.execute(statement, (orjson.dumps(values).decode(),)).fetchone()
        return [Head.read(*row) for row in orjson.loads(rows)]


class Head(NamedTuple):
    """The columns of an offer's row apart from the offer itself. The duplicate keys of a marker are None."""

    number: int
    log_offset: int
    id: str
    revision: int
    submitted: int
    audiences: str
    passed: str
    link: int | None
    site: int | None
    firm: int | None

    @property
    def keys(self) -> tuple[int | None, int | None, int | None]:
        """Its duplicate keys."""
        return self.link, self.site, self.firm

    @property
    def found_by(self) -> list[int]:
        """The keys under which it is found."""
        return keys_of(*self.keys)

    def is_visible_to(self, reader: Reader) -> bool:
        """Whether the reader is its publisher, or may see it."""
        return platform_of(self.id) == reader.platform or (
            reader.audience in self.audiences.split() and reader.platform not in self.passed.split()
        )

    @classmethod
    def read(cls, stored: int, fields: str) -> "Head":
        """From the columns as one text."""
        if crc32(fields.encode()) != stored:
            raise ChecksumError(f"the checksum of a row does not match ({fields[:60]!r})")
        number, log_offset, offer_id, revision, submitted, audiences, passed, *keys = fields.split("\x1f")
        link, site, firm = (None if key == "None" else int(key) for key in keys)
        return cls(
            int(number), int(log_offset), offer_id, int(revision), int(submitted), audiences, passed, link, site, firm
        )


def shows(state: OfferState, *, reader: Reader, criteria: Filter, own: bool) -> bool:
    """Whether this offer is shown to a reader with this filter. The index only finds candidates."""
    publisher = platform_of(state.id)
    if state.offer is None or state.territory is None:
        return False
    mine = own and publisher == reader.platform
    if not mine and not may_read(reader, offer=state.offer, provenance=state.known.provenance):
        return False
    visible = masked(state.offer, reader=reader, publisher=publisher)
    return criteria.matches(offer=visible, territory=state.territory, platform=publisher)


def _split(lines: bytes | None) -> list[tuple[int, bytes, bytes]]:
    """Log offset, id and value of rows that were fetched as one. Raises ChecksumError."""
    found = []
    for line in () if lines is None else lines.split(b"\n"):
        stored, _, row = line.partition(b"\x1f")
        if b"%d" % crc32(row) != stored:
            raise ChecksumError(f"the checksum of a row does not match ({row[:60]!r})")
        log_offset, offer_id, value = row.split(b"\x1f", 2)
        found.append((int(log_offset), offer_id, value))
    return found
