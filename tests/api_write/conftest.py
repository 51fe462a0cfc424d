from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api_write.gate import Gate, opened


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    async with opened(tmp_path) as gate:
        yield gate
