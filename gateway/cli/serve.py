"""``passerelle serve``: run the gateway until SIGINT or SIGTERM, or until a part of it fails."""

import asyncio
import signal
from collections.abc import Sequence

from rich.text import Text

from gateway.bootstrap.forked import fork_workers
from gateway.bootstrap.gateway import running
from gateway.bootstrap.workers import WorkerProcess
from gateway.cli.console import ERR
from gateway.cli.operator_context import command_errors, refuse_root, settings_here
from gateway.runtime.loop import bound_collections, run, yield_processor
from gateway.settings import Settings


def serve() -> None:
    """Start the gateway: on the embedded log in .data, or on Kafka where PASSERELLE_KAFKA names a broker.

    Settings are environment variables, all of them in docs/install.md. Ctrl-C or SIGTERM stops it in order.
    """
    settings = settings_here()
    refuse_root(settings)
    run(_serve(settings, fork_workers(settings.workers)))


async def _serve(settings: Settings, workers: Sequence[WorkerProcess]) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    with command_errors():
        async with running(settings, workers) as gateway:
            bound_collections()
            if settings.workers and settings.kafka:  # with SQLite, workers wait for this process's commits
                yield_processor()
            if ERR.is_terminal:
                rest = f", management on {gateway.management_url}. Ctrl-C stops it."
                ERR.print(Text.assemble("Listening on ", (gateway.url, "bold"), rest))
                ERR.print("Next, in another terminal: passerelle partner add SLUG; then passerelle doctor")
            waits = [asyncio.ensure_future(gateway.finished()), asyncio.ensure_future(stopping.wait())]
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            for wait in done:
                await wait
