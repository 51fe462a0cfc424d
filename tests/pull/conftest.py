"""The platform of most tests of pulls: bretagne, with its simulated feed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.pull.pull_harness import PullHarness, pull_harness


@pytest.fixture
async def bretagne(tmp_path: Path) -> AsyncIterator[PullHarness]:
    async with pull_harness(tmp_path) as here:
        yield here


@pytest.fixture
async def followed(tmp_path: Path) -> AsyncIterator[PullHarness]:
    """The platform with two offers, whose partners are followed as a gateway follows them."""
    async with pull_harness(tmp_path) as here:
        here.offers(1, 2)
        following = asyncio.create_task(here.means.partners.run())
        try:
            yield here
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
