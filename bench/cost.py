"""Cost of an offer, a repeated offer, a poll and a change read: processor time of gateway and broker, and bytes.

All processes of the gateway count, and all its files. Other load on the machine is not counted: processor time is that
of these processes alone.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from bench import baseline, load
from bench.offers import documents
from bench.row import Row, times
from bench.served import Environment, Served, prepared, served

_OFFERS = 30_000
_POLLS = 2_000
_PAGE = 500
_IDLE_SECONDS = 0.05
"""Seconds of processor time within one second, up to which the gateway is idle."""


@dataclass(frozen=True)
class Cost:
    """Cost of one ``what``: microseconds of processor time of gateway and broker; bytes on disk by part, if any."""

    what: str
    gateway: float
    broker: float
    stored: dict[str, float]


@dataclass(frozen=True)
class _Meter:
    """Processor time in seconds and bytes on disk, until now."""

    gateway: float
    broker: float
    stored: dict[str, int]

    @classmethod
    def read(cls, environment: Environment, gateway: Served) -> "_Meter":
        return cls(sum(gateway.processor()), environment.broker_processor(), environment.stored())

    def per(self, what: str, count: int, later: "_Meter") -> Cost:
        """The cost of each of ``count`` operations between this reading and ``later``."""
        stored = {name: (later.stored[name] - size) / count for name, size in self.stored.items()}
        gateway, broker = later.gateway - self.gateway, later.broker - self.broker
        return Cost(what, gateway / count * 1e6, broker / count * 1e6, stored)


async def measure(name: str, *, kafka: bool, offers: int) -> AsyncIterator[Row]:
    """A new offer, the same again in a nightly snapshot, a poll that finds nothing, a change in a page of 500."""
    raws = documents(min(offers, _OFFERS))
    floor = baseline.floor(raws) * 1e6
    async for one in _costs(raws, kafka=kafka):
        figure = f"{one.gateway:,.0f} µs" + (f" and the broker's {one.broker:,.0f} µs" if kafka else "")
        stored = ", ".join(f"{where} {size:,.0f}" for where, size in one.stored.items() if size >= 1)
        ratio = f"{times(one.gateway, floor)} floor"
        yield Row(f"{one.what}, {name}", figure, ratio, beside=f"bytes on disk: {stored}" if stored else "")


async def _costs(raws: list[bytes], *, kafka: bool) -> AsyncIterator[Cost]:
    async with prepared(kafka=kafka, workers=1) as environment, served(environment) as gateway:
        start = _Meter.read(environment, gateway)
        _, queued = await load.ingest(gateway, raws)
        await load.held(gateway, queued)
        new = _Meter.read(environment, gateway)
        yield start.per("offer published, decided, in every view", len(raws), new)
        await _snapshot(gateway, raws)
        again = _Meter.read(environment, gateway)
        yield new.per("the same again in a complete snapshot", len(raws), again)
        cursor, changes = await _walk(gateway)
        read = _Meter.read(environment, gateway)
        yield again.per(f"change read, {_PAGE} a page", changes, read)
        await _poll(gateway, cursor)
        yield read.per("poll that finds nothing new", _POLLS, _Meter.read(environment, gateway))


async def _snapshot(gateway: Served, raws: list[bytes]) -> None:
    """A complete snapshot without any change, until all of it is decided."""
    mark = (await gateway.publisher.call("POST", "/v1/snapshots/marks")).body["mark"]
    body = b"\n".join([*raws, b'{"count": %d}' % len(raws)])
    answer = await gateway.publisher.call(
        "POST", "/v1/snapshots", params={"mark": mark}, body=body, media_type="application/x-ndjson"
    )
    if answer.status >= 300:
        raise RuntimeError(f"the snapshot was answered {answer.explain()}")
    await _wait_until_idle(gateway)


async def _wait_until_idle(gateway: Served) -> None:
    """Wait until the gateway is idle."""
    spent = sum(gateway.processor())
    while True:
        await asyncio.sleep(1.0)
        spent, before = sum(gateway.processor()), spent
        if spent - before <= _IDLE_SECONDS:
            return


async def _walk(gateway: Served) -> tuple[str, int]:
    """Read all changes from the start; returns the cursor after the last one, and their number."""
    params, seen = {"limit": str(_PAGE), "territory": "all"}, 0
    while True:
        page = (await gateway.reader.call("GET", "/v1/changes", params=params)).body
        params["cursor"], seen = page["cursor"], seen + len(page["changes"])
        if not page["more"]:
            return params["cursor"], seen


async def _poll(gateway: Served, cursor: str) -> None:
    params = {"limit": str(_PAGE), "territory": "all", "cursor": cursor}
    for _ in range(_POLLS):
        await gateway.reader.call("GET", "/v1/changes", params=params)
