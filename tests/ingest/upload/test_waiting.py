"""Uploads that wait for their decisions (``Prefer: wait``): their slots meanwhile, and the end of the wait."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import pytest

from gateway.api.context import Limits
from tests.api.write.gateway_harness import Answer, GatewayHarness, ndjson, offer, opened
from tests.api.write.test_ending import Caller, in_progress

WAIT = {"Prefer": "wait=30"}
PATIENCE = 10
HEAD = (  # HTTP/1.0: the answer is not chunked
    "POST {path} HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer bretagne\r\nPrefer: wait=30\r\n"
    "Content-Type: application/x-ndjson\r\nContent-Length: {length}\r\n\r\n"
)
Asking: TypeAlias = Callable[[GatewayHarness, int], Awaitable[Answer]]


async def batch(gateway: GatewayHarness, number: int) -> Answer:
    return await gateway.batch(ndjson(offer(number)), headers=WAIT)


async def snapshot(gateway: GatewayHarness, number: int) -> Answer:
    return await gateway.snapshot(await gateway.mark(), offer(number), headers=WAIT)


@asynccontextmanager
async def waiting(
    gateway: GatewayHarness, count: int, ask: Asking = batch
) -> AsyncIterator[Sequence["asyncio.Task[Answer]"]]:
    """``count`` uploads that are queued and wait for decisions that do not come."""
    tasks: list[asyncio.Task[Answer]] = []
    for _ in range(count):
        queued = len(await gateway.submitted())
        tasks.append(asyncio.create_task(_asked(ask, gateway, queued)))
        async with asyncio.timeout(PATIENCE):
            while len(await gateway.submitted()) == queued and not tasks[-1].done():
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _asked(ask: Asking, gateway: GatewayHarness, number: int) -> Answer:
    return await ask(gateway, number)


@pytest.mark.parametrize("ask", [batch, snapshot])
async def test_an_upload_that_waits_for_decisions_leaves_its_slot_to_others(tmp_path: Path, ask: Asking) -> None:
    """PUB-018, ERR-008: judging and appending are done; the wait of 30 s takes no slot."""
    async with opened(tmp_path, limits=Limits(uploads_at_once=2)) as gateway:
        await gateway.decide_no_more()
        async with waiting(gateway, 1, ask):
            answer = await gateway.batch(ndjson(offer(100)))
    assert 202 == answer.status


async def test_uploads_beyond_the_number_that_may_wait_keep_their_slots(tmp_path: Path) -> None:
    """ERR-008: one partner gets half of the waits. A further upload waits in its slot."""
    async with opened(tmp_path, limits=Limits(uploads_at_once=2, uploads_waiting=6), working=False) as gateway:
        async with waiting(gateway, 3):
            assert 202 == (await gateway.batch(ndjson(offer(100)))).status
            async with waiting(gateway, 1) as [last]:
                assert not last.done()
                busy = await gateway.batch(ndjson(offer(101)))
                other = await gateway.batch(ndjson(offer(1, platform="normandie")), who="normandie")
        async with asyncio.timeout(PATIENCE):
            while (await gateway.batch(ndjson(offer(102)))).status != 202:
                await asyncio.sleep(0.05)
    assert (503, "uploads-busy") == (busy.status, busy.code)
    assert 202 == other.status


@pytest.mark.parametrize("path", ["/v1/offers/batch", "/v1/snapshots?mark={mark}"])
async def test_an_upload_that_waits_is_answered_when_the_gateway_stops(tmp_path: Path, path: str) -> None:
    """PUB-018: with 202 and the number that is pending, at once; all of it is queued."""
    async with asyncio.timeout(PATIENCE), opened(tmp_path) as gateway:
        await gateway.decide_no_more()
        path = path.format(mark=await gateway.mark())
        lines = ndjson(offer(1), *([{"count": 1}] if "snapshots" in path else []))
        head = HEAD.format(path=path, length=len(lines))
        caller = await Caller.on(gateway.port, head.encode() + lines)
        async with asyncio.timeout(5):
            while not await gateway.submitted():
                await asyncio.sleep(0.01)
        await in_progress(gateway)
    status, answer = await caller.answer()
    assert (202, "q", 1, 1) == (status, answer["statuses"], answer["queued"], answer["pending"])


async def test_an_upload_that_waits_ends_when_its_client_has_left(tmp_path: Path) -> None:
    """PUB-018: its slot among the waiting ones is free long before its time limit."""
    limits = Limits(uploads_at_once=1, uploads_waiting=1)
    async with opened(tmp_path, limits=limits, working=False) as gateway, waiting(gateway, 2) as tasks:
        assert 503 == (await gateway.batch(ndjson(offer(100)))).status
        for task in tasks:
            task.cancel()
        async with asyncio.timeout(5):
            while (await gateway.batch(ndjson(offer(101)))).status != 202:
                await asyncio.sleep(0.05)
