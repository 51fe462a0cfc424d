"""A process's share: what becomes of a place in the group that is not true any more."""

import asyncio

import pytest
from structlog.testing import capture_logs

from gateway.memory import MemoryLog
from gateway.memory.owner import MemoryOwner
from gateway.ports import LogUnavailableError, Output, Owner
from gateway.protocol.topic import COMMON, OFFERS, SUBMISSIONS
from gateway.share import Backoff, keep_owning, work_share
from tests.contract.log_ground import record

_SECONDS = 30.0


class Fixed:
    """A place in a group that never changes."""

    def __init__(self, share: frozenset[int]) -> None:
        self._share = share
        self._told = False

    async def changed(self) -> frozenset[int]:
        if self._told:
            await asyncio.Event().wait()
        self._told = True
        return self._share

    async def close(self) -> None:
        pass


class Stale(MemoryLog):
    """The first place is one at a coordinator that the others have left; by now they share all among them."""

    joined = 0

    async def join(self, group: str, topic: str) -> Fixed:  # type: ignore[override]  # noqa: ARG002 - another membership, the same for all
        self.joined += 1
        return Fixed(frozenset({0}) if self.joined == 1 else frozenset())


async def test_who_is_fenced_and_not_told_why_joins_anew_and_leaves_the_other_in_peace() -> None:
    """Else both would fence each other until both gave up."""
    log = Stale()
    await log.create_topics(COMMON)
    working = asyncio.Event()

    async def write_on(owner: Owner) -> None:
        while True:
            await owner.commit([Output(OFFERS, 0, record("stale"))])
            working.set()
            await asyncio.sleep(0.01)

    async def work(partition: int) -> None:
        await keep_owning(log, role="relay", partition=partition, work=write_on)

    share = asyncio.create_task(work_share(log, role="relay", topic=SUBMISSIONS, work=work))
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


def test_a_backoff_stays_at_its_cap_until_a_success() -> None:
    """It began again from none each time that it had reached five seconds: a log that was away was asked in bursts."""
    backoff = Backoff(chance=lambda: 0.0)
    pauses = [backoff.next() for _ in range(50)]
    assert pauses[:4] == pytest.approx([0.0, 0.1, 0.3, 0.7])
    assert set(pauses[7:]) == {5.0}
    assert pauses == sorted(pauses)
    backoff.reset()
    assert backoff.next() == 0.0


def test_a_backoff_spreads_what_begins_together() -> None:
    """At most a quarter earlier, so that the processes of a gateway do not ask at the same instant."""
    chances = iter([0.0, 0.5, 1.0] * 20)
    backoff = Backoff(chance=lambda: next(chances))
    pauses = [backoff.next() for _ in range(60)]
    assert {3.75, 4.375, 5.0} == set(pauses[7:])


class Away(MemoryLog):
    """A log that can be owned, and whose owners can commit so many times."""

    owned = 0

    async def own(self, role: str, partition: int) -> MemoryOwner:
        self.owned += 1
        return await super().own(role, partition)


@pytest.mark.parametrize(
    ("commits", "pauses"),
    [(0, [0.0, 0.1, 0.3, 0.7]), (1, [0.0, 0.1, 0.3, 0.7]), (2, [0.0, 0.0, 0.0, 0.0])],
    ids=["none", "the first only", "progress"],
)
async def test_only_progress_ends_a_backoff(commits: int, pauses: list[float]) -> None:
    """Each attempt commits a record to learn where to go on: that alone is no success."""
    log = Away()
    await log.create_topics(COMMON)
    began: list[float] = []

    async def work(owner: Owner) -> None:
        began.append(asyncio.get_running_loop().time())
        for _ in range(commits):
            await owner.commit([Output(OFFERS, 0, record("one"))])
        if len(began) > len(pauses):
            raise RuntimeError("enough")
        raise LogUnavailableError("away")

    with capture_logs() as lines, pytest.raises(RuntimeError):
        await keep_owning(log, role="relay", partition=0, work=work)
    told = [line["pause"] for line in lines if line["event"] == "share.begins_again"]
    assert all(least * 0.74 - 0.06 <= pause <= least for least, pause in zip(pauses, told, strict=True))
    assert told == sorted(told)
    assert log.owned == len(pauses) + 1
