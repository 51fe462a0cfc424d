"""Blocks of a body: useful sizes from any client, within the time limits."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from gateway.errors import UploadRefusedError
from gateway.ingest.upload.receive import BLOCK_BYTES, read_blocks


def arriving(pieces: Sequence[bytes]) -> Callable[[], Awaitable[bytes]]:
    left = iter(pieces)

    async def read() -> bytes:
        return next(left, b"")

    return read


async def never() -> bytes:
    await asyncio.Event().wait()
    return b""


async def gather(
    read: Callable[[], Awaitable[bytes]], *, read_seconds: float = 5, upload_seconds: float = 5
) -> list[bytes]:
    return [block async for block in read_blocks(read, read_seconds=read_seconds, upload_seconds=upload_seconds)]


async def test_nothing_gives_no_block() -> None:
    assert [] == await gather(arriving([]))


async def test_a_client_that_sends_byte_by_byte_gives_the_same_blocks_as_any_other() -> None:
    body = bytes(range(256)) * 300

    slow = await gather(arriving([body[at : at + 1] for at in range(len(body))]))

    assert [body[:BLOCK_BYTES], body[BLOCK_BYTES:]] == slow


async def test_large_pieces_are_passed_on_unchanged() -> None:
    pieces = [b"a" * 200_000, b"b" * 100_000, b"c"]

    assert pieces == await gather(arriving(pieces))


async def test_a_client_that_falls_silent_is_refused() -> None:
    """ERR-007"""
    with pytest.raises(UploadRefusedError) as refused:
        await gather(never, read_seconds=0.01)

    assert "upload-too-slow" == refused.value.code


async def test_a_client_that_never_falls_silent_is_refused_in_the_end() -> None:
    """ERR-007"""

    async def trickle() -> bytes:
        await asyncio.sleep(0.001)
        return b"."

    with pytest.raises(UploadRefusedError) as refused:
        await gather(trickle, upload_seconds=0.05)

    assert "upload-too-slow" == refused.value.code
