"""A million live offers: one upload and its memory, restarts with them after a clean stop and after kill -9, and the
takeover of the relay by another.

Takeover: submissions are appended to every partition one after the other, each awaited until it is decided; the longest
wait while a gateway hands over is the takeover. On Kafka only, where several gateways share the partitions: a *replica
that was up* has been running with a data folder of its own beside the gateway that is stopped; the other starts from an
empty disk after all gateways have stopped.
"""

import asyncio
import os
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from pathlib import Path

from bench import load
from bench.offers import documents, renamed
from bench.relay import IDS, fill
from bench.row import Row, times
from bench.served import Environment, prepared, served
from gateway import clock
from gateway.bootstrap.log import open_log
from gateway.ingest.submissions import Submissions
from gateway.log.port import EventLog
from gateway.protocol.identity import partition_of
from gateway.protocol.topic import OFFERS, SUBMISSIONS

WORKERS = 2
_MEMORY_MB = 200
_STOPPED_SECONDS, _KILLED_SECONDS = 4.0, 6.0
_UP_SECONDS, _EMPTY_SECONDS = 2.0, 60.0
_POLL_SECONDS = 0.01
_AFTERWARDS_SECONDS = 2.0
_TAKEOVER_SECONDS = 600.0


async def measure(name: str, *, kafka: bool, million: int) -> AsyncIterator[Row]:
    """Fill a gateway by one upload; restart it; on Kafka, let others take over from it."""
    raws = documents(min(million, 20_000))
    async with prepared(kafka=kafka, workers=WORKERS) as environment:
        async with served(environment) as gateway:
            done = await load.upload(gateway, raws, million)
        began = time.perf_counter()
        async with served(environment) as gateway:
            stopped = time.perf_counter() - began
            os.kill(gateway.process, signal.SIGKILL)
        began = time.perf_counter()
        async with served(environment):
            killed = time.perf_counter() - began
        above = (done.most - done.idle) / 1e6
        yield Row(
            f"one upload of {million:,} offers, memory above idle, {name}",
            f"{above:,.0f} MB",
            f"{times(done.most, done.idle)} idle",
            f"≤ {_MEMORY_MB} MB",
            above <= _MEMORY_MB,
            f"{million / done.seconds:,.0f} offers/s, HTTP {done.status}, idle {done.idle / 1e6:,.0f} MB",
        )
        for after, seconds, bar in (
            ("a clean stop", stopped, _STOPPED_SECONDS),
            ("kill -9", killed, _KILLED_SECONDS),
        ):
            yield Row(
                f"restart with {million:,} live offers after {after}, {name}",
                f"{seconds:.1f} s",
                "",
                f"≤ {bar:.0f} s",
                seconds <= bar,
            )
        if kafka:
            async for row in _takeovers(environment, million):
                yield row


async def _takeovers(environment: Environment, million: int) -> AsyncIterator[Row]:
    folder = environment.settings.data.parent
    async with open_log(replace(environment.settings, data=folder / "timer")) as log:
        timer = DecisionTimer(log)
        async with AsyncExitStack() as running, AsyncExitStack() as stopped:
            await stopped.enter_async_context(served(environment))
            replica = _elsewhere(environment, folder / "replica")
            await running.enter_async_context(served(replica))
            await _kept_up(replica.settings.data, log)
            usual = max([await timer.decided() for _ in range(20)])
            up = await timer.longest_while(stopped.aclose)
        yield _row("on a replica that was up", up, usual, _UP_SECONDS, million)
        async with AsyncExitStack() as running:
            empty = _elsewhere(environment, folder / "empty")
            taken = await timer.longest_while(lambda: running.enter_async_context(served(empty)))
        yield _row("from an empty disk, with its start", taken, usual, _EMPTY_SECONDS, million)


async def _kept_up(data: Path, log: EventLog) -> None:
    """Wait until a replica's tables of all partitions have reached the present end of ``offers``."""
    ends = await log.ends(OFFERS)
    async with asyncio.timeout(_TAKEOVER_SECONDS):
        while any(_applied(data / "relay" / f"relay-{partition}.sqlite") < end for partition, end in enumerate(ends)):  # noqa: ASYNC110  # another process fills them
            await asyncio.sleep(1.0)


def _applied(table: Path) -> int:
    try:
        with closing(sqlite3.connect(f"{table.absolute().as_uri()}?mode=ro", uri=True)) as db:
            return int(db.execute("SELECT position FROM position").fetchone()[0])
    except sqlite3.OperationalError:  # not there yet
        return 0


def _row(what: str, seconds: float, usual: float, bar: float, million: int) -> Row:
    ratio = f"{times(seconds, usual)} longest decision before"
    beside = f"longest decision before {usual * 1e3:.0f} ms"
    return Row(
        f"relay takeover, {million:,} live offers, {what}, Kafka",
        f"{seconds:.1f} s",
        ratio,
        f"≤ {bar:.0f} s",
        seconds <= bar,
        beside,
    )


def _elsewhere(environment: Environment, data: Path) -> Environment:
    """The same federation, served from another data folder."""
    return replace(environment, settings=replace(environment.settings, data=data))


class DecisionTimer:
    """Submits an offer on every partition and waits until the relay has decided all."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._submissions = Submissions(log, ids=IDS, clock=clock.now)
        self._raws = _one_each(log.partitions)

    async def decided(self) -> float:
        """Seconds from the append to the last decision."""
        began = time.perf_counter()
        await fill(self._submissions, self._raws)
        await load.wait_until_read(self._log, SUBMISSIONS, every=_POLL_SECONDS)
        return time.perf_counter() - began

    async def longest_while(self, change: Callable[[], Awaitable[object]]) -> float:
        """The longest decision while ``change`` is in progress, and for two seconds of decisions afterwards."""
        changing = asyncio.ensure_future(change())
        longest, until = 0.0, float("inf")
        async with asyncio.timeout(_TAKEOVER_SECONDS):
            while time.perf_counter() < until:
                longest = max(longest, await self.decided())
                if changing.done() and until == float("inf"):
                    until = time.perf_counter() + _AFTERWARDS_SECONDS
        await changing
        return longest


def _one_each(partitions: int) -> list[bytes]:
    """An offer for every partition."""
    raw = documents(1, wrong=0)[0]
    found: dict[int, bytes] = {}
    number = 0
    while len(found) < partitions:
        offer_id = f"bretagne:timed-{number}"
        found.setdefault(partition_of(offer_id, partitions), renamed(raw, offer_id))
        number += 1
    return list(found.values())
