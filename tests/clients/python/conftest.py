"""Databases for copies: SQLite, and PostgreSQL where its server is."""

import itertools
from collections.abc import Iterator

import psycopg
import pytest

from tests.clients.python import postgres

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A server of the session. Mark tests that use it ``postgresql``."""
    with postgres.server() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """An empty database."""
    name = f"copy{next(_NUMBERS)}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return postgres_server.replace("/postgres?", f"/{name}?")
