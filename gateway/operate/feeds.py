"""The operator's orders on a pulled feed: pause it, resume it, run it now. They are records of ``runs``, which the
feed's owner follows whatever replica it is, and which outlive every restart.
"""

import os
from collections.abc import Mapping, Sequence

from gateway.log.mirror import fold_topic
from gateway.log.port import EventLog
from gateway.operate.desk import Desk, RefusedActError
from gateway.protocol.identity import partition_of
from gateway.protocol.partner import Partner
from gateway.protocol.record import StoredRecord
from gateway.protocol.source_run import Pause, RunOrder, order_record, pause_record, period_ms, read_run
from gateway.protocol.topic import RUNS

_ID_BYTES = 8


def has_feed(partner: Partner) -> bool:
    """Whether the partner's profile has a feed to pull."""
    return period_ms(partner.profile) is not None


async def set_paused(desk: Desk, platform: str, *, paused: bool, known: Mapping[str, Pause]) -> tuple[bool, Pause]:
    """Pause or resume a feed; ``known`` are the present pauses. Returns whether that changes anything, and the pause
    that now holds, or its end; what changes nothing is no act. Raises RefusedActError, LogError.
    """
    _require_feed(desk, platform)
    pause = Pause(platform=platform, paused=paused, at=desk.clock())
    if paused == (platform in known):
        return False, known.get(platform, pause)
    async with desk.acting("feed.pause" if paused else "feed.resume", platform):
        await desk.log.append(RUNS, partition_of(platform, desk.log.partitions), [pause_record(pause)])
    return True, pause


async def run_feed(
    desk: Desk, platform: str, *, confirm: int | None, known: Mapping[str, Pause], order: str = ""
) -> tuple[RunOrder, int]:
    """Order a run without waiting for it; ``confirm``: the withdrawals that it may make, ``known``: the present pauses,
    ``order``: its id, so that it is one order however often it is written. Returns the order, and the offset from which
    its outcome can be read. Raises RefusedActError, LogError.
    """
    _require_feed(desk, platform)
    if platform in known:
        raise RefusedActError("feed-paused", f"The feed of {platform} is paused.", actual=platform)
    order_id = order or os.urandom(_ID_BYTES).hex()
    ordered = RunOrder(platform=platform, id=order_id, ordered_at=desk.clock(), confirm=confirm)
    async with desk.acting("feed.run", platform, **({} if confirm is None else {"confirm": confirm})):
        appended = await desk.log.append(RUNS, partition_of(platform, desk.log.partitions), [order_record(ordered)])
    return ordered, appended.last + 1


def _require_feed(desk: Desk, platform: str) -> None:
    partner = desk.partners.get(platform)
    if partner is None:
        raise RefusedActError("no-feed", f"{platform} is not a partner.")
    if partner.revoked or not has_feed(partner):
        raise RefusedActError("no-feed", f"{platform} {'was revoked' if partner.revoked else 'has no feed to pull'}.")


async def read_pauses(log: EventLog) -> Mapping[str, Pause]:
    """The feeds that are paused, by platform; for commands, which have no view."""
    return await fold_topic(log, RUNS, _fold, {})


def _fold(pauses: Mapping[str, Pause], records: Sequence[StoredRecord]) -> Mapping[str, Pause]:
    read = (read_run(record.key, record.value) for record in records)
    newest = {one.platform: one for one in read if isinstance(one, Pause)}
    return {slug: one for slug, one in {**pauses, **newest}.items() if one.paused}
