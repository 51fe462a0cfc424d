"""What an offer, a repeated offer, a poll and a change read cost: processor time of gateway and broker, and bytes.

All processes of the gateway count, and all that it keeps on disk. The machine may be busy with other things meanwhile:
processor time is that of these processes alone.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from bench import load
from bench.served import Ground, Served, documents, prepared, served

_POLLS = 2_000
_PAGE = 500
_RESTS = 0.05
"""Seconds of processor time within one second."""


@dataclass(frozen=True)
class Cost:
    """Of one of ``what``: microseconds of processor time of gateway and broker; bytes by where they lie, if any."""

    what: str
    gateway: float
    broker: float
    stored: dict[str, float]


@dataclass(frozen=True)
class _Meter:
    """What was spent until now, in seconds and bytes."""

    gateway: float
    broker: float
    stored: dict[str, int]

    @classmethod
    def read(cls, ground: Ground, gateway: Served) -> "_Meter":
        return cls(sum(gateway.processor()), ground.broker_processor(), ground.stored())

    def per(self, what: str, count: int, later: "_Meter") -> Cost:
        """The cost of one of ``count`` since then."""
        stored = {name: (later.stored[name] - size) / count for name, size in self.stored.items()}
        gateway, broker = later.gateway - self.gateway, later.broker - self.broker
        return Cost(what, gateway / count * 1e6, broker / count * 1e6, stored)


async def measure(*, kafka: bool, offers: int) -> AsyncIterator[Cost]:
    """A new offer, the same again in a nightly snapshot, a poll that finds nothing, a change in a page of 500."""
    raws = documents(offers)
    async with prepared(kafka=kafka, workers=1) as ground, served(ground) as gateway:
        start = _Meter.read(ground, gateway)
        _, queued = await load.ingest(gateway, raws)
        await load.held(gateway, queued)
        new = _Meter.read(ground, gateway)
        yield start.per("offer published, decided, in every view", len(raws), new)
        await _snapshot(gateway, raws)
        again = _Meter.read(ground, gateway)
        yield new.per("the same again in a complete snapshot", len(raws), again)
        cursor, changes = await _walk(gateway)
        read = _Meter.read(ground, gateway)
        yield again.per(f"change read, {_PAGE} a page", changes, read)
        await _poll(gateway, cursor)
        yield read.per("poll that finds nothing new", _POLLS, _Meter.read(ground, gateway))


async def _snapshot(gateway: Served, raws: list[bytes]) -> None:
    """A complete snapshot without any change, until all of it is decided."""
    mark = (await gateway.publisher.call("POST", "/v1/snapshots/marks")).body["mark"]
    body = b"\n".join([*raws, b'{"count": %d}' % len(raws)])
    answer = await gateway.publisher.call(
        "POST", "/v1/snapshots", params={"mark": mark}, body=body, media_type="application/x-ndjson"
    )
    if answer.status >= 300:
        raise RuntimeError(f"the snapshot was answered {answer.explain()}")
    await _still(gateway)


async def _still(gateway: Served) -> None:
    """Wait until the gateway has done what there was to do, and rests."""
    spent = sum(gateway.processor())
    while True:
        await asyncio.sleep(1.0)
        spent, before = sum(gateway.processor()), spent
        if spent - before <= _RESTS:
            return


async def _walk(gateway: Served) -> tuple[str, int]:
    """Read all changes from the start; the cursor behind the last one and how many there were."""
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
