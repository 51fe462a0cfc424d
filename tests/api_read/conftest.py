from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api_read.house import House


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with House.open(tmp_path) as house:
        yield house
