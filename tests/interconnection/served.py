"""``passerelle serve``, but for one thing: the time that the connector to the national site lives in runs faster.

``python -m tests.interconnection.served ACCOUNTS SPEED START ORIGIN``, a process of its own that a test can kill.
"""

import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from adapters.national.accounts import read_accounts
from adapters.national.connector_open import open_connector
from adapters.national.outbox_patience import Timing
from adapters.national.simulator_time import FastTime
from gateway import clock
from gateway.bootstrap import open_log, running
from gateway.bootstrap.task import first_to_end, start
from gateway.keys import load_secret
from gateway.loop import run
from gateway.partners import Partners
from gateway.protocol.receipt import ReceiptIds
from gateway.settings import Settings
from gateway.submissions import Submissions


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
        await first_to_end(tasks)


if __name__ == "__main__":
    path, speed, begin, origin = sys.argv[1:]
    run(serve(Path(path), FastTime(float(speed), start=int(begin), origin=float(origin))))
