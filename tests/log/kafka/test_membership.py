"""Sharing partitions by a consumer group."""

import asyncio

import pytest

from gateway.log.kafka import KafkaLog
from gateway.log.port import Membership
from gateway.protocol.topic import SUBMISSIONS
from tests.log.contract.log_fixture import DEADLINE

pytestmark = pytest.mark.kafka

ALL = frozenset({0, 1, 2})


class Member:
    """Keeps the latest assignment of a membership."""

    def __init__(self, membership: Membership) -> None:
        self.share: frozenset[int] | None = None
        self._membership = membership
        self._watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            self.share = await self._membership.changed()

    async def leave(self) -> None:
        self._watching.cancel()
        await self._membership.close()


async def settled(*members: Member) -> list[frozenset[int]]:
    """The assignments, once they are complete and cover every partition once."""
    async with asyncio.timeout(DEADLINE):
        while True:
            shares = [member.share for member in members if member.share is not None]
            if len(shares) == len(members) and sorted(part for share in shares for part in share) == sorted(ALL):
                return shares
            await asyncio.sleep(0.02)


async def join(log: KafkaLog, group: str = "relay") -> Member:
    return Member(await log.join(group, SUBMISSIONS))


async def test_members_share_all_partitions_and_a_leaving_one_is_replaced_at_once(log: KafkaLog) -> None:
    first = await join(log)
    assert [ALL] == await settled(first)
    second = await join(log)
    one, two = await settled(first, second)
    assert {1, 2} == {len(one), len(two)}
    clock = asyncio.get_running_loop()
    left_at = clock.time()
    await first.leave()
    assert [ALL] == await settled(second)
    assert clock.time() - left_at < 9  # a session runs out ten seconds after a heartbeat, and there is one each second
    await second.leave()


async def test_partitions_keep_their_owner_when_a_member_joins(log: KafkaLog) -> None:
    """Moving a partition means rebuilding its state."""
    first = await join(log)
    await settled(first)
    second = await join(log)
    one, two = await settled(first, second)
    third = await join(log)
    shares = await settled(first, second, third)
    assert [1, 1, 1] == [len(share) for share in shares]
    assert shares[0] <= one
    assert shares[1] <= two
    for member in (first, second, third):
        await member.leave()


async def test_more_members_than_partitions_leaves_some_without(log: KafkaLog) -> None:
    members = [await join(log) for _ in range(4)]
    assert [0, 1, 1, 1] == sorted(len(share) for share in await settled(*members))
    for member in members:
        await member.leave()


async def test_groups_do_not_take_from_each_other(log: KafkaLog) -> None:
    relay = await join(log)
    intake = await join(log, "intake.bretagne")
    assert [ALL] == await settled(relay)
    assert [ALL] == await settled(intake)
    await relay.leave()
    await intake.leave()
