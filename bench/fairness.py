"""Fairness between partners: the time of others' single PUTs, calm and beside one partner's worst permitted load."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from urllib.parse import urlsplit

import orjson

from bench import load
from bench.served import Served, documents, prepared, served
from bench.wire import Wire, request
from bench.worst import KINDS

_CONNECTIONS = 4
_PER_SECOND = 40
_HELD = 5_000
_WARM_SECONDS = 2.0


@dataclass(frozen=True)
class Beside:
    """The times in seconds of another partner's PUTs beside one kind of load; ``calm`` beside none."""

    kind: str
    times: list[float]


async def measure(
    *, kafka: bool, workers: int, seconds: float, kinds: Sequence[str] = tuple(KINDS)
) -> AsyncIterator[Beside]:
    """Calm first, then beside each of these kinds of load."""
    raws = documents(_HELD)
    async with prepared(kafka=kafka, workers=workers) as environment:
        async with served(environment) as gateway:
            await load.held(gateway, (await load.ingest(gateway, raws))[1])
        limited = replace(environment, settings=replace(environment.settings, requests_per_minute=6_000))
        async with served(limited) as gateway:
            await _puts(gateway, raws[0], "warm", _WARM_SECONDS)
            yield Beside("calm", await _puts(gateway, raws[0], "calm", seconds))
            for kind in kinds:
                async with _attacked(gateway, kind):
                    yield Beside(kind, await _puts(gateway, raws[0], kind, seconds))


@asynccontextmanager
async def _attacked(gateway: Served, kind: str) -> AsyncIterator[None]:
    token = await gateway.publisher.token()
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.worst", kind, gateway.url, token)
    try:
        await asyncio.sleep(_WARM_SECONDS)
        yield
    finally:
        process.kill()
        await process.wait()


async def _puts(gateway: Served, raw: bytes, name: str, seconds: float) -> list[float]:
    """The times of single PUTs at a steady rate. A late answer delays no later request: each has its own due time."""
    offer, token = orjson.loads(raw), await gateway.other.token()
    host = urlsplit(gateway.url).netloc
    total = int(seconds * _PER_SECOND)
    times: list[float] = []

    async def lane(first: int) -> None:
        wire = await Wire.open(gateway.url)
        for number in range(first, total, _CONNECTIONS):
            offer_id = f"normandie:{name}-{number}"
            body = orjson.dumps({**offer, "id": offer_id})
            due = began + number / _PER_SECOND
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            sent = time.perf_counter()
            status, answer = await wire.call(
                request("PUT", f"/v1/offers/{offer_id}", host=host, token=token, body=body)
            )
            times.append(time.perf_counter() - sent)
            if status != HTTPStatus.ACCEPTED:
                raise RuntimeError(answer.decode())
        wire.close()

    began = time.perf_counter()
    await asyncio.gather(*(lane(first) for first in range(_CONNECTIONS)))
    return times
