"""Fairness between partners: the time of others' single PUTs, calm and beside one partner's worst permitted load."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus

from bench import load
from bench.offers import documents
from bench.row import Row, percentile, quantiles, times
from bench.served import Served, prepared, served
from bench.wire import Wire

_CALM = "calm"
_CONNECTIONS = 4
_PER_SECOND = 40
_HELD = 5_000
_MS = 25
_WARM_SECONDS = 2.0
_WORKERS = 2


@dataclass(frozen=True)
class Beside:
    """The times in seconds of another partner's PUTs beside one kind of load; ``calm`` beside none."""

    kind: str
    times: list[float]


async def measure(name: str, *, kafka: bool, seconds: float, kinds: Sequence[str]) -> AsyncIterator[Row]:
    """One row a kind of load: p99 beside it, and without any."""
    calm = 0.0
    async for one in _loads(kafka=kafka, seconds=seconds, kinds=kinds):
        p99 = percentile(one.times, 0.99)
        if one.kind == _CALM:
            calm = p99
            yield Row(f"others' PUT, calm, {name}", quantiles(one.times), beside=f"{len(one.times)} PUTs")
        else:
            met = p99 <= max(2 * calm, _MS)
            bar = f"≤ 2 × calm or ≤ {_MS} ms"
            yield Row(
                f"others' PUT beside {one.kind}, {name}", f"p99 {p99:.0f} ms", f"{times(p99, calm)} calm", bar, met
            )


async def _loads(*, kafka: bool, seconds: float, kinds: Sequence[str]) -> AsyncIterator[Beside]:
    """Calm first, then beside each of these kinds of load."""
    raws = documents(_HELD, wrong=0)
    async with prepared(kafka=kafka, workers=_WORKERS) as environment:
        async with served(environment) as gateway:
            await load.held(gateway, (await load.ingest(gateway, raws))[1])
        limited = replace(environment, settings=replace(environment.settings, requests_per_minute=6_000))
        async with served(limited) as gateway:
            await _puts(gateway, raws, "warm", _WARM_SECONDS)
            yield Beside(_CALM, await _puts(gateway, raws, _CALM, seconds))
            for kind in kinds:
                async with _attacked(gateway, kind):
                    yield Beside(kind, await _puts(gateway, raws, kind, seconds))


@asynccontextmanager
async def _attacked(gateway: Served, kind: str) -> AsyncIterator[None]:
    token = await gateway.publisher.token()
    command = (sys.executable, "-m", "bench.worst", kind, gateway.url, token)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        if process.stdout is None or not await process.stdout.readline():
            raise RuntimeError(f"the load {kind} did not start")
        await asyncio.sleep(_WARM_SECONDS)
        yield
    finally:
        process.kill()
        await process.wait()


async def _puts(gateway: Served, raws: list[bytes], name: str, seconds: float) -> list[float]:
    """The times of single PUTs at a steady rate. A late answer delays no later request: each has its own due time."""
    token = await gateway.other.token()
    total = int(seconds * _PER_SECOND)
    times: list[float] = []

    async def lane(first: int) -> None:
        wire = await Wire.open(gateway.url)
        for number in range(first, total, _CONNECTIONS):
            one = load.put(gateway, token, raws[number % len(raws)], f"normandie:{name}-{number}")
            due = began + number / _PER_SECOND
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            sent = time.perf_counter()
            status, answer = await wire.call(one)
            times.append(time.perf_counter() - sent)
            if status != HTTPStatus.ACCEPTED:
                raise RuntimeError(answer.decode())
        wire.close()

    began = time.perf_counter()
    await asyncio.gather(*(lane(first) for first in range(_CONNECTIONS)))
    return times
