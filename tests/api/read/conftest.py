from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.read.read_api import ReadApi


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ReadApi]:
    async with ReadApi.open(tmp_path) as api:
        yield api
