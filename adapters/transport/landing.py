"""Landing: write a feed to disk within its limits, inflate gzip, and return the file only if it is complete."""

import asyncio
import hashlib
from collections.abc import Iterable
from tempfile import TemporaryFile
from types import TracebackType
from typing import Self

from adapters.transport.feed import MEGABYTE, Feed, FeedError, FetchLimits, Validators
from gateway.errors import UploadRefusedError
from gateway.ingest.upload.inflating import Inflater

_MAGIC = b"\x1f\x8b"
_WRITE_BYTES = MEGABYTE
_FREE_BYTES = MEGABYTE
"""Inflated bytes to which the ratio does not apply: short exports compress well."""
_CODES = {
    "body-malformed": "feed-not-gzip",
    "body-truncated": "feed-cut",
    "inflates-too-much": "feed-inflates-too-much",
}


class MinimumRate:
    """Measures the bytes received per window of ``limits.pace_seconds``. A read time-out ends a silent transfer."""

    def __init__(self, limits: FetchLimits) -> None:
        self._limits = limits
        self._time = asyncio.get_running_loop().time
        self._began = self._time()
        self._bytes = 0

    def take(self, size: int) -> None:
        """Count ``size`` received bytes. Raises FeedError if a window has too few."""
        self._bytes += size
        seconds = self._time() - self._began
        if seconds < self._limits.pace_seconds:
            return
        if self._bytes < self._limits.least_rate * seconds:
            raise FeedError("feed-trickles", rate=self._limits.least_rate)
        self._began, self._bytes = self._time(), 0


class Landing:
    """Receives the bytes of one feed. ``finish`` returns the file; without it the end of the block closes the file.

    ``gzip``: the sender declared gzip; otherwise gzip is recognised by its first two bytes.
    """

    def __init__(self, limits: FetchLimits, *, gzip: bool = False) -> None:
        try:
            limits.folder.mkdir(parents=True, exist_ok=True)
            self._file = TemporaryFile(dir=limits.folder)  # noqa: SIM115  # the feed outlives this method
        except OSError:
            raise FeedError("spool-full") from None
        self._limits = limits
        self._rate = MinimumRate(limits)
        self._gzip = gzip
        self._head = b""
        self._inflater: Inflater | None = None
        self._decided = False
        self._finished = False
        self._received = 0
        self._size = 0
        self._digest = hashlib.sha256()
        self._pending: list[bytes] = []
        self._pending_bytes = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._finished:
            self._file.close()

    async def take(self, block: bytes) -> None:
        """Process the next received bytes. Raises FeedError."""
        self._received += len(block)
        self._rate.take(len(block))
        self._limit(self._received)
        if not self._decided:
            block = self._head + block
            if len(block) < len(_MAGIC):
                self._head = block
                return
            self._detect_gzip(block)
        try:
            await self._keep([block] if self._inflater is None else self._inflater.feed(block))
        except UploadRefusedError as error:
            raise _refusal(error) from None

    async def finish(self, validators: Validators) -> Feed:
        """The complete feed. Raises FeedError if its gzip stream is cut."""
        if not self._decided:
            self._detect_gzip(self._head)
            await self._keep([self._head])
        if self._inflater is not None:
            try:
                await self._keep(self._inflater.finish())
            except UploadRefusedError as error:
                raise _refusal(error) from None
        await self._flush()
        self._finished = True
        return Feed(
            file=self._file,
            size=self._size,
            digest=self._digest.hexdigest(),
            gzipped=self._inflater is not None,
            validators=validators,
        )

    def _detect_gzip(self, start: bytes) -> None:
        """Decide by the first bytes whether the feed is gzip."""
        self._decided = True
        if start.startswith(_MAGIC):
            self._inflater = Inflater(ratio=self._limits.ratio, free=_FREE_BYTES)
        elif self._gzip:
            raise FeedError("feed-not-gzip")

    async def _keep(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            self._size += len(piece)
            self._limit(self._size)
            self._digest.update(piece)
            self._pending.append(piece)
            self._pending_bytes += len(piece)
            if self._pending_bytes >= _WRITE_BYTES:
                await self._flush()

    def _limit(self, size: int) -> None:
        if size > self._limits.most_bytes:
            raise too_large(self._limits)

    async def _flush(self) -> None:
        """Write in a thread: a busy disk must not block the event loop."""
        pieces, self._pending, self._pending_bytes = self._pending, [], 0
        try:
            await asyncio.to_thread(self._file.writelines, pieces)
            await asyncio.to_thread(self._file.flush)
        except OSError:
            raise FeedError("spool-full") from None


def too_large(limits: FetchLimits) -> FeedError:
    """The error of a feed beyond its limit."""
    return FeedError("feed-too-large", most=max(1, limits.most_bytes // MEGABYTE))


def _refusal(error: UploadRefusedError) -> FeedError:
    return FeedError(_CODES[error.code], ratio=error.values.get("expected"))
