"""Ordering a run: a command writes what it wants on ``runs``, and reads there what became of it."""

import asyncio
from collections.abc import Mapping

from gateway.ports import EventLog
from gateway.protocol.identity import partition_of
from gateway.protocol.run import Order, Run, order_record, read_run
from gateway.protocol.topic import RUNS
from gateway.reading import read_all

_PAGE = 500


class OrderReplacedError(Exception):
    """Another order for the same feed came before this one was begun, and was answered in its place."""


async def last_runs(log: EventLog) -> Mapping[str, Run]:
    """The last run of each platform's feed, by slug."""
    found: dict[str, Run] = {}
    async with read_all(log, RUNS, limit=_PAGE) as chunks:
        async for chunk in chunks:
            runs = (read_run(record.key, record.value) for record in chunk.records)
            found.update((run.platform, run) for run in runs if isinstance(run, Run))
    return found


async def order_run(log: EventLog, order: Order, *, seconds: float) -> Run | None:
    """Order a run and wait for it; None when no gateway has answered in time.

    All orders for a feed lie under one key, and the last one counts. One that comes while this one is carried out does
    not replace it, so only the answer to a newer order tells. Raises OrderReplacedError then.
    """
    home = partition_of(order.platform, log.partitions)
    appended = await log.append(RUNS, home, [order_record(order)])
    newer: set[str] = set()
    try:
        async with asyncio.timeout(seconds), log.reader({(RUNS, home): appended.last + 1}) as reader:
            while True:
                for chunk in await reader.poll(limit=_PAGE, wait=1.0):
                    for record in chunk.records:
                        found = read_run(record.key, record.value)
                        if found is None or found.platform != order.platform:
                            continue
                        if isinstance(found, Order):
                            newer.add(found.id)
                        elif found.order == order.id:
                            return found
                        elif found.order in newer:
                            raise OrderReplacedError(order.platform)
    except TimeoutError:
        return None
