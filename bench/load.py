"""Loads of a whole gateway over HTTP, each returning its measurements; ``python -m bench`` runs them.

The client shares the machine with the gateway (and the broker), so the figures are those of all of them together.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

import orjson

from bench.offers import renamed
from bench.served import CONNECTIONS, Served
from bench.wire import Wire, request
from gateway.log.port import EventLog
from gateway.log.positions import read_positions
from gateway.protocol.record import position_key

BATCH = 5_000


async def ingest(gateway: Served, raws: list[bytes]) -> tuple[float, int]:
    """Seconds to acknowledge these offers in batches, four at a time, and the number of queued offers."""

    async def send(body: bytes) -> int:
        answer = await gateway.publisher.call(
            "POST", "/v1/offers/batch?partial=true", body=body, media_type="application/x-ndjson"
        )
        return int(answer.body["queued"])

    return await in_batches(send, raws, BATCH)


async def in_batches(send: Callable[[bytes], Awaitable[int]], raws: list[bytes], size: int) -> tuple[float, int]:
    """Seconds to send these offers as bodies of ``size`` lines, four at a time, and the sum of the results."""
    bodies = [b"\n".join(raws[at : at + size]) for at in range(0, len(raws), size)]
    began = time.perf_counter()
    total = 0
    for at in range(0, len(bodies), 4):
        total += sum(await asyncio.gather(*map(send, bodies[at : at + 4])))
    return time.perf_counter() - began, total


async def held(gateway: Served, count: int) -> None:
    """Wait until a reader from the start has received ``count`` changes."""
    cursor, seen = None, 0
    while seen < count:
        params = {"limit": "1000", "wait": "5", "territory": "all", **({"cursor": cursor} if cursor else {})}
        page = (await gateway.reader.call("GET", "/v1/changes", params=params)).body
        cursor, seen = page["cursor"], seen + len(page["changes"])


async def single(gateway: Served, raws: list[bytes], name: str) -> tuple[float, list[float]]:
    """Seconds for durable single PUTs of these offers over 32 connections, and the time of each."""
    token = await gateway.publisher.token()
    requests = [put(gateway, token, raw, f"bretagne:{name}-{number}") for number, raw in enumerate(raws)]
    return await over_connections(gateway.url, requests)


async def over_connections(url: str, requests: list[bytes]) -> tuple[float, list[float]]:
    """Seconds for these requests over 32 connections, and the time of each. All are answered 202."""
    times: list[float] = []

    async def lane(mine: list[bytes]) -> None:
        wire = await Wire.open(url)
        for one in mine:
            began = time.perf_counter()
            status, body = await wire.call(one)
            times.append(time.perf_counter() - began)
            if status != HTTPStatus.ACCEPTED:
                raise RuntimeError(body.decode())
        wire.close()

    began = time.perf_counter()
    await asyncio.gather(*(lane(requests[number::CONNECTIONS]) for number in range(CONNECTIONS)))
    return time.perf_counter() - began, times


def put(gateway: Served, token: str, raw: bytes, offer_id: str, *, decided: bool = False) -> bytes:
    """The request that publishes an offer under this id; ``decided``: and waits for its decision."""
    body, host = renamed(raw, offer_id), urlsplit(gateway.url).netloc
    prefer = {"Prefer": "wait=10"} if decided else {}
    return request("PUT", f"/v1/offers/{offer_id}", host=host, token=token, body=body, **prefer)


async def latency(
    gateway: Served,
    raws: list[bytes],
    *,
    rate: int,
    seconds: float,
    name: str,
    sent: dict[str, float] | None = None,
) -> list[float]:
    """Times from sending a PUT until a reader that follows the feed has its change, at a steady rate. ``sent``: filled
    with the time at which each offer was sent.
    """
    sent = {} if sent is None else sent
    times: list[float] = []
    total = int(rate * seconds)
    following = asyncio.Event()
    idle: asyncio.Queue[Wire] = asyncio.Queue()
    for _ in range(CONNECTIONS * 2):
        idle.put_nowait(await Wire.open(gateway.url))
    reading = await Wire.open(gateway.url)
    reader, publisher = await gateway.reader.token(), await gateway.publisher.token()
    host = urlsplit(gateway.url).netloc

    async def follow() -> None:
        cursor = ""
        while len(times) < total:
            wait = 5 if following.is_set() else 0
            path = f"/v1/changes?limit=1000&territory=all&wait={wait}{cursor and '&cursor='}{cursor}"
            _, body = await reading.call(request("GET", path, host=host, token=reader))
            now = time.perf_counter()
            page = orjson.loads(body)
            times.extend(now - sent[change["id"]] for change in page["changes"] if change["id"] in sent)
            cursor = page["cursor"]
            if not page["more"]:
                following.set()

    async def publish(one: bytes) -> None:
        wire = await idle.get()
        status, body = await wire.call(one)
        idle.put_nowait(wire)
        if status != HTTPStatus.ACCEPTED:
            raise RuntimeError(body.decode())

    task = asyncio.create_task(follow())
    await following.wait()
    ids = [f"bretagne:{name}-{rate}-{number}" for number in range(total)]
    requests = [put(gateway, publisher, raws[number % len(raws)], offer_id) for number, offer_id in enumerate(ids)]
    began = time.perf_counter()
    puts = []
    for number, (offer_id, one) in enumerate(zip(ids, requests, strict=True)):
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
        sent[offer_id] = time.perf_counter()
        puts.append(asyncio.create_task(publish(one)))
    await asyncio.gather(*puts)
    await asyncio.wait_for(task, 60)
    for wire in (reading, *(idle.get_nowait() for _ in range(idle.qsize()))):
        wire.close()
    return times


async def wait_until_read(log: EventLog, topic: str, *, every: float) -> None:
    """Wait until the gateway has read a topic to its present end; look each ``every`` seconds."""
    for partition, end in enumerate(await log.ends(topic)):
        key = position_key(topic, partition).decode()
        while (await read_positions(log, partition)).get(key, 0) < end:  # noqa: ASYNC110  # another process moves it
            await asyncio.sleep(every)


@dataclass(frozen=True)
class Streamed:
    """One upload: seconds, HTTP status, number of queued offers, and bytes of memory, idle and peak."""

    seconds: float
    status: int
    queued: int
    idle: int
    most: int


async def upload(gateway: Served, raws: list[bytes], offers: int) -> Streamed:
    """One streamed upload of many offers, and the gateway's memory meanwhile."""
    idle, most = gateway.memory(), 0

    async def lines() -> AsyncIterator[bytes]:
        for at in range(0, offers, 1_000):
            made = (raws[number % len(raws)] for number in range(at, min(at + 1_000, offers)))
            yield b"".join(renamed(raw, f"bretagne:up-{at + number}") + b"\n" for number, raw in enumerate(made))

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, gateway.memory())
            await asyncio.sleep(0.2)

    watching = asyncio.create_task(watch())
    began = time.perf_counter()
    answer = await gateway.publisher.call(
        "POST", "/v1/offers/batch?partial=true", body=lines, media_type="application/x-ndjson"
    )
    seconds = time.perf_counter() - began
    await held(gateway, int(answer.body["queued"]))
    watching.cancel()
    return Streamed(seconds, answer.status, int(answer.body["queued"]), idle, most)
