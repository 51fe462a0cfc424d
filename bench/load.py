"""Loads of a whole gateway over HTTP, each returning its measurements; ``python -m bench`` runs them.

The client shares the machine with the gateway (and the broker), so the figures are those of all of them together.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import orjson

from bench.served import CONNECTIONS, Served
from bench.wire import Wire, request

BATCH = 5_000


async def ingest(gateway: Served, raws: list[bytes]) -> tuple[float, int]:
    """Seconds to acknowledge these offers in batches, four at a time, and the number of queued offers."""

    async def send(body: bytes) -> int:
        answer = await gateway.publisher.call(
            "POST", "/v1/offers/batch?partial=true", body=body, media_type="application/x-ndjson"
        )
        return int(answer.body["queued"])

    bodies = [b"\n".join(raws[at : at + BATCH]) for at in range(0, len(raws), BATCH)]
    began = time.perf_counter()
    queued = 0
    for at in range(0, len(bodies), 4):
        queued += sum(await asyncio.gather(*map(send, bodies[at : at + 4])))
    return time.perf_counter() - began, queued


async def held(gateway: Served, count: int) -> None:
    """Wait until a reader from the start has received ``count`` changes."""
    cursor, seen = None, 0
    while seen < count:
        params = {"limit": "1000", "wait": "5", "territory": "all", **({"cursor": cursor} if cursor else {})}
        page = (await gateway.reader.call("GET", "/v1/changes", params=params)).body
        cursor, seen = page["cursor"], seen + len(page["changes"])


async def single(gateway: Served, raw: bytes, count: int) -> tuple[float, list[float]]:
    """Seconds for ``count`` durable single PUTs over 32 connections, and the time of each."""
    times: list[float] = []
    offer = orjson.loads(raw)
    token = await gateway.publisher.token()
    lanes: list[list[bytes]] = [[] for _ in range(CONNECTIONS)]
    for number in range(count):
        lanes[number % CONNECTIONS].append(put(gateway, token, offer, f"bretagne:single-{number}"))

    async def lane(requests: list[bytes]) -> None:
        wire = await Wire.open(gateway.url)
        for one in requests:
            began = time.perf_counter()
            status, body = await wire.call(one)
            times.append(time.perf_counter() - began)
            if status != HTTPStatus.ACCEPTED:
                raise RuntimeError(body.decode())
        wire.close()

    began = time.perf_counter()
    await asyncio.gather(*map(lane, lanes))
    return time.perf_counter() - began, times


def put(gateway: Served, token: str, offer: dict[str, Any], offer_id: str) -> bytes:
    """The request that publishes an offer under this id."""
    body = orjson.dumps({**offer, "id": offer_id})
    return request("PUT", f"/v1/offers/{offer_id}", host=urlsplit(gateway.url).netloc, token=token, body=body)


async def latency(gateway: Served, raw: bytes, *, rate: int, seconds: float) -> list[float]:
    """Times from sending a PUT until a reader that follows the feed has its change, at a steady rate."""
    offer = orjson.loads(raw)
    sent: dict[str, float] = {}
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
    ids = [f"bretagne:seen-{rate}-{number}" for number in range(total)]
    requests = [put(gateway, publisher, offer, offer_id) for offer_id in ids]
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
            made = [orjson.loads(raw) for raw in raws[at % len(raws) : at % len(raws) + 1_000]]
            yield b"".join(
                orjson.dumps({**one, "id": f"bretagne:up-{at + number}"}) + b"\n" for number, one in enumerate(made)
            )

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
