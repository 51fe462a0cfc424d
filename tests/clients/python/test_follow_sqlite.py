"""A copy in SQLite."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from passerelle_client import SqliteStore, Store
from tests.clients.python.follow_contract import FollowContract


class TestSqlite(FollowContract):
    @pytest.fixture
    def opened(self, tmp_path: Path) -> Iterator[Callable[..., Store]]:
        with ExitStack() as stack:

            def open_one(**options: Any) -> Store:
                database = sqlite3.connect(tmp_path / "offers.db", timeout=60, check_same_thread=False)
                return SqliteStore(stack.enter_context(closing(database)), **options)

            yield open_one
