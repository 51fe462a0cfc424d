"""A copy in PostgreSQL's real server."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest

from passerelle_client import PostgresStore, Store
from tests.clients.python.follow_contract import FollowContract

pytestmark = pytest.mark.postgresql


class TestPostgresql(FollowContract):
    @pytest.fixture
    def opened(self, postgres_url: str) -> Iterator[Callable[..., Store]]:
        with ExitStack() as stack:

            def open_one(**options: Any) -> Store:
                return PostgresStore(stack.enter_context(psycopg.connect(postgres_url, autocommit=True)), **options)

            yield open_one
