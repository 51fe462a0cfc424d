"""The embedded log in its file, for the tests of it alone."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.log.sqlite import SqliteLog
from tests.log.contract.log_fixture import DEADLINE, TOPICS, opened_log


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a log."""
    return tmp_path / "log.sqlite"


@pytest.fixture
async def log(path: Path) -> AsyncIterator[SqliteLog]:
    """A log that has its topics."""
    async with opened_log(SqliteLog.open(path, patience=DEADLINE), TOPICS) as log:
        yield log
