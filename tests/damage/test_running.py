"""A gateway that meets damage while it runs: not ready, never altered content, and repaired where possible."""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from demo.client import ClientError
from gateway.errors import LogDamagedError
from gateway.protocol.topic import SUBMISSIONS
from tests.damage.populated import PUBLISHER, AnswerError, Populated, ask, offer, populate

pytestmark = pytest.mark.smoke

DEADLINE = 60.0


@pytest.fixture
async def populated(tmp_path: Path) -> Populated:
    return await populate(tmp_path / "data", killed=False)


def change(path: Path, *statements: str) -> None:
    """A row that SQLite accepts and that the gateway did not write."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        for statement in statements:
            other.execute(statement)


async def ready(url: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/readyz") as response:
        body: dict[str, Any] = orjson.loads(await response.read())
        return body


async def test_a_log_that_is_damaged_while_it_runs_is_never_ready_again(populated: Populated) -> None:
    log = populated.folder / "log.sqlite"
    async with populated.opened() as (gateway, clients):
        assert populated.answers == await answered(clients)
        change(log, "DROP TRIGGER unchecked", f"UPDATE stream SET next = next + 4 WHERE topic = '{SUBMISSIONS}'")
        document = orjson.dumps(offer(99))
        clients[PUBLISHER].patience = 0.0
        with pytest.raises(ClientError, match="HTTP 503"):
            await clients[PUBLISHER].call("PUT", f"/v1/offers/{PUBLISHER}:d99", body=document)
        assert "log" in (await ready(gateway.management_url))["missing"]
        assert populated.answers == await answered(clients)  # the views are whole
    with pytest.raises(LogDamagedError, match=f"{log} is damaged .* restore it from a backup"):
        async with populated.opened():
            pass


@pytest.mark.parametrize("workers", [0, 1])
async def test_a_view_that_is_damaged_while_it_runs_is_rebuilt(populated: Populated, workers: int) -> None:
    async with populated.opened(workers=workers) as (_, clients):
        assert populated.answers == await answered(clients)
        path = populated.folder / "views/offers.sqlite"
        with path.open("rb") as file:
            change(
                path, "UPDATE offers SET value = CAST(replace(CAST(value AS TEXT), 'Découverte', 'Recouverte') AS BLOB)"
            )
            assert populated.answers == await answered(clients)
            assert 0 == os.fstat(file.fileno()).st_nlink  # another file has its name
        assert populated.answers == await answered(clients)


async def test_relay_state_that_is_damaged_while_it_runs_revives_nothing(populated: Populated) -> None:
    """Withdrawn offers stay withdrawn, though the damaged table has none."""
    async with populated.opened() as (_, clients):
        assert populated.answers == await answered(clients)
        for path in (populated.folder / "relay").glob("relay-?.sqlite"):
            change(path, "UPDATE known SET reason = NULL, revision = 1")
        publisher = clients[PUBLISHER]
        body = orjson.dumps(offer(1, revision=2))
        async with asyncio.timeout(DEADLINE):
            answer = await publisher.call("PUT", f"/v1/offers/{PUBLISHER}:d1", body=body, headers={"Prefer": "wait=30"})
        assert "stale" == answer.body["verdict"]
        assert 410 == (await publisher.call("GET", f"/v1/offers/{PUBLISHER}:d1")).status


async def answered(clients: Any) -> dict[str, Any]:
    """The answers, once nothing is being rebuilt."""
    async with asyncio.timeout(DEADLINE):
        while True:
            try:
                return await ask(clients)
            except AnswerError as error:
                if error.status != 503:
                    raise
                await asyncio.sleep(0.05)
