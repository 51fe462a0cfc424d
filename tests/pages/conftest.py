from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.pages.site import PageHarness, opened


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[PageHarness]:
    async with opened(tmp_path) as site:
        yield site
