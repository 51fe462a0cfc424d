"""Ids: derive the local part of an offer's id from the platform's own id, and detect repeated ids in a feed.

Items with one id and the same offer count once. Items with one id and different offers are all refused, the first
included, since none of them is known to be right (FMT-007).
"""

import hashlib
import re
from dataclasses import dataclass
from hashlib import blake2b
from struct import Struct

import orjson

from adapters.formats.item import ItemPosition, OfferItem
from adapters.formats.problem import ReadingProblem, problem
from schemas import redact

_SAFE = re.compile(r"[A-Za-z0-9._~-]{1,60}", re.ASCII)
_OTHERS = re.compile(r"[^A-Za-z0-9._~-]+", re.ASCII)
_KEPT = 40
_DIGEST_DIGITS = 16
_BUCKETS = 4096
_MARK_BYTES = 8
_ENTRY = Struct(f"<{_MARK_BYTES}sQLQ")
"""Mark, digest, index and line."""
_DIGEST_BYTES = 8
UNREADABLE = 2
"""Digest of an unreadable item, different from every other digest: those of offers are odd."""
_CONTRADICTED = 0
"""Stored instead of a digest: two items of this id differ."""


def local_id(own: str) -> str:
    """The platform's own id if it is a valid local id (1 to 60 of ``A-Za-z0-9._~-``).

    Otherwise its first 40 safe characters, each run of others as one dash, then ``~`` and 16 hexadecimal digits
    of its SHA-256: readable, stable, and different for different ids. E-mail addresses are redacted.
    """
    if _SAFE.fullmatch(own):
        return own
    digest = hashlib.sha256(own.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_DIGITS]
    readable = _OTHERS.sub("-", redact(own)).strip("-")[:_KEPT]
    return f"{readable}~{digest}"


@dataclass(frozen=True, slots=True)
class Earlier:
    """The first item of a repeated id; ``identical``: this one equals it; ``contradicted``: one before differed."""

    first: ItemPosition
    identical: bool
    contradicted: bool


class Identities:
    """The ids of a feed, each with the digest and position of its first item, in about 30 bytes per id.

    An id is stored as 76 bits of its digest: the number of a bucket, and eight bytes in it.
    """

    def __init__(self) -> None:
        self._buckets: list[bytearray | None] = [None] * _BUCKETS

    def meet(self, offer_id: str, position: ItemPosition, digest: int) -> Earlier | None:
        """The earlier item of this id, or None after storing position and digest of its first item."""
        marked = blake2b(offer_id.encode(), digest_size=_MARK_BYTES + 2).digest()
        number, mark = int.from_bytes(marked[:2]) % _BUCKETS, marked[2:]
        bucket = self._buckets[number]
        if bucket is None:
            bucket = self._buckets[number] = bytearray()
        at = bucket.find(mark)
        while at >= 0 and at % _ENTRY.size:
            at = bucket.find(mark, at + 1)
        if at < 0:
            bucket += _ENTRY.pack(mark, digest, position.index, position.line)
            return None
        _, known, index, line = _ENTRY.unpack_from(bucket, at)
        identical = known == digest != UNREADABLE
        if not identical:
            bucket[at : at + _ENTRY.size] = _ENTRY.pack(mark, _CONTRADICTED, index, line)
        return Earlier(ItemPosition(index, line), identical, known == _CONTRADICTED)


def digest_of(item: OfferItem) -> int:
    """A digest of the offer and its errors; differences in the item's notation do not count."""
    errors = [(one.code, one.pointer, one.actual) for one in item.problems if one.severity == "error"]
    try:
        content = orjson.dumps([item.document, errors], option=orjson.OPT_SORT_KEYS, default=str)
    except TypeError:  # not UTF-8 text or not a 64-bit number: the verdict refuses it
        content = repr((item.document, errors)).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(content, digest_size=_DIGEST_BYTES).digest()) | 1


def conflict(offer_id: str, other: ItemPosition) -> ReadingProblem:
    """The problem of an item with the same id as another one and a different content."""
    return problem("id-repeated", pointer="/id", actual=offer_id, other=str(other))
