"""Commits that subscriptions share: a failure ends every wait, of what was put before it and after."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from gateway.errors import LogBusyError
from gateway.log.port import Output
from gateway.protocol.record import Record
from gateway.push.commits import SharedCommits

OUTPUT = Output("subscriptions", 0, Record(b"a", b"1"))


class Failing:
    """An owner whose commit fails when ``fails`` is set."""

    def __init__(self) -> None:
        self.begun, self.fails = asyncio.Event(), asyncio.Event()

    async def commit(self, outputs: Sequence[Output]) -> Mapping[tuple[str, int], int]:  # noqa: ARG002  # the port's
        self.begun.set()
        await self.fails.wait()
        raise LogBusyError("busy")

    async def end(self, topic: str, partition: int) -> int:
        raise NotImplementedError((topic, partition))

    async def close(self) -> None:
        """Nothing."""


async def test_a_commit_that_fails_ends_every_wait() -> None:
    owner = Failing()
    commits = SharedCommits(owner)
    running = asyncio.create_task(commits.run())
    first = asyncio.create_task(commits.put([OUTPUT]))
    await owner.begun.wait()
    second = asyncio.create_task(commits.put([OUTPUT]))
    await asyncio.sleep(0)
    owner.fails.set()
    for waiting in (running, first, second, asyncio.create_task(commits.put([OUTPUT]))):
        with pytest.raises(LogBusyError):
            await asyncio.wait_for(waiting, 10)
