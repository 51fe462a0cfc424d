"""A copy is compared with the gateway's by digests, and mended."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from passerelle_client import Connection, SqliteStore, compare, follow
from passerelle_client.equal import canonical
from tests.clients.python.servers import SEEDS, MockServer, mocked

ALL = {"territory": "all"}
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(VALUES)
def test_json_has_the_form_of_rfc_8785(value: Any) -> None:
    assert rfc8785.dumps(value) == canonical(value).encode()


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    with mocked() as server:
        yield server


@pytest.fixture
def connection(mock: MockServer) -> Connection:
    return mock.connection("occitanie")


DIVERGENCES: dict[str, tuple[str, list[str]]] = {
    "nothing": ("UPDATE passerelle_offers SET changed_at = 1", []),
    "missing": ("DELETE FROM passerelle_offers WHERE id = 'normandie:7'", ["normandie:7"]),
    "removed": ("UPDATE passerelle_offers SET offer = NULL WHERE id = 'normandie:7'", ["normandie:7"]),
    "extra": (
        """INSERT INTO passerelle_offers SELECT 'normandie:x', sequence, generation, 1, offer, change
        FROM passerelle_offers WHERE id = 'normandie:8'""",
        ["normandie:x"],
    ),
    "stale": ("UPDATE passerelle_offers SET sequence = sequence - 1 WHERE id = 'normandie:9'", ["normandie:9"]),
    "corrupt": (
        "UPDATE passerelle_offers SET offer = replace(offer, 'atelier', 'Atelier') WHERE id = 'normandie:11'",
        ["normandie:11"],
    ),
    "all": ("DELETE FROM passerelle_offers", [f"normandie:{number}" for number in range(1, SEEDS + 1)]),
}


@pytest.mark.parametrize("kind", DIVERGENCES)
def test_each_difference_is_named_and_mended(connection: Connection, kind: str, tmp_path: Path) -> None:
    """DIG-001 to DIG-004: missing, extra, stale, corrupt."""
    statement, expected = DIVERGENCES[kind]
    path = tmp_path / "offers.db"
    with closing(sqlite3.connect(path)) as database:
        store = SqliteStore(database)
        follow(connection, store, filters=ALL, once=True)
        with database:
            database.execute(statement)
        assert sorted(expected) == sorted(compare(connection, store, filters=ALL))
        assert [] == compare(connection, store, filters=ALL)
        assert SEEDS == store.live()


def test_an_equal_copy_costs_one_request_beyond_the_feed() -> None:
    with mocked() as mock, closing(sqlite3.connect(":memory:")) as database:
        assert [] == compare(mock.connection("occitanie"), SqliteStore(database), filters=ALL)
        assert 1 == len(mock.requests("GET", "/v1/changes/digest"))
