"""Gateway process of the demo: ``passerelle serve`` with the clock of the simulated national site.

``python -m demo.gateway_main ACCOUNTS SPEED START ORIGIN FAST_FOR LATER``, with its settings in the
environment. The connector uses the clock of the simulated site, which is faster than the wall clock: 100 calls a minute
then take no hours. The process ends when its standard input is closed, so that none outlives the demo.
"""

import asyncio
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from adapters.national.connector.connector import open_connector
from adapters.national.site.accounts import read_accounts
from adapters.national.site.timing import Timing
from demo.process import FastTime
from gateway import clock
from gateway.bootstrap.gateway import running
from gateway.bootstrap.log import open_log
from gateway.ingest.submissions import Submissions
from gateway.log.tasks import raise_first_end, start_tasks
from gateway.partners import Partners
from gateway.protocol.seal import ReceiptIds
from gateway.runtime.keys import load_secret
from gateway.runtime.loop import readable, run
from gateway.settings import Settings


async def serve(accounts: Path, time: FastTime) -> None:
    """Run a gateway without accounts at the national site, and its connector beside it with ``time`` as clock."""
    settings = Settings.from_env(os.environ)
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(running(settings))
        log = await stack.enter_async_context(open_log(settings))
        partners = Partners(log)
        await partners.catch_up()
        stack.push_async_callback(partners.close)
        ids = ReceiptIds(load_secret(settings.secret, folder=settings.data))
        connector = await stack.enter_async_context(
            open_connector(
                log,
                read_accounts(accounts, os.environ),
                partners=partners,
                submissions=Submissions(log, ids=ids, clock=clock.now),
                ids=ids,
                folder=settings.data / "national",
                timing=Timing(time.clock, time.sleep),
            )
        )
        tasks = start_tasks({"national": connector.run, "partners": partners.run, "gateway": gateway.finished}, stack)
        # Standard input never has data: it becomes readable when it is closed.
        ends = [asyncio.ensure_future(raise_first_end(tasks)), asyncio.ensure_future(readable(sys.stdin.fileno()))]
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        for end in done:
            await end


def main() -> None:
    """Serve with the command line's arguments."""
    path, *words = sys.argv[1:]
    run(serve(Path(path), FastTime.from_words(*words)))


if __name__ == "__main__":
    main()
