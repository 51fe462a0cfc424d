"""The faults of the embedded log: its disk, its file, and the local copies beside it."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

from gateway.clock import now
from gateway.protocol.topic import COMMON, DAY_MS, OFFERS
from gateway.sqlite import SqliteLog
from tests.faults.disk import SmallDisk
from tests.faults.process import GatewayProcess
from tests.faults.round import Fault, MissedError, Round

PATIENCE_SECONDS = 8.0
"""After so long the gateway gives up a write."""
_OFFERS = next(topic for topic in COMMON if topic.name == OFFERS)
_BURST = 3_000
_TELL_SECONDS = 20.0


@asynccontextmanager
async def _locked(round_: Round) -> AsyncIterator[None]:
    """A disk so slow that nothing gets written: another process holds the file's write lock."""
    path = round_.arena.settings.data / "log.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)) as other:
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


async def _slow(round_: Round) -> None:
    """Beyond the patience of whoever waits."""
    before = len(round_.history.attempts)
    async with _locked(round_):
        await asyncio.sleep(PATIENCE_SECONDS + round_.random.uniform(1, 3))
        told = await _somebody_is_told(round_, before)
    if not told:
        round_.find("nobody was told 503 while nothing could be written")


async def _full_queue(round_: Round) -> None:
    """More writes than the queue holds, while nothing gets written; then the lock goes."""
    try:
        async with _locked(round_), asyncio.timeout(50):
            while not any(one.told == "log-busy" for one in round_.history.attempts[-_BURST:]):
                await round_.burst(_BURST)
    except TimeoutError as error:
        raise MissedError from error


async def _compact(round_: Round) -> None:
    """As if a fortnight had passed: all that may go from offers goes, under load."""
    async with round_.arena.log() as log:
        assert isinstance(log, SqliteLog)
        await log.maintain([_OFFERS], now=now() + 15 * DAY_MS, all_of_it=True)


async def _forget(round_: Round) -> None:
    """Killed, and its local copies lost: everything is read anew from what compaction left."""
    replica = _only(round_)
    await replica.kill()
    for name in ("views", "relay"):
        shutil.rmtree(replica.folder / name)
    await replica.start()


async def _second(round_: Round) -> None:
    """A second process in the same folder, by mistake: it must end and say why, and the first must not notice."""
    second = await round_.arena.add_replica(folder=_only(round_).folder)
    code = await second.ended(seconds=120)
    if code == 0 or "another gateway works in" not in second.last_words():
        round_.find(f"a second process in the folder ended with {code}: {second.last_words()}")
    round_.arena.replicas.remove(second)


SLOW = Fault("disk too slow", _slow)
FULL_QUEUE = Fault("queue full", _full_queue)
COMPACT = Fault("offers compacted", _compact)
FORGET = Fault("local copies lost", _forget)
SECOND = Fault("second process in the same folder", _second)


def disk_full(disk: SmallDisk) -> Fault:
    """The last byte of the disk is taken for some seconds."""

    async def strike(round_: Round) -> None:
        before = len(round_.history.attempts)
        try:
            for _ in range(40):
                await asyncio.to_thread(disk.fill)
                await asyncio.sleep(0.1)
            told = await _somebody_is_told(round_, before)
        finally:
            disk.free()
        if not told:
            round_.find("nobody was told 503 while the disk was full")

    return Fault("disk full", strike)


async def _somebody_is_told(round_: Round, before: int) -> bool:
    """Whether someone whose request came to an end since then was told 503; waits for it for a while."""
    try:
        async with asyncio.timeout(_TELL_SECONDS):
            while not any(one.outcome in {"unknown", "refused"} for one in round_.history.attempts[before:]):
                await asyncio.sleep(0.1)
    except TimeoutError:
        return False
    return True


def _only(round_: Round) -> GatewayProcess:
    [replica] = round_.arena.replicas
    return replica
