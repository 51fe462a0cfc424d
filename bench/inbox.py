"""A flooded inbox: the time of others' single PUTs and of their decisions beside it, and the disk cost of its refused
messages.

This process appends the flood, as a partner's own client would, and the gateway reads it. One client puts offers in
sequence: first while the inbox is calm, then until the flood has been read.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path

import orjson

from bench import load
from bench.offers import documents
from bench.row import Row, percentile, times
from bench.served import Environment, Served, prepared, served
from bench.wire import Wire
from gateway.bootstrap.log import open_log
from gateway.log.common import size_of
from gateway.log.port import EventLog
from gateway.partners import Partners
from gateway.protocol.partner import Partner
from gateway.protocol.record import TYPE_PUBLISHED, Record
from gateway.protocol.topic import INBOX, inbox

PLATFORM = "normandie"
_TOPIC = INBOX + PLATFORM
_CALM = 1_000
_WORKERS = 2
_MS, _DISK = 25, 5
_DECIDED_MS = 2_000
_VALID = 8_000
_HEADERS = (("ce_type", TYPE_PUBLISHED.encode()),)
_APPENDED_BYTES = 900_000
_EXPECTED = ({HTTPStatus.ACCEPTED}, {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED})
_POLL_SECONDS = 0.05
_VIEWS_SECONDS = 3.0
"""Time for the views to apply the last commit."""


@dataclass(frozen=True)
class Flooded:
    """Seconds of each PUT when calm and beside the flood."""

    calm: list[float]
    beside: list[float]


@dataclass(frozen=True)
class Kept:
    """Bytes sent; bytes on disk of them and all their results; bytes that the gateway's processes wrote."""

    sent: int
    stored: int
    written: int


def _worst(size: int) -> list[Record]:
    """``size`` bytes of messages that cost most to explain: 7,500 extensions each."""
    return _messages(size, {"extensions": {f"k{number}": {} for number in range(7_500)}})


def _small(size: int) -> list[Record]:
    """``size`` bytes of short messages with a hundred problems each."""
    return _messages(size, {f"f{number}": 1 for number in range(100)})


async def measure(name: str, *, kafka: bool, size: int) -> AsyncIterator[Row]:
    """Others' PUTs beside a flood of ``size`` bytes, without workers and with; the disk cost of a third of it."""
    for workers in (0, _WORKERS):
        seen = await _wait_beside(_worst(size), kafka=kafka, workers=workers)
        what = f"PUT beside {size / 1e6:.1f} MB in an inbox, {workers} workers, {name}"
        yield _row(what, seen, f"≤ 2 × calm or ≤ {_MS} ms", most=max(2 * percentile(seen.calm, 0.99), _MS))
    seen = await _wait_beside(_valid(_VALID), kafka=kafka, workers=_WORKERS, decided=True)
    what = f"decided PUT beside {_VALID:,} valid messages in an inbox, {_WORKERS} workers, {name}"
    yield _row(what, seen, f"≤ {_DECIDED_MS:,} ms", most=_DECIDED_MS)
    for kind, flood in (("short", _small(size // 3)), ("long", _worst(size // 3))):
        kept = await _keep(flood, kafka=kafka)
        cost = kept.stored / kept.sent
        what = f"disk cost of {kept.sent / 1e6:.1f} MB of {kind} refused messages, {name}"
        beside = f"the gateway wrote {kept.written / kept.sent:.1f} bytes per byte sent"
        yield Row(what, f"{cost:.1f} × sent", f"{cost:.1f} × sent", f"≤ {_DISK} ×", cost <= _DISK, beside)


def _row(what: str, seen: Flooded, bar: str, *, most: float) -> Row:
    """The row of the PUTs beside a flood, whose p99 may be ``most`` ms."""
    calm, p99 = percentile(seen.calm, 0.99), percentile(seen.beside, 0.99)
    beside = f"calm p99 {calm:.1f} ms; {len(seen.beside):,} PUTs"
    return Row(what, f"p99 {p99:.1f} ms", f"{times(p99, calm)} calm", bar, p99 <= most, beside)


def _valid(number: int) -> list[Record]:
    """Messages that are accepted."""
    offers = [orjson.loads(raw) for raw in documents(_CALM, wrong=0)]
    found = []
    for index in range(number):
        offer_id = f"{PLATFORM}:{index}"
        value = orjson.dumps({**offers[index % len(offers)], "id": offer_id})
        found.append(Record(offer_id.encode(), value, _HEADERS))
    return found


async def _wait_beside(flood: list[Record], *, kafka: bool, workers: int, decided: bool = False) -> Flooded:
    """The times of PUTs, or of their decisions, calm and beside one flood over all partitions of one inbox."""
    async with (
        prepared(kafka=kafka, workers=workers) as environment,
        _inbox(environment) as log,
        served(environment) as gateway,
    ):
        raws = documents(_CALM, wrong=0)
        await _puts(gateway, raws[:100], "warm")
        calm = await _puts(gateway, raws[: 200 if decided else _CALM], "calm", decided=decided)
        await _append(log, flood)
        taken = asyncio.create_task(load.wait_until_read(log, _TOPIC, every=_POLL_SECONDS))
        beside: list[float] = []
        while not taken.done():
            beside += await _puts(gateway, raws[:20], f"beside-{len(beside)}", decided=decided)
        await taken
    return Flooded(calm, beside)


async def _keep(flood: list[Record], *, kafka: bool) -> Kept:
    """The disk cost of one flood, without other load. It includes the log's own copy of the messages."""
    async with (
        prepared(kafka=kafka, workers=0) as environment,
        _inbox(environment) as log,
        served(environment) as gateway,
    ):
        stored, written = sum(environment.stored().values()), _written(gateway)
        await _append(log, flood)
        await load.wait_until_read(log, _TOPIC, every=_POLL_SECONDS)
        await asyncio.sleep(_VIEWS_SECONDS)
        sent = size_of(flood)
        return Kept(sent, sum(environment.stored().values()) - stored, _written(gateway) - written)


def _messages(size: int, more: dict[str, object]) -> list[Record]:
    offer = orjson.loads(documents(1)[0]) | more
    found: list[Record] = []
    while size > 0:
        offer_id = f"{PLATFORM}:{len(found)}"
        value = orjson.dumps({**offer, "id": offer_id})
        found.append(Record(offer_id.encode(), value, _HEADERS))
        size -= len(value)
    return found


@asynccontextmanager
async def _inbox(environment: Environment) -> AsyncIterator[EventLog]:
    """The log, with an inbox of a third partner."""
    async with open_log(replace(environment.settings)) as log:
        await log.create_topics([inbox(PLATFORM)])
        partners = Partners(log)
        publisher = Partner(platform=PLATFORM, name=PLATFORM, scopes=frozenset({"offers:publish"}), inbox=True)
        await partners.save(publisher)
        await partners.close()
        yield log


async def _append(log: EventLog, flood: list[Record]) -> None:
    waiting: dict[int, list[Record]] = {partition: [] for partition in range(log.partitions)}
    for number, record in enumerate(flood):
        part = waiting[number % log.partitions]
        part.append(record)
        if sum(len(one.value or b"") for one in part) > _APPENDED_BYTES or len(part) == 900:
            await log.append(_TOPIC, number % log.partitions, part)
            part.clear()
    for partition, part in waiting.items():
        if part:
            await log.append(_TOPIC, partition, part)


async def _puts(gateway: Served, raws: list[bytes], name: str, *, decided: bool = False) -> list[float]:
    """The seconds of each PUT of these offers, in sequence, or of each decision."""
    token = await gateway.publisher.token()
    wire = await Wire.open(gateway.url)
    times: list[float] = []
    for number, raw in enumerate(raws):
        request = load.put(gateway, token, raw, f"bretagne:{name}-{number}", decided=decided)
        began = time.perf_counter()
        status, body = await wire.call(request)
        times.append(time.perf_counter() - began)
        if status not in _EXPECTED[decided]:
            raise RuntimeError(body.decode())
    wire.close()
    return times


def _written(gateway: Served) -> int:
    """Bytes that the gateway's processes have caused to be written to disk."""
    lines = (line for pid in gateway.processes() for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return sum(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))
