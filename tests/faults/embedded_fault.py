"""The faults of the embedded log: its disk, its file, and the local copies beside it."""

import asyncio
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing

from gateway.clock import now
from gateway.log.sqlite import SqliteLog
from gateway.protocol.topic import COMMON, DAY_MS, OFFERS
from tests.faults.disk import SmallDisk
from tests.faults.history import Attempt
from tests.faults.process import GatewayProcess
from tests.faults.round import Fault, MissedError, Round

_OFFERS = next(topic for topic in COMMON if topic.name == OFFERS)
_BATCHES = 4
_ITEMS = 220
"""Of 7 kB each: three platforms then have 18 MB to write, more than four times what the small queue holds."""
_FILLING = 200
_SINGLES = 60
"""A second: more than a slice's 256 KiB within the eight seconds after which a write leaves the queue."""
_BURSTS_SECONDS = 150.0


@asynccontextmanager
async def _locked(round_: Round) -> AsyncIterator[None]:
    """A disk so slow that nothing gets written: another process holds the file's write lock."""
    path = round_.deployment.settings.data / "log.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)) as other:
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


async def _slow(round_: Round) -> None:
    """Longer than the timeout of the waiting clients."""
    async with _locked(round_):
        await asyncio.sleep(round_.random.uniform(1, 3))
        await _burst_until(round_, 1, lambda one: one.outcome in {"unknown", "refused"})


async def _full_queue(round_: Round) -> None:
    """More bytes than the small queue holds, while nothing gets written; then the lock goes."""
    async with _locked(round_):
        await _until(round_, lambda: _fill(round_), lambda one: one.detail == "log-busy")


async def _fill(round_: Round) -> None:
    """Batches until their slices no longer fit, and meanwhile single offers, for the rest of the queue."""
    async with asyncio.TaskGroup() as group:
        flood = group.create_task(round_.flood(_BATCHES, _ITEMS))
        while not flood.done():
            group.create_task(round_.burst(_SINGLES))
            await asyncio.sleep(1)


async def _compact(round_: Round) -> None:
    """As if a fortnight had passed: ``offers`` is compacted fully, under load."""
    async with round_.deployment.log() as log:
        assert isinstance(log, SqliteLog)
        await log.maintain([_OFFERS], now=now() + 15 * DAY_MS, all_of_it=True)


async def _forget(round_: Round) -> None:
    """Killed, and its local copies lost: everything is read again from the compacted log."""
    replica = _only(round_)
    await replica.kill()
    for name in ("views", "relay"):
        shutil.rmtree(replica.folder / name)
    await replica.start()


async def _second(round_: Round) -> None:
    """A second process in the same folder, by mistake: it must end with the reason, without effect on the first."""
    second = await round_.deployment.add_replica(folder=_only(round_).folder)
    code = await second.ended(seconds=120)
    if code == 0 or "another gateway works in" not in second.last_words():
        round_.find(f"a second process in the folder ended with {code}: {second.last_words()}")
    round_.deployment.replicas.remove(second)


SLOW = Fault("disk too slow", _slow)
FULL_QUEUE = Fault("queue full", _full_queue)
COMPACT = Fault("offers compacted", _compact)
FORGET = Fault("local copies lost", _forget)
SECOND = Fault("second process in the same folder", _second)


def disk_full(disk: SmallDisk) -> Fault:
    """The disk is full to the last byte until a publisher's write is refused."""

    async def strike(round_: Round) -> None:
        try:
            for _ in range(20):
                await asyncio.to_thread(disk.fill)
                await asyncio.sleep(0.1)
            await _burst_until(round_, _FILLING, lambda one: one.outcome in {"unknown", "refused"})
        finally:
            disk.free()

    return Fault("disk full", strike)


async def _burst_until(round_: Round, count: int, wanted: Callable[[Attempt], bool]) -> None:
    """Bursts of concurrent requests until one ends as wanted. Raises MissedError."""
    await _until(round_, lambda: round_.burst(count), wanted)


async def _until(round_: Round, burst: Callable[[], Awaitable[None]], wanted: Callable[[Attempt], bool]) -> None:
    """Bursts until a request ends as wanted. No burst is cancelled midway: every request must be recorded. Raises
    MissedError.
    """
    until = time.monotonic() + _BURSTS_SECONDS
    while time.monotonic() < until:
        before = len(round_.history.attempts)
        await burst()
        if any(map(wanted, round_.history.attempts[before:])):
            return
    raise MissedError


def _only(round_: Round) -> GatewayProcess:
    [replica] = round_.deployment.replicas
    return replica
