"""The search index in memory: for each facet the log offsets that hold an offer with it, as roaring bitmaps. Pure.

A segment covers 2^32 offsets of one partition, so that its bitmaps hold 32-bit numbers. Postings only grow: an offset
whose offer was replaced or withdrawn leaves ``live`` and nothing else, and each search intersects with ``live``. So
threads may share postings with the thread that adds to them. ``live`` is never changed in place.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import orjson
from pyroaring import BitMap

Postings = dict[str, BitMap]

SEGMENT_BITS = 32
CHUNK_BITS = 16
CHUNKS_BITS = SEGMENT_BITS - CHUNK_BITS
ALL = ""
"""The facet of every offset that has postings, live or not."""
_DEAD_AT_LEAST = 1 << 16
_LENGTH_BYTES = 4


class Segment(NamedTuple):
    """Offsets are relative to the segment's first."""

    live: BitMap
    postings: Postings


Segments = Mapping[int, Segment]
"""By number: the log offset without its low 32 bits."""


class IndexChange(NamedTuple):
    """What one transaction changes in the index. Keys are pairs of a duplicate key and an offer's number."""

    added: list[tuple[int, Sequence[str]]]
    """Log offset and facets of each new live offer."""
    gone: list[int]
    """The log offsets at which an offer was live until now."""
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
    return log_offset >> SEGMENT_BITS, log_offset & (1 << SEGMENT_BITS) - 1


def apply_change(segments: Segments, change: IndexChange) -> dict[int, Segment]:
    """The segments after a change. Postings are shared with the segments before it."""
    after = dict(segments)
    born, gone = _by_segment(log_offset for log_offset, _ in change.added), _by_segment(change.gone)
    for number in {*born, *gone}:
        before = segments.get(number, Segment(BitMap(), {ALL: BitMap()}))
        live = before.live.copy()
        if number in born:
            live.update(born[number])
            before.postings[ALL].update(born[number])
        if number in gone:
            live.difference_update(BitMap(gone[number]))
        after[number] = before._replace(live=live)
    postings: Postings = {}
    known = -1
    for log_offset, facets in change.added:
        number, offset = split(log_offset)
        if number != known:
            postings, known = after[number].postings, number
        for facet in facets:
            try:
                postings[facet].add(offset)
            except KeyError:
                postings[facet] = BitMap((offset,))
    return after


def _by_segment(log_offsets: Iterable[int]) -> dict[int, "array[int]"]:
    found: dict[int, array[int]] = {}
    for log_offset in log_offsets:
        number, offset = split(log_offset)
        found.setdefault(number, array("I")).append(offset)
    return found


def needs_purge(segment: Segment) -> bool:
    """Whether more offsets are dead than live."""
    return len(segment.postings[ALL]) > max(2 * len(segment.live), len(segment.live) + _DEAD_AT_LEAST)


def purge(segment: Segment) -> Segment:
    """The segment without postings of dead offsets, for searches that begin from now on."""
    left = {facet: offsets & segment.live for facet, offsets in segment.postings.items()}
    return segment._replace(postings={facet: offsets for facet, offsets in left.items() if offsets or facet == ALL})


def chunks_of(offsets: BitMap) -> Iterator[int]:
    """The chunks of 65,536 offsets that hold any of these."""
    chunk = 0
    while (first := next(offsets.iter_equal_or_larger(chunk << CHUNK_BITS), None)) is not None:
        yield first >> CHUNK_BITS
        chunk = (first >> CHUNK_BITS) + 1
        if chunk >> CHUNKS_BITS:
            return


def pack_chunk(postings: Postings, chunk: int) -> bytes | None:
    """The postings of one chunk as bytes: a length, the length of each facet's bitmap as JSON, the bitmaps."""
    whole = BitMap(range(chunk << CHUNK_BITS, chunk + 1 << CHUNK_BITS))
    packed = {facet: part.serialize() for facet, offsets in postings.items() if (part := offsets & whole)}
    if not packed:
        return None
    lengths = orjson.dumps({facet: len(content) for facet, content in packed.items()})
    return b"".join((len(lengths).to_bytes(_LENGTH_BYTES, "little"), lengths, *packed.values()))


def unpack_chunk(packed: bytes, postings: Postings) -> None:
    """Add the postings of one chunk to those of its segment."""
    start = _LENGTH_BYTES + int.from_bytes(packed[:_LENGTH_BYTES], "little")
    for facet, length in orjson.loads(packed[_LENGTH_BYTES:start]).items():
        part = BitMap.deserialize(packed[start : start + length])
        start += length
        if facet in postings:
            postings[facet] |= part
        else:
            postings[facet] = part
