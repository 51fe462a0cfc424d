from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.write.gateway_harness import GatewayHarness, opened


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[GatewayHarness]:
    async with opened(tmp_path) as gateway:
        yield gateway
