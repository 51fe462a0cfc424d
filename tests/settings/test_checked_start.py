"""The check of the embedded log beside the start of a gateway."""

import asyncio
from typing import Any

import pytest

from gateway.bootstrap.parts import _checked
from gateway.errors import LogDamagedError, TopicError


class Checked:
    """A log whose check ends when it may."""

    def __init__(self, damage: str | None = None) -> None:
        self.may_end = asyncio.Event()
        self._damage = damage

    async def check(self) -> None:
        await self.may_end.wait()
        if self._damage is not None:
            raise LogDamagedError(self._damage)


def checked(log: Any) -> Any:
    return _checked(log)


async def test_the_start_waits_for_the_end_of_the_check() -> None:
    log = Checked()

    async def start() -> None:
        async with checked(log):
            pass

    starting = asyncio.create_task(start())
    await asyncio.sleep(0.01)
    assert not starting.done()
    log.may_end.set()
    await starting


async def test_damage_is_named_instead_of_what_it_caused() -> None:
    log = Checked("the log is damaged")
    log.may_end.set()
    with pytest.raises(LogDamagedError, match="is damaged"):
        async with checked(log):
            raise TopicError("a topic is missing")


async def test_another_error_stays_what_it_is() -> None:
    log = Checked()
    log.may_end.set()
    with pytest.raises(TopicError):
        async with checked(log):
            raise TopicError("a topic is missing")


async def test_a_start_that_is_cancelled_does_not_wait_for_the_check() -> None:
    log = Checked()

    async def start() -> None:
        async with checked(log):
            await asyncio.sleep(60)

    starting = asyncio.create_task(start())
    await asyncio.sleep(0.01)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(starting, 5)
