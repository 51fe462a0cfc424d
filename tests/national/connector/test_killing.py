"""Kill -9 while hundreds of offers are delivered: at the site each exists once, and withdrawn ones are gone."""

import asyncio
import sys
from asyncio.subprocess import Process
from pathlib import Path

import pytest

from gateway.log.sqlite import SqliteLog
from tests.national.connector.conftest import Make
from tests.national.connector.harness import ConnectorHarness, document

pytestmark = pytest.mark.slow

COUNT = 500


async def test_a_connector_that_is_killed_again_and_again_loses_and_doubles_nothing(
    make_harness: Make, tmp_path: Path
) -> None:
    log = await SqliteLog.open(tmp_path / "log.sqlite", partitions=3)
    try:
        harness = await make_harness(log, speed=1_200.0)
        ids = [f"bretagne:{number}" for number in range(COUNT)]
        await harness.publish(*(document(one) for one in ids))
        for seen in (50, 150, 250):
            await killed_after(harness, tmp_path, seen)
        gone, back = ids[:40], ids[20:40]
        await harness.withdraw(*gone)
        await killed_after(harness, tmp_path, 300)
        await harness.publish(*(document(one, revision=3, title="De retour") for one in back))
        process = await started(harness, tmp_path)
        try:
            await harness.until_states(
                dict.fromkeys(ids, "delivered") | dict.fromkeys(set(gone) - set(back), "withdrawn"), seconds=100
            )
        finally:
            process.kill()
            await process.wait()
        titles = harness.live()
        assert COUNT - len(gone) + len(back) == len(titles)
        assert len(back) == sum(title == "De retour" for title in titles.values())
        names = {name.partition("~")[0] for name in titles}
        assert set(ids) - (set(gone) - set(back)) == names
        await harness.partners.close()
    finally:
        await log.close()


async def started(harness: ConnectorHarness, folder: Path) -> Process:
    time = harness.time
    arguments = [str(folder), harness.simulator.url, *time.words()]
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.national.connector.process", *arguments, stdout=asyncio.subprocess.DEVNULL
    )


async def killed_after(harness: ConnectorHarness, folder: Path, count: int) -> None:
    """Run a connector until this many writes have been answered, then kill it."""
    process = await started(harness, folder)
    try:
        async with asyncio.timeout(60):
            while sum(map(harness.calls, ("POST", "PATCH", "DELETE"))) < count:
                assert process.returncode is None
                await asyncio.sleep(0.01)
    finally:
        process.kill()
        await process.wait()
