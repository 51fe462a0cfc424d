"""The operator's orders on a pulled feed: pause it, resume it, run it now. They are records of ``runs``, which the
feed's owner follows whatever replica it is, and which outlive every restart.
"""

import os
from collections.abc import Mapping, Sequence

from gateway.errors import CodedError
from gateway.log.mirror import fold_topic
from gateway.log.port import EventLog
from gateway.operate.journal import Journal
from gateway.protocol.identity import partition_of
from gateway.protocol.journal import Act, Actor
from gateway.protocol.partner import Partner
from gateway.protocol.record import StoredRecord
from gateway.protocol.source_run import Order, Pause, order_record, pause_record, period_ms, read_run
from gateway.protocol.topic import RUNS

_ID_BYTES = 8


def has_feed(partner: Partner) -> bool:
    """Whether the partner's profile has a feed to pull."""
    return period_ms(partner.profile) is not None


async def set_paused(
    log: EventLog, journal: Journal, pause: Pause, *, known: Mapping[str, Pause], actor: Actor, why: str | None
) -> bool:
    """Pause or resume a feed; ``known`` are the present pauses. False if it is so already, and nothing is written.
    Raises LogError.
    """
    platform = pause.platform
    if pause.paused == (platform in known):
        return False
    await journal.write(Act(act="feed.pause" if pause.paused else "feed.resume", about=platform, why=why), actor)
    await log.append(RUNS, partition_of(platform, log.partitions), [pause_record(pause)])
    return True


async def write_run_entry(
    journal: Journal, platform: str, *, confirm: int | None, actor: Actor, why: str | None
) -> None:
    """Write the entry of an order to run a feed, which comes before the order. Raises LogError."""
    details = {} if confirm is None else {"confirm": confirm}
    await journal.write(Act(act="feed.run", about=platform, details=details, why=why), actor)


def new_order(platform: str, *, at: int, confirm: int | None, known: Mapping[str, Pause]) -> Order:
    """An order to run a feed now. Raises CodedError ``feed-paused``."""
    if platform in known:
        raise CodedError("feed-paused", actual=platform)
    return Order(platform=platform, id=os.urandom(_ID_BYTES).hex(), ordered_at=at, confirm=confirm)


async def order_now(log: EventLog, order: Order) -> None:
    """Order a run without waiting for it. Raises LogError."""
    await log.append(RUNS, partition_of(order.platform, log.partitions), [order_record(order)])


async def read_pauses(log: EventLog) -> Mapping[str, Pause]:
    """The feeds that are paused, by platform; for commands, which have no view."""
    return await fold_topic(log, RUNS, _fold, {})


def _fold(pauses: Mapping[str, Pause], records: Sequence[StoredRecord]) -> Mapping[str, Pause]:
    read = (read_run(record.key, record.value) for record in records)
    newest = {one.platform: one for one in read if isinstance(one, Pause)}
    return {slug: one for slug, one in {**pauses, **newest}.items() if one.paused}
