"""The relay alone, exactly once, from submissions on the log.

Submissions are judged and written as an upload writes them; then a relay with an empty state decides all of them. The
figure is submissions a second from its start to its last commit; the ratio is to raw appends in the same run.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

from bench.baseline import raw_rate
from bench.offers import documents, today
from bench.row import Row, times
from bench.served import prepared
from gateway import clock
from gateway.bootstrap.log import open_log
from gateway.ingest.submissions import Submissions
from gateway.ingest.upload.judge import Author, BatchJudge
from gateway.ingest.upload.spool import JudgedItem
from gateway.log.port import EventLog
from gateway.log.sqlite import SqliteLog
from gateway.protocol.seal import ReceiptIds
from gateway.protocol.topic import SUBMISSIONS
from gateway.relay import SHARED, CommitPace, Relay
from gateway.runtime.loop import bound_collections

IDS = ReceiptIds(b"0123456789abcdef0123456789abcdef")
_SLICE = 2_000
_RATE = 20_000


async def fill(submissions: Submissions, raws: list[bytes]) -> int:
    """Judge and append. Returns the number of accepted offers."""
    author = Author(publisher="bretagne", hosts={}, on=today())
    judge = BatchJudge(submissions, author)
    items = [judge.judge(raw) for raw in raws]
    prepared_ = [item.prepared for item in items if isinstance(item, JudgedItem) and item.prepared is not None]
    for at in range(0, len(prepared_), _SLICE):
        await submissions.submit_records(prepared_[at : at + _SLICE])
    return len(prepared_)


async def new_relay(log: EventLog, folder: Path) -> Relay:
    """A relay with an empty state."""
    return Relay(
        log,
        folder=folder,
        identity=await log.identity(),
        submissions=Submissions(log, ids=IDS, clock=clock.now),
        ids=IDS,
        clock=clock.now,
        decided=lambda verdicts: None,  # noqa: ARG005  # counted by the log itself
        pace=SHARED if isinstance(log, SqliteLog) else CommitPace(),
    )


async def relay_rate(log: EventLog, raws: list[bytes]) -> float:
    """Submissions decided per second."""
    count = await fill(Submissions(log, ids=IDS, clock=clock.now), raws)
    ends = await log.ends(SUBMISSIONS)
    with tempfile.TemporaryDirectory(prefix="passerelle-relay-") as folder:
        relay = await new_relay(log, Path(folder))
        bound_collections()  # as ``passerelle serve`` does
        began = time.perf_counter()
        running = asyncio.create_task(relay.run())
        while not has_decided(relay, ends):
            if running.done():
                await running
            await asyncio.sleep(0.005)
        seconds = time.perf_counter() - began
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return count / seconds


def has_decided(relay: Relay, ends: tuple[int, ...]) -> bool:
    """Whether a relay has decided all submissions before these offsets."""
    return all(p in relay.partitions and relay.partitions[p].position >= end for p, end in enumerate(ends))


async def measure(name: str, *, kafka: bool, offers: int) -> AsyncIterator[Row]:
    """The relay's rate beside that of raw appends."""
    raws = documents(offers)
    async with prepared(kafka=kafka, workers=0) as environment:
        raw = await raw_rate(environment, raws)
        async with open_log(environment.settings) as log:
            rate = await relay_rate(log, raws)
    ratio, bar = f"{times(rate, raw)} raw", f"≥ {_RATE:,}/s"
    yield Row(f"relay alone, exactly once, {name}", f"{rate:,.0f}/s", ratio, bar, rate >= _RATE, f"raw {raw:,.0f}/s")
