"""The body of a request as blocks of a useful size, from a client that may be slow, cut off, or endless."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from gateway.ingest.upload.error import UploadRefusedError

BLOCK_BYTES = 64 * 1024


async def read_blocks(
    read: Callable[[], Awaitable[bytes]], *, read_seconds: float, upload_seconds: float
) -> AsyncIterator[bytes]:
    """Yield blocks of at least 64 KiB, except for the last; small pieces are joined, so that a client that sends
    byte by byte costs no more than another.

    ``read`` returns the bytes that have arrived, and none at the end. ``read_seconds`` bounds the wait for the next
    piece, ``upload_seconds`` the whole, the time that the caller takes between blocks included. Raises
    UploadRefusedError.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + upload_seconds
    pieces: list[bytes] = []
    size = 0
    while True:
        try:
            async with asyncio.timeout_at(min(deadline, loop.time() + read_seconds)):
                piece = await read()
        except TimeoutError:
            raise UploadRefusedError("upload-too-slow", expected=read_seconds) from None
        if not piece:
            break
        pieces.append(piece)
        size += len(piece)
        if size >= BLOCK_BYTES:
            yield b"".join(pieces)
            pieces, size = [], 0
    if pieces:
        yield b"".join(pieces)
