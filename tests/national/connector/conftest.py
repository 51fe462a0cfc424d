"""Harnesses of the national connector, closed at the end of each test."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from adapters.national.mapping.deliverability import DeliveryTerms
from demo.national_site.simulator import NationalSimulator
from demo.process import FastTime
from gateway.log.port import EventLog
from gateway.partners import Partners
from gateway.protocol.topic import COMMON
from tests.memory_log import MemoryLog
from tests.national.connector.harness import MARCH, PASSWORD, ConnectorHarness, accounts_at

Make = Callable[..., Awaitable[ConnectorHarness]]


@pytest.fixture
async def make_harness(tmp_path: Path) -> AsyncIterator[Make]:
    """Makes a harness; all are closed at the end."""
    async with AsyncExitStack() as stack:

        async def make(
            log: EventLog | None = None,
            *,
            speed: float = 600.0,
            start: int = MARCH,
            names: Mapping[str, list[str]] | None = None,
            rights: Mapping[str, Any] | None = None,
            platforms: tuple[str, ...] = ("bretagne",),
            v1: str | None = None,
            **terms: DeliveryTerms,
        ) -> ConnectorHarness:
            time = FastTime(speed, start=start)
            if log is None:
                log = MemoryLog(clock=time.clock)
                stack.push_async_callback(log.close)
            await log.create_topics(COMMON)
            simulator = await stack.enter_async_context(NationalSimulator(clock=time.clock))
            names = names or {"shared": ["*"]}
            operators = {
                name: simulator.add_operator(f"{name}@example.org", PASSWORD, v1_token=v1, **(rights or {}))
                for name in names
            }
            partners = Partners(log)
            stack.push_async_callback(partners.close)
            harness = ConnectorHarness(
                log=log,
                folder=tmp_path,
                time=time,
                simulator=simulator,
                operators=operators,
                accounts=accounts_at(simulator.url, names=names, v1=v1, **terms),
                partners=partners,
            )
            stack.push_async_callback(harness.stop)
            for platform in platforms:
                await harness.save(platform)
            return harness

        yield make
