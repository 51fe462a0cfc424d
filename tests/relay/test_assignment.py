"""Assignments: a process whose membership in the group is no longer valid."""

import asyncio

import pytest
from structlog.testing import capture_logs

from gateway.errors import LogUnavailableError
from gateway.log.assignment import run_assigned
from gateway.log.common import SpentOwner
from gateway.log.owner_loop import own_with_retry
from gateway.log.port import Output, Owner
from gateway.protocol.topic import COMMON, OFFERS, SUBMISSIONS
from tests.log.contract.log_fixture import record
from tests.memory_log import MemoryLog
from tests.relay.skipping import run_without_waiting

pytestmark = pytest.mark.slow

_SECONDS = 30.0


class Fixed:
    """A membership in a group that never changes."""

    def __init__(self, share: frozenset[int]) -> None:
        self._share = share
        self._reported = False

    async def changed(self) -> frozenset[int]:
        if self._reported:
            await asyncio.Event().wait()
        self._reported = True
        return self._share

    async def close(self) -> None:
        pass


class Stale(MemoryLog):
    """The first membership is at a coordinator that the others have left; they share all partitions by now."""

    joined = 0

    async def join(self, group: str, topic: str) -> Fixed:  # type: ignore[override]  # noqa: ARG002 - another membership, the same for all
        self.joined += 1
        return Fixed(frozenset({0}) if self.joined == 1 else frozenset())


async def test_a_fenced_member_joins_again_and_does_not_disturb_the_other() -> None:
    """Otherwise both would fence each other until both ended."""
    log = Stale()
    await log.create_topics(COMMON)
    working = asyncio.Event()

    async def write_on(owner: Owner) -> None:
        while True:
            await owner.commit([Output(OFFERS, 0, record("stale"))])
            working.set()
            await asyncio.sleep(0.01)

    async def work(partition: int) -> None:
        await own_with_retry(log, role="relay", partition=partition, work=write_on)

    share = asyncio.create_task(run_assigned(log, role="relay", topic=SUBMISSIONS, work=work))
    await working.wait()
    other = await log.own("relay", 0)
    async with asyncio.timeout(_SECONDS):
        while log.joined < 2:
            await other.commit([Output(OFFERS, 0, record("true"))])
            await asyncio.sleep(0.05)
    for _ in range(10):
        await other.commit([Output(OFFERS, 0, record("true"))])
        await asyncio.sleep(0.05)
    assert not share.done()
    share.cancel()
    await asyncio.gather(share, return_exceptions=True)


class Away(MemoryLog):
    """A log whose owners can commit a given number of times."""

    owned = 0

    async def own(self, role: str, partition: int) -> SpentOwner:
        self.owned += 1
        return await super().own(role, partition)


@pytest.mark.parametrize(
    ("commits", "waits"), [(0, True), (1, True), (2, False)], ids=["none", "the first only", "progress"]
)
def test_only_progress_ends_a_backoff(commits: int, *, waits: bool) -> None:
    """Each attempt commits a record to read its position: that alone is no success."""
    log = Away()

    async def work(owner: Owner) -> None:
        for _ in range(commits):
            await owner.commit([Output(OFFERS, 0, record("one"))])
        if log.owned > 4:
            raise RuntimeError("enough")
        raise LogUnavailableError("away")

    async def own() -> None:
        await log.create_topics(COMMON)
        await own_with_retry(log, role="relay", partition=0, work=work)

    with capture_logs() as lines, pytest.raises(RuntimeError):
        run_without_waiting(own)
    pauses = [line["wait"] for line in lines if line["event"] == "retry.scheduled"]
    assert 4 == len(pauses)
    if waits:
        assert all(least <= pause <= least + 0.25 for least, pause in zip([0.1, 0.2, 0.4, 0.8], pauses, strict=True))
    else:
        assert [0.0] * 4 == pauses
