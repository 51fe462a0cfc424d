"""Seen: which ids a feed has had, in about ten bytes each."""

import hashlib

_BUCKETS = 4096
_MARK_BYTES = 8


class SeenIds:
    """A set of ids, each kept as 76 bits of its digest: the number of a bucket, and eight bytes in it."""

    def __init__(self) -> None:
        self._buckets: list[bytearray | None] = [None] * _BUCKETS

    def add(self, offer_id: str) -> bool:
        """Add an id; whether it was there already."""
        digest = hashlib.blake2b(offer_id.encode(), digest_size=_MARK_BYTES + 2).digest()
        number, mark = int.from_bytes(digest[:2], "big") % _BUCKETS, digest[2:]
        bucket = self._buckets[number]
        if bucket is None:
            bucket = self._buckets[number] = bytearray()
        at = bucket.find(mark)
        while at >= 0 and at % _MARK_BYTES:
            at = bucket.find(mark, at + 1)
        if at >= 0:
            return True
        bucket += mark
        return False
