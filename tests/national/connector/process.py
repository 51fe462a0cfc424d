"""A connector in a process of its own, so that a test can kill it."""

import asyncio
import sys
from pathlib import Path

from adapters.national.connector.connector import open_connector
from adapters.national.site.timing import Timing
from demo.process import FastTime
from gateway.ingest.submissions import Submissions
from gateway.log.sqlite import SqliteLog
from gateway.partners import Partners
from tests.national.connector.harness import IDS, accounts_at


async def work(folder: Path, url: str, time: FastTime) -> None:
    log = await SqliteLog.open(folder / "log.sqlite", partitions=3)
    partners = Partners(log)
    await partners.catch_up()
    async with open_connector(
        log,
        accounts_at(url, names={"shared": ["*"]}),
        partners=partners,
        submissions=Submissions(log, ids=IDS, clock=time.clock),
        ids=IDS,
        folder=folder / "national",
        timing=Timing(time.clock, time.sleep),
    ) as connector:
        await connector.run()


if __name__ == "__main__":
    path, address, *time = sys.argv[1:]
    asyncio.run(work(Path(path), address, FastTime.from_words(*time)))
