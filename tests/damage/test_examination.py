"""The examination beside a running gateway: a child process finds damage that no start and no query has found."""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import orjson
import pytest

from demo.client import ClientError
from gateway.bootstrap.files import local_copies
from gateway.log.sqlite.examination import NICENESS, Examination
from gateway.runtime.checked_file import marker, report_damage, reported_damage
from tests.damage.decay import decaying
from tests.damage.populated import PUBLISHER, Populated, offer, populate
from tests.damage.test_running import DEADLINE, answered, change, ready

pytestmark = pytest.mark.slow

_PARENT = """
import asyncio, sys
from pathlib import Path
from gateway.bootstrap.files import local_copies
from gateway.log.sqlite.examination import Examination

async def run():
    examination = Examination(lambda: local_copies(Path(sys.argv[1])), None, ready=lambda: True, after=0.0)
    running = asyncio.create_task(examination.run())
    while examination.child is None:
        await asyncio.sleep(0.01)
    print(examination.child, flush=True)
    await running

asyncio.run(run())
"""


@pytest.fixture
async def populated(tmp_path: Path) -> Populated:
    return await populate(tmp_path / "data", killed=False)


@asynccontextmanager
async def examining(folder: Path) -> AsyncIterator[None]:
    """An examination of the folder that has ended."""
    examination = Examination(lambda: local_copies(folder), folder / "log.sqlite", ready=lambda: True, after=0.0)
    running = asyncio.create_task(examination.run())
    async with asyncio.timeout(60):
        for begun in (True, False):
            while (examination.child is not None) != begun:  # of another process
                await asyncio.sleep(0.01)
    yield
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_whole_files_are_left_alone(populated: Populated) -> None:
    async with examining(populated.folder):
        assert [] == list(populated.folder.rglob("*.damaged"))


async def test_damage_at_rest_in_the_log_a_view_or_a_table_of_the_relay_is_reported(populated: Populated) -> None:
    log, view = populated.folder / "log.sqlite", populated.folder / "views/offers.sqlite"
    table = next((populated.folder / "relay").glob("relay-?.sqlite"))
    with closing(sqlite3.connect(log)) as db:
        (number,) = db.execute("SELECT id FROM stream WHERE topic = 'offers' AND partition = 0").fetchone()
    with decaying(log), decaying(view), decaying(table):
        change(log, f"UPDATE record_{number} SET at = at + 1")
        change(view, "UPDATE offers SET value = CAST(replace(CAST(value AS TEXT), 'D', 'R') AS BLOB)")
        change(table, "UPDATE known SET revision = revision + 1")
    async with examining(populated.folder):
        assert {marker(path) for path in (log, view, table)} == set(populated.folder.rglob("*.damaged"))
        assert "checksum" in (reported_damage(log) or "")


@pytest.mark.parametrize("workers", [0, 1])
async def test_a_log_that_is_reported_damaged_is_neither_ready_nor_written(populated: Populated, workers: int) -> None:
    async with populated.opened(workers=workers) as (gateway, clients):
        await answered(clients)
        report_damage(populated.folder / "log.sqlite", "a byte")
        clients[PUBLISHER].patience = 0.0

        async def publish_until_refused() -> None:
            async with asyncio.timeout(DEADLINE):
                while True:  # every process looks for the report each second
                    await clients[PUBLISHER].call("PUT", f"/v1/offers/{PUBLISHER}:d99", body=orjson.dumps(offer(99)))

        with pytest.raises(ClientError, match="HTTP 503"):
            await publish_until_refused()
        async with asyncio.timeout(DEADLINE):
            while "log" not in (await ready(gateway.management_url))["missing"]:
                await asyncio.sleep(0.1)
        assert [] != (await answered(clients))["offers"]  # the views are whole


async def test_copies_that_are_reported_damaged_are_rebuilt(populated: Populated) -> None:
    """A view, and the tables of the relay, which decides by them."""
    paths = [populated.folder / "views/offers.sqlite", *(populated.folder / "relay").glob("relay-?.sqlite")]
    async with populated.opened() as (_, clients):
        await answered(clients)
        before = [path.open("rb") for path in paths]
        for path in paths:
            report_damage(path, "a byte")
        async with asyncio.timeout(DEADLINE):
            while [0] * len(paths) != [os.fstat(file.fileno()).st_nlink for file in before]:
                for number in range(30):  # an offer for each partition
                    body = orjson.dumps(offer(number, revision=1))
                    await clients[PUBLISHER].call(
                        "PUT", f"/v1/offers/{PUBLISHER}:d{number}", body=body, headers={"Prefer": "wait=30"}
                    )
        assert populated.answers["offers"] == (await answered(clients))["offers"]
        for file in before:
            file.close()


async def test_the_child_has_the_lowest_priority_and_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    copy = tmp_path / "views/offers.sqlite"
    copy.parent.mkdir()
    with closing(sqlite3.connect(copy, isolation_level=None)) as busy:
        busy.execute("CREATE TABLE meta (name, value)")
        busy.execute("BEGIN EXCLUSIVE")  # the child waits for it
        parent = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _PARENT, tmp_path), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        assert parent.stdout is not None
        assert parent.stderr is not None
        child = int(await parent.stdout.readline())
        assert NICENESS == os.getpriority(os.PRIO_PROCESS, child)
        parent.send_signal(signal.SIGKILL)
        await parent.wait()
        assert b"" == await parent.stderr.read()  # until the child has closed it, without a word
