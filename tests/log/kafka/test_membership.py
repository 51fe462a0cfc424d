"""Sharing partitions by a consumer group."""

import asyncio
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.log.kafka import KafkaLog, KafkaSettings
from gateway.log.port import Membership
from gateway.protocol.topic import SUBMISSIONS
from tests.log.contract.log_fixture import DEADLINE

pytestmark = pytest.mark.kafka

ALL = frozenset({0, 1, 2})
_KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from gateway.log.kafka import KafkaLog, KafkaSettings
from gateway.protocol.topic import SUBMISSIONS

async def run():
    settings = KafkaSettings(bootstrap_servers=sys.argv[1], prefix=sys.argv[2], members=Path(sys.argv[3]))
    membership = await (await KafkaLog.open(settings)).join("relay", SUBMISSIONS)
    while len(await membership.changed()) < int(sys.argv[4]):
        pass
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(run())
"""


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


async def killed(settings: KafkaSettings, members: Path, *, share: int) -> None:
    """A member of this folder that is killed when it has its share."""
    words = (settings.bootstrap_servers, settings.prefix, str(members), str(share))
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _KILLED, *words)
    assert -signal.SIGKILL == await process.wait()


async def test_a_process_that_was_killed_resumes_its_membership(
    log: KafkaLog, settings: KafkaSettings, tmp_path: Path
) -> None:
    """The group does not wait until the session of the killed process has run out."""
    clock = asyncio.get_running_loop()
    members = tmp_path / "members"
    other = await join(log)
    await settled(other)
    await killed(settings, members, share=1)
    killed_at = clock.time()
    again = await KafkaLog.open(replace(settings, members=members))
    resumed = await join(again)
    shares = await settled(other, resumed)
    assert {1, 2} == {len(share) for share in shares}
    assert (
        clock.time() - killed_at < 8
    )  # a session runs out ten seconds after a heartbeat, and there is one each second
    await resumed.leave()
    assert [] == list(members.iterdir())
    assert [ALL] == await settled(other)
    await other.leave()
    await again.close()


@pytest.mark.usefixtures("log")
async def test_a_process_with_a_copy_of_the_folder_is_a_member_of_its_own(
    settings: KafkaSettings, tmp_path: Path
) -> None:
    first_log, copy = await KafkaLog.open(replace(settings, members=tmp_path / "members")), tmp_path / "copy"
    first = await join(first_log)
    await settled(first)
    shutil.copytree(tmp_path / "members", copy)
    second_log = await KafkaLog.open(replace(settings, members=copy))
    second = await join(second_log)
    assert {1, 2} == {len(share) for share in await settled(first, second)}
    for one in (first, second):
        await one.leave()
    for each in (first_log, second_log):
        await each.close()
