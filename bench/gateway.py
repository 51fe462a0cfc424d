"""A whole gateway under load: its own process (`passerelle serve`), driven over HTTP from this one.

    python -m bench.gateway                  # embedded log
    python -m bench.gateway --kafka          # a local Apache Kafka on the same machine
    python -m bench.gateway --offers 1000000 --only upload

Each row says the rate or time, and where there is a raw baseline, the ratio to it in the same run. The client shares
the machine with the gateway (and the broker), so figures are what its cores give to all of them together.
"""

import argparse
import asyncio
import os
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
from rich.console import Console
from rich.table import Table

from bench.wire import Wire, request
from gateway import clock
from gateway.bootstrap import open_log
from gateway.client import Client
from gateway.demo.generator import generate
from gateway.kafka.broker import LocalBroker
from gateway.oauth.keys import KeyRing
from gateway.partners import Partners
from gateway.partners.credential import mint_secret
from gateway.protocol.decide import paris_date
from gateway.protocol.partner import Partner
from gateway.protocol.record import Record
from gateway.protocol.topic import COMMON, SUBMISSIONS
from gateway.settings import Settings

BATCH = 5_000
RAW_BATCH = 500
CONNECTIONS = 32


@dataclass(frozen=True)
class Served:
    """A gateway in a process of its own, and a client of each of two partners."""

    settings: Settings
    url: str
    process: int
    publisher: Client
    reader: Client

    def memory(self) -> int:
        """Its resident memory now, in bytes."""
        status = Path(f"/proc/{self.process}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) * 1024


@asynccontextmanager
async def prepared(*, kafka: bool, workers: int) -> AsyncIterator[tuple[Settings, dict[str, str]]]:
    """A fresh log with two partners on it, and their secrets."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="passerelle-bench-")))
        settings = Settings(
            data=folder / "data", port=0, management_port=0, workers=workers, requests_per_minute=100_000_000
        )
        if kafka:
            broker = stack.enter_context(LocalBroker())
            KeyRing.open(folder / "signing.pem")
            settings = replace(
                settings,
                kafka=broker.bootstrap_servers,
                secret=secrets.token_urlsafe(32),
                signing_key=folder / "signing.pem",
            )
        texts = {}
        async with open_log(settings) as log:
            await log.create_topics(COMMON)
            partners = Partners(log)
            for slug, scope in (("bretagne", "offers:publish"), ("national", "offers:read")):
                secret = mint_secret(now=clock.now(), entropy=os.urandom)
                texts[slug] = secret.text
                await partners.save(
                    Partner(platform=slug, name=slug, scopes=frozenset({scope}), secrets=(secret.kept,))
                )
            await partners.close()
        yield settings, texts


@asynccontextmanager
async def served(settings: Settings, texts: dict[str, str]) -> AsyncIterator[Served]:
    """The gateway, ready; stopped when the block ends."""
    async with AsyncExitStack() as stack:
        command = (sys.executable, "-c", "from gateway.cli import main; main()", "serve")
        process = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, **settings.to_environ()}, stdout=asyncio.subprocess.PIPE
        )
        stack.push_async_callback(_stop, process)
        started = await _started(process)
        drain = asyncio.create_task(_drain(process))
        stack.callback(drain.cancel)
        connector = aiohttp.TCPConnector(limit=CONNECTIONS * 2)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        clients = {
            slug: Client(session, started["url"], client_id=slug, client_secret=text) for slug, text in texts.items()
        }
        while True:
            async with session.get(f"{started['management']}/readyz") as answer:
                if answer.status == 200:
                    break
            await asyncio.sleep(0.02)
        yield Served(settings, started["url"], process.pid, clients["bretagne"], clients["national"])


async def _started(process: asyncio.subprocess.Process) -> dict[str, str]:
    if process.stdout is None:
        raise RuntimeError("the gateway's output is not read")
    while line := await process.stdout.readline():
        told = orjson.loads(line)
        if told.get("event") == "gateway.started":
            return dict(told)
    raise RuntimeError("the gateway did not start")


async def _drain(process: asyncio.subprocess.Process) -> None:
    while process.stdout is not None and await process.stdout.read(1 << 20):
        pass


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    await process.wait()


def documents(count: int) -> list[bytes]:
    """Offers as the demo makes them, those that are refused left out."""
    today = date.fromisoformat(paris_date(clock.now()))
    made = (offer.raw for offer in generate(11, "bretagne", count + count // 10, today))
    return list(made)[:count]


async def ingest(gateway: Served, raws: list[bytes]) -> tuple[float, int]:
    """Seconds to acknowledge these offers in batches, four at a time, and how many were queued."""

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
    """Wait until a reader from the start has been given that many changes."""
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
        lanes[number % CONNECTIONS].append(_put(gateway, token, offer, f"bretagne:single-{number}"))

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


def _put(gateway: Served, token: str, offer: dict[str, Any], offer_id: str) -> bytes:
    body = orjson.dumps({**offer, "id": offer_id})
    return request("PUT", f"/v1/offers/{offer_id}", host=urlsplit(gateway.url).netloc, token=token, body=body)


async def latency(gateway: Served, raw: bytes, *, rate: int, seconds: float) -> list[float]:
    """Time from sending a PUT to its change in the hands of a reader who follows, at a steady rate."""
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

    async def put(one: bytes) -> None:
        wire = await idle.get()
        status, body = await wire.call(one)
        idle.put_nowait(wire)
        if status != HTTPStatus.ACCEPTED:
            raise RuntimeError(body.decode())

    task = asyncio.create_task(follow())
    await following.wait()
    ids = [f"bretagne:seen-{rate}-{number}" for number in range(total)]
    requests = [_put(gateway, publisher, offer, offer_id) for offer_id in ids]
    began = time.perf_counter()
    puts = []
    for number, (offer_id, one) in enumerate(zip(ids, requests, strict=True)):
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
        sent[offer_id] = time.perf_counter()
        puts.append(asyncio.create_task(put(one)))
    await asyncio.gather(*puts)
    await asyncio.wait_for(task, 60)
    for wire in (reading, *(idle.get_nowait() for _ in range(idle.qsize()))):
        wire.close()
    return times


async def raw_appends(settings: Settings, raws: list[bytes]) -> float:
    """The baseline: the same bytes by 500 straight into the log, no HTTP, no verdict; offers a second."""
    async with open_log(settings) as log:

        async def lane(partition: int) -> None:
            share = raws[partition :: log.partitions]
            for at in range(0, len(share), RAW_BATCH):
                records = [Record(b"raw:%d" % (at + n), raw) for n, raw in enumerate(share[at : at + RAW_BATCH])]
                await log.append(SUBMISSIONS, partition, records)

        began = time.perf_counter()
        await asyncio.gather(*map(lane, range(log.partitions)))
        return len(raws) / (time.perf_counter() - began)


def p(times: list[float], share: float) -> float:
    """A percentile in milliseconds."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1_000


async def measure(*, kafka: bool, workers: int, offers: int, only: str | None) -> Table:
    """All rows, or one of them."""
    table = Table("what", "figure", "beside", title="Kafka" if kafka else "embedded log")
    raws = documents(min(offers, 50_000))

    def wanted(name: str) -> bool:
        return only in {None, name}

    async with prepared(kafka=kafka, workers=workers) as (settings, texts):
        if wanted("raw") and only is None:
            # A log of its own: the gateway must not meet records that it did not write.
            beside = replace(settings, data=settings.data.parent / "raw", kafka_prefix="raw")
            async with open_log(beside) as log:
                await log.create_topics(COMMON)
            raw_rate = await raw_appends(beside, raws)
            table.add_row("raw appends by 500", f"{raw_rate:,.0f} offers/s", "")
        async with served(settings, texts) as gateway:
            if wanted("ingest"):
                seconds, queued = await ingest(gateway, raws)
                rate = len(raws) / seconds
                beside_raw = f"{rate / raw_rate:.2f} of raw" if only is None else ""
                table.add_row("batch ingest, acknowledged", f"{rate:,.0f} offers/s", beside_raw)
                began = time.perf_counter()
                await held(gateway, queued)
                whole = seconds + time.perf_counter() - began
                table.add_row("the same, until a reader has all", f"{len(raws) / whole:,.0f} offers/s", "")
            if wanted("single"):
                seconds, times = await single(gateway, raws[0], 6_400)
                rate = len(times) / seconds
                table.add_row(
                    "single PUT, 32 connections",
                    f"{rate:,.0f}/s",
                    f"p50 {p(times, 0.5):.1f} ms, p99 {p(times, 0.99):.1f} ms",
                )
            if wanted("latency"):
                for rate in (100, 1_000):
                    times = await latency(gateway, raws[0], rate=rate, seconds=5)
                    table.add_row(
                        f"publish → in a reader's hands, {rate}/s",
                        f"p50 {p(times, 0.5):.0f} ms, p99 {p(times, 0.99):.0f} ms",
                        f"mean {statistics.mean(times) * 1_000:.0f} ms",
                    )
            if only == "upload":
                await _upload(gateway, raws, offers, table)
        if only == "upload":
            began = time.perf_counter()
            async with served(settings, texts):
                table.add_row(
                    f"restart with {offers:,} offers, until ready", f"{time.perf_counter() - began:.1f} s", ""
                )
    return table


async def _upload(gateway: Served, raws: list[bytes], offers: int, table: Table) -> None:
    """One streamed upload of many offers, and the gateway's memory while it goes on."""
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
    table.add_row(f"{offers:,} offers in one upload", f"{offers / seconds:,.0f} offers/s", f"HTTP {answer.status}")
    await held(gateway, int(answer.body["queued"]))
    watching.cancel()
    table.add_row("memory above idle, at most", f"{(most - idle) / 1e6:,.0f} MB", f"idle {idle / 1e6:,.0f} MB")


def main(arguments: list[str], show: Callable[[Table], None]) -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kafka", action="store_true")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--offers", type=int, default=50_000)
    parser.add_argument("--only", choices=["ingest", "single", "latency", "upload"])
    given = parser.parse_args(arguments)
    show(asyncio.run(measure(kafka=given.kafka, workers=given.workers, offers=given.offers, only=given.only)))


if __name__ == "__main__":
    main(sys.argv[1:], Console(width=110).print)
