"""A gateway in a process of its own, so that it can be killed: ``passerelle serve``, but for the national site's time.

``python -m gateway.demo.served ACCOUNTS SPEED START ORIGIN``, its settings in the environment. The connector lives in
the time of the simulated site, which runs faster than the wall's, so that its 100 calls a minute do not take hours. It
ends when its standard input is closed: nothing is left when the demo is gone.
"""

import asyncio
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from adapters.national.connector.factory import open_connector
from adapters.national.site.accounts import read_accounts
from adapters.national.site.retry import Timing
from gateway import clock
from gateway.bootstrap import open_log, running
from gateway.bootstrap.task import first_to_end, start
from gateway.demo.national_site.time import FastTime
from gateway.ingest.submissions import Submissions
from gateway.partners import Partners
from gateway.protocol.receipt import ReceiptIds
from gateway.runtime.keys import load_secret
from gateway.runtime.loop import readable, run
from gateway.settings import Settings


async def serve(accounts: Path, time: FastTime) -> None:
    """A gateway without accounts at the national site, and beside it the connector as the gateway would open it."""
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
        tasks = start({"national": connector.run, "partners": partners.run, "gateway": gateway.finished}, stack)
        # Nothing is ever written to standard input: it is readable once it is closed.
        ends = [asyncio.ensure_future(first_to_end(tasks)), asyncio.ensure_future(readable(sys.stdin.fileno()))]
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        for end in done:
            await end


def main() -> None:
    """Serve as the arguments say."""
    path, speed, begin, origin = sys.argv[1:]
    run(serve(Path(path), FastTime(float(speed), start=int(begin), origin=float(origin))))


if __name__ == "__main__":
    main()
