"""A simulated national site with one partner account, and a client of it; their time advances only by sleeping."""

from collections.abc import AsyncIterator

import pytest

from adapters.national.site.accounts import Account
from adapters.national.site.client import HttpSite
from adapters.national.site.timing import Rate
from demo.national_site.simulator import NationalSimulator
from demo.national_site.stock import Operator
from tests.national.site.harness import EMAIL, NOW, OLD_TOKEN, PASSWORD
from tests.national.site.server import SteppedTime


@pytest.fixture
def time() -> SteppedTime:
    return SteppedTime(NOW)


@pytest.fixture
async def simulator(time: SteppedTime) -> AsyncIterator[NationalSimulator]:
    async with NationalSimulator(clock=time.clock) as simulator:
        yield simulator


@pytest.fixture
def operator(simulator: NationalSimulator) -> Operator:
    return simulator.add_operator(EMAIL, PASSWORD, v1_token=OLD_TOKEN, full_access=True)


@pytest.fixture
def account(simulator: NationalSimulator, operator: Operator) -> Account:
    return Account(name="gateway", url=simulator.url, email=operator.email, password=PASSWORD, v1_token=OLD_TOKEN)


@pytest.fixture
async def site(account: Account, time: SteppedTime) -> AsyncIterator[HttpSite]:
    rate = Rate(clock=time.clock, sleep=time.sleep)
    async with HttpSite(account, rate=rate, clock=time.clock, connect_seconds=5, answer_seconds=5) as site:
        yield site
