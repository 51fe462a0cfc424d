"""Request a run: append an order to ``runs`` and wait for the run that answers it."""

from collections.abc import Mapping, Sequence

from gateway.log.mirror import fold_topic
from gateway.log.port import EventLog
from gateway.log.request import request_answer
from gateway.protocol.identity import partition_of
from gateway.protocol.record import StoredRecord
from gateway.protocol.source_run import Order, Run, order_record, read_run
from gateway.protocol.topic import RUNS


class OrderReplacedError(Exception):
    """A newer order for the same feed arrived before this one was started, and was answered instead."""


async def last_runs(log: EventLog) -> Mapping[str, Run]:
    """The last run of each platform's feed, by slug."""
    return await fold_topic(log, RUNS, _fold_runs, {})


def _fold_runs(runs: Mapping[str, Run], records: Sequence[StoredRecord]) -> Mapping[str, Run]:
    read = (read_run(record.key, record.value) for record in records)
    return {**runs, **{run.platform: run for run in read if isinstance(run, Run)}}


async def order_run(log: EventLog, order: Order, *, seconds: float) -> Run | None:
    """Order a run and wait for it; return None if no gateway answers within ``seconds``.

    All orders for a feed have one key, and the last one counts. An order that arrives while this one is carried out
    does not replace it: only the answer to a newer order proves the replacement. Raises OrderReplacedError then.
    """
    newer: set[str] = set()

    def answer(record: StoredRecord) -> Run | None:
        found = read_run(record.key, record.value)
        if found is None or found.platform != order.platform:
            return None
        if isinstance(found, Order):
            newer.add(found.id)
            return None
        if found.order == order.id:
            return found
        if found.order in newer:
            raise OrderReplacedError(order.platform)
        return None

    home = partition_of(order.platform, log.partitions)
    try:
        return await request_answer(log, RUNS, home, order_record(order), answer=answer, seconds=seconds)
    except TimeoutError:
        return None
