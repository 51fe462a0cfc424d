"""The processor time of an offer by function: ``python -m bench.profile``, in one process, with cProfile.

*Worker*: lines are split, judged, spooled, read back and appended, as an upload does it, without HTTP. *Background*:
the relay and the views of offers and receipts follow the log until they have all. First without the profiler, for the
totals; then with it, its clock being each thread's processor time. A function's own time includes the libraries in C
that it calls, and is scaled to the total: the profiler costs more than many functions, and those with many calls appear
too dear.
"""

import argparse
import asyncio
import cProfile
import pstats
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from bench import baseline
from bench.offers import documents, today
from bench.relay import IDS, has_decided, new_relay
from bench.served import prepared
from gateway import clock
from gateway.bootstrap.log import open_log
from gateway.ingest.submissions import Submissions
from gateway.ingest.upload.judge import Author, BatchJudge, Unexplained
from gateway.ingest.upload.splitting import LineSplitter
from gateway.ingest.upload.spool import DiskQuota, Spool
from gateway.log.memory import MemoryLog
from gateway.log.port import EventLog
from gateway.protocol.topic import COMMON, OFFERS, RECEIPTS, SUBMISSIONS
from gateway.runtime.loop import bound_collections
from gateway.store import OfferView, ReceiptView, ViewUpdater

LOGS = ("memory", "embedded", "Kafka")
_BLOCK = 256 * 1024
_SLICE = 2_000


class Profiles:
    """A cProfile of every thread that starts while entered, and of the one that enters."""

    def __init__(self) -> None:
        self._made: list[cProfile.Profile] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Profile."""
        own = self._new()
        threading.setprofile(lambda *_: self._new().enable())
        own.enable()
        try:
            yield
        finally:
            own.disable()
            threading.setprofile(None)

    def _new(self) -> cProfile.Profile:
        self._made.append(cProfile.Profile(time.thread_time, builtins=False))
        return self._made[-1]

    def own_times(self) -> dict[str, float]:
        """Seconds in each function itself, by its file and name."""
        stats = pstats.Stats(self._made[0])
        for one in self._made[1:]:
            stats.add(one)
        found: dict[str, float] = {}
        for (file, _, name), (_, _, own, _, _) in stats.stats.items():  # type: ignore[attr-defined]
            if "/concurrent/futures/" not in file:  # a waiting thread: its call does not end, so has no time
                key = f"{'/'.join(Path(file).parts[-3:])} {name}"
                found[key] = found.get(key, 0.0) + own
        return found


@asynccontextmanager
async def opened(kind: str) -> AsyncIterator[EventLog]:
    """A fresh log."""
    if kind == "memory":
        memory = MemoryLog()
        await memory.create_topics(COMMON)
        yield memory
        await memory.close()
    else:
        async with prepared(kafka=kind == "Kafka", workers=0) as environment, open_log(environment.settings) as log:
            yield log


async def work(log: EventLog, raws: list[bytes]) -> None:
    """A worker's part."""
    submissions = Submissions(log, ids=IDS, clock=clock.now).of_upload("b_profile")
    judge = BatchJudge(submissions, Author(publisher="bretagne", hosts={}, on=today()))
    body = b"\n".join(raws)
    with tempfile.TemporaryDirectory() as folder:
        spool, splitter = Spool(Path(folder), DiskQuota(1 << 32)), LineSplitter(item_bytes=1 << 20)
        for start in range(0, len(body), _BLOCK):
            for raw in splitter.feed(body[start : start + _BLOCK]):
                item = judge.judge(raw)
                spool.add(item.explain() if isinstance(item, Unexplained) else item)
                if spool.full:
                    await spool.flush()
        await spool.flush()
        for slice_ in spool.prepared(at_once=_SLICE):
            await submissions.submit_records([one for _, one in slice_])
        spool.close()


async def follow(log: EventLog) -> None:
    """The background's part, from nothing."""
    ends = await log.ends(SUBMISSIONS)
    identity = await log.identity()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        relay = await new_relay(log, folder)
        offers = await OfferView.open(folder / "offers.sqlite", log_identity=identity, partitions=log.partitions)
        receipts = await ReceiptView.open(folder / "receipts.sqlite", log_identity=identity, partitions=log.partitions)
        updaters = (ViewUpdater(log, OFFERS, offers), ViewUpdater(log, RECEIPTS, receipts))
        tasks = [asyncio.create_task(one.run()) for one in (relay, *updaters)]

        async def done() -> bool:
            if not has_decided(relay, ends):
                return False
            return (offers.positions, receipts.positions) == (await log.ends(OFFERS), await log.ends(RECEIPTS))

        while not await done():
            for task in tasks:
                if task.done():
                    await task
            await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await offers.close()
        await receipts.close()


async def measure(kind: str, offers: int, top: int) -> None:
    """Profile both parts and print them."""
    raws = documents(offers)
    bound_collections()  # as ``passerelle serve`` does
    print(f"{kind}, {offers:,} offers, floor {baseline.floor(raws) * 1e6:.1f} µs")
    totals: dict[str, float] = {}
    profiles = {"worker": Profiles(), "background": Profiles()}
    await _both(kind, raws, {}, {})
    await _both(kind, raws, totals, {})
    await _both(kind, raws, {}, profiles)
    for part, total in totals.items():
        own = profiles[part].own_times()
        scale = total / sum(own.values())
        print(f"\n{part}: {total / offers * 1e6:.1f} µs an offer, own time of the {top} dearest functions")
        for name in sorted(own, key=lambda name: -own[name])[:top]:
            print(f"{own[name] * scale / offers * 1e6:7.2f} µs  {name}")


async def _both(kind: str, raws: list[bytes], totals: dict[str, float], profiles: dict[str, Profiles]) -> None:
    async with opened(kind) as log:
        for part, run in (("worker", work(log, raws)), ("background", follow(log))):
            began = time.process_time()
            if part in profiles:
                with profiles[part].running():
                    await run
            else:
                await run
            totals[part] = time.process_time() - began


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", choices=LOGS, default="memory")
    parser.add_argument("--offers", type=int, default=20_000)
    parser.add_argument("--top", type=int, default=10)
    given = parser.parse_args(sys.argv[1:])
    asyncio.run(measure(given.log, given.offers, given.top))
