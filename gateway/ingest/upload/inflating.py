"""Gzip of an upload, inflated within a ratio, member by member, complete streams only."""

import zlib
from collections.abc import Iterator

from gateway.errors import UploadRefusedError

_PIECE_BYTES = 64 * 1024
_FREE_BYTES = 4 * 1024
"""The output that is always allowed: the ratio of a few bytes means nothing."""
_FREE_MEMBERS = 100
_MEMBER_BYTES = 64
"""The least average size of a stream's members: an empty one has 20 bytes."""
_GZIP = 16 + zlib.MAX_WBITS


class Inflater:
    """Inflates one body, which may be several gzip members one after another. ``ratio`` caps bytes out per byte in,
    beyond the first ``free`` ones. A body of many nearly empty members is refused.
    """

    def __init__(self, *, ratio: int, free: int = _FREE_BYTES) -> None:
        self._ratio = ratio
        self._free = free
        self._member = zlib.decompressobj(_GZIP)
        self._began = False
        self._members = 1
        self._in = 0
        self._out = 0

    def feed(self, block: bytes) -> Iterator[bytes]:
        """Yield pieces of up to 64 KiB. Raises UploadRefusedError for input that is not gzip or inflates too much."""
        self._in += len(block)
        while block:
            if self._member.eof:
                self._member = zlib.decompressobj(_GZIP)
                self._members += 1
                if self._members > _FREE_MEMBERS + self._in // _MEMBER_BYTES:
                    raise UploadRefusedError("gzip-members", expected=_MEMBER_BYTES)
            try:
                piece = self._member.decompress(block, _PIECE_BYTES)
            except zlib.error:
                raise UploadRefusedError("body-malformed", expected="gzip") from None
            self._began = True
            self._out += len(piece)
            self._check_ratio()
            if piece:
                yield piece
            block = self._member.unused_data if self._member.eof else self._member.unconsumed_tail

    def finish(self) -> Iterator[bytes]:
        """Yield the remaining output. Raises UploadRefusedError when the last member has no end: the upload was cut."""
        if not self._began:
            raise UploadRefusedError("body-truncated")
        while not self._member.eof:
            piece = self._member.decompress(b"", _PIECE_BYTES)
            if not piece:
                raise UploadRefusedError("body-truncated")
            self._out += len(piece)
            self._check_ratio()
            yield piece

    def _check_ratio(self) -> None:
        if self._out > max(self._free, self._ratio * self._in):
            raise UploadRefusedError("inflates-too-much", expected=self._ratio)
