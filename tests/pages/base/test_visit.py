"""The worker of the pages is prepared in the background while a visitor reads a form, once."""

import asyncio
from typing import Any

from aiohttp import web

from gateway.pages.base.anonymous import AddressSlots
from gateway.pages.base.visit import Visitors


class Counting:
    """Counts what it is asked for."""

    def __init__(self) -> None:
        self.prepared = asyncio.Semaphore(0)
        self.times = 0

    async def call(self, *_: Any) -> Any:
        raise AssertionError

    async def prepare(self) -> None:
        self.times += 1
        self.prepared.release()
        raise OSError

    async def close(self) -> None:
        pass


def address(_request: web.Request) -> str:
    return "192.0.2.1"


async def test_forms_displayed_at_the_same_time_prepare_the_worker_once() -> None:
    worker = Counting()
    visitors = Visitors(AddressSlots(), worker, address)
    for _ in range(3):
        visitors.expect()
    assert worker.times == 0
    await worker.prepared.acquire()
    visitors.expect()
    await visitors.close()
    assert worker.times == 1


async def test_without_a_visitor_nothing_is_prepared() -> None:
    worker = Counting()
    await Visitors(AddressSlots(), worker, address).close()
    assert worker.times == 0
