"""A gateway for all tests of a module."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from conformance.target.setup import Setup
from tests.conformance.gateway_fixture import running_gateway


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def right(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Setup]:
    async with running_gateway(tmp_path_factory.mktemp("gateway")) as setup:
        yield setup
