"""The search index in memory: for each facet the log offsets that hold an offer with it, as roaring bitmaps, and for
each log offset the number of its row. Pure.

A segment covers 2^32 offsets of one partition, so that its bitmaps hold 32-bit numbers. Postings only grow: an offset
whose offer was replaced or withdrawn leaves ``live`` and nothing else, and each search intersects with ``live``. So
threads may share postings with the thread that adds to them. ``live`` is never changed in place.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import compress
from typing import NamedTuple

import orjson
from pyroaring import BitMap

Postings = dict[str, BitMap]

SEGMENT_BITS = 32
CHUNK_BITS = 16
_OFFSET = (1 << SEGMENT_BITS) - 1
CHUNKS_BITS = SEGMENT_BITS - CHUNK_BITS
ALL = ""
"""The facet of every offset that has postings, live or not."""
GONE = "gone:"
"""Before the reason of a withdrawal: the first facet of every marker."""
_DEAD_AT_LEAST = 1 << 16
_LENGTH_BYTES = 4


class Segment(NamedTuple):
    """Offsets are relative to the segment's first."""

    live: BitMap
    markers: BitMap
    """Offsets of withdrawals: with ``live`` all that have a row."""
    postings: Postings
    numbers: "array[int]"
    """The number of the row of each offset that has postings, in order."""

    def numbers_at(self, log_offsets: Sequence[int]) -> Sequence[int]:
        """The numbers of the rows at these log offsets of this segment, in order; each has one."""
        numbers, rank = self.numbers, self.postings[ALL].rank
        first, last = rank(log_offsets[0] & _OFFSET) - 1, rank(log_offsets[-1] & _OFFSET)
        if last - first == len(log_offsets):  # all between the first and the last
            return numbers[first:last]
        return [numbers[rank(log_offset & _OFFSET) - 1] for log_offset in log_offsets]


Segments = Mapping[int, Segment]
"""By number: the log offset without its low 32 bits."""


class IndexChange(NamedTuple):
    """The change of the index by one transaction. Keys are pairs of a duplicate key and an offer's number."""

    added: list[tuple[int, int, Sequence[str]]]
    """Log offset, number and facets of each new row, in order."""
    gone: list[int]
    """The log offsets that no longer have a row."""
    new_keys: list[tuple[int, int]]
    old_keys: list[tuple[int, int]]

    def pack(self) -> bytes:
        """As bytes."""
        return orjson.dumps(tuple(self))

    @classmethod
    def unpack(cls, packed: bytes) -> "IndexChange":
        """The inverse of ``pack``."""
        return cls(*orjson.loads(packed))


def split(log_offset: int) -> tuple[int, int]:
    """The segment's number and the offset in it."""
    return log_offset >> SEGMENT_BITS, log_offset & _OFFSET


def new_segment() -> Segment:
    """A segment without offsets."""
    return Segment(BitMap(), BitMap(), {ALL: BitMap()}, array("I"))


def apply_change(segments: Segments, change: IndexChange) -> dict[int, Segment]:
    """The segments after a change. Postings are shared with the segments before it."""
    after = dict(segments)
    live = _by_segment(log_offset for log_offset, _, facets in change.added if not _is_marker(facets))
    markers = _by_segment(log_offset for log_offset, _, facets in change.added if _is_marker(facets))
    gone = _by_segment(change.gone)
    for number in {*live, *markers, *gone}:
        before = segments.get(number) or new_segment()
        lost = BitMap(gone.get(number, ()))
        now = before._replace(live=before.live - lost)
        now.live.update(live.get(number, ()))
        if before.markers or number in markers:
            now = now._replace(markers=before.markers - lost)
            now.markers.update(markers.get(number, ()))
        after[number] = now
    known = -1
    postings: Postings = {}
    for log_offset, row, facets in change.added:
        number, offset = split(log_offset)
        if number != known:
            postings, known = after[number].postings, number
        _set_number(postings[ALL], after[number].numbers, offset, row)
        for facet in facets:
            try:
                postings[facet].add(offset)
            except KeyError:
                postings[facet] = BitMap((offset,))
    return after


def _is_marker(facets: Sequence[str]) -> bool:
    return bool(facets) and facets[0].startswith(GONE)


def _set_number(offsets: BitMap, numbers: "array[int]", offset: int, number: int) -> None:
    """Set the row number of an offset. It is nearly always the highest offset, but not after a rollback."""
    rank = offsets.rank(offset)
    if offset in offsets:
        numbers[rank - 1] = number
    else:
        numbers.insert(rank, number)
        offsets.add(offset)


def _by_segment(log_offsets: Iterable[int]) -> dict[int, "array[int]"]:
    found: dict[int, array[int]] = {}
    for log_offset in log_offsets:
        number, offset = split(log_offset)
        found.setdefault(number, array("I")).append(offset)
    return found


def needs_purge(segment: Segment) -> bool:
    """Whether more offsets are dead than have a row."""
    rows = len(segment.live) + len(segment.markers)
    return len(segment.postings[ALL]) > rows + max(rows, _DEAD_AT_LEAST)


def purge(segment: Segment) -> Segment:
    """The segment without postings of dead offsets, for later searches."""
    rows = segment.live | segment.markers
    left = {facet: offsets & rows for facet, offsets in segment.postings.items()}
    numbers = array("I", compress(segment.numbers, map(rows.__contains__, segment.postings[ALL])))
    postings = {facet: offsets for facet, offsets in left.items() if offsets or facet == ALL}
    return segment._replace(postings=postings, numbers=numbers)


def chunks_of(offsets: BitMap) -> Iterator[int]:
    """The chunks of 65,536 offsets that hold any of these."""
    chunk = 0
    while (first := next(offsets.iter_equal_or_larger(chunk << CHUNK_BITS), None)) is not None:
        yield first >> CHUNK_BITS
        chunk = (first >> CHUNK_BITS) + 1
        if chunk >> CHUNKS_BITS:
            return


def pack_chunk(segment: Segment, chunk: int) -> bytes | None:
    """One chunk as bytes: a length, the length of each facet's bitmap as JSON, the bitmaps, the numbers of the rows."""
    start, end = chunk << CHUNK_BITS, chunk + 1 << CHUNK_BITS
    whole = BitMap(range(start, end))
    packed = {facet: part.serialize() for facet, offsets in segment.postings.items() if (part := offsets & whole)}
    if not packed:
        return None
    lengths = orjson.dumps({facet: len(content) for facet, content in packed.items()})
    offsets = segment.postings[ALL]
    numbers = segment.numbers[offsets.rank(start - 1) if start else 0 : offsets.rank(end - 1)]
    return b"".join((len(lengths).to_bytes(_LENGTH_BYTES, "little"), lengths, *packed.values(), numbers.tobytes()))


def unpack_chunk(packed: bytes, segment: Segment) -> None:
    """Add a chunk to its segment, after all lower ones."""
    start = _LENGTH_BYTES + int.from_bytes(packed[:_LENGTH_BYTES], "little")
    for facet, length in orjson.loads(packed[_LENGTH_BYTES:start]).items():
        part = BitMap.deserialize(packed[start : start + length])
        start += length
        if facet in segment.postings:
            segment.postings[facet] |= part
        else:
            segment.postings[facet] = part
    segment.numbers.frombytes(packed[start:])
