"""One worker process: serves the API from views that the main process updates. Started by ``workers`` only."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from typing import Any

import orjson

import schemas
from gateway.api.management import build_management
from gateway.bootstrap.logs import configure_logs, watch_loop
from gateway.bootstrap.parts import ViewTypes, build_parts, first_to_end, start
from gateway.bootstrap.serving import FairAcceptSite, build_api, listen, serve
from gateway.oauth import jws
from gateway.runtime.listening import format_endpoint
from gateway.runtime.loop import bound_collections, readable, run
from gateway.settings import Settings
from gateway.store import FollowedDeliveries, FollowedOffers, FollowedReceipts, FollowedRuns

_LISTEN_SECONDS = 20.0
_FOLLOWED = ViewTypes(
    offers=FollowedOffers, receipts=FollowedReceipts, deliveries=FollowedDeliveries, runs=FollowedRuns
)


async def answer(order: Mapping[str, Any]) -> None:
    """Serve on the inherited socket until the main process requests a stop, or a part of this process fails."""
    settings = Settings.from_env(order["environ"])
    configure_logs(settings.log_level)
    watch_loop()
    async with AsyncExitStack() as stack:
        parts = await build_parts(settings, stack, views=_FOLLOWED)
        tasks = start(parts.running(), stack)
        await asyncio.to_thread(schemas.preload)
        jws.preload()

        def conditions() -> Mapping[str, bool]:
            caught_up = {f"view of {topic}": view.caught_up for topic, view in parts.views.items()}
            return {**parts.conditions(), **caught_up}

        management_socket = await listen(
            stack, settings.management_host, settings.management_port, patience=_LISTEN_SECONDS
        )
        await serve(stack, build_management(parts.metrics, conditions), management_socket)
        await serve(stack, build_api(parts, order["url"]), socket.socket(fileno=order["socket"]), site=FairAcceptSite)
        bound_collections()
        with suppress(BrokenPipeError):  # the main process has ended: standard input is closed too
            os.write(
                order["says"], format_endpoint(settings.management_host, management_socket.getsockname()[1]).encode()
            )
        os.close(order["says"])
        stopping = asyncio.ensure_future(readable(sys.stdin.fileno()))
        waits = [asyncio.ensure_future(first_to_end(tasks)), stopping]
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        for wait in done:
            await wait
        if stopping in done and not sys.stdin.buffer.read(1):
            os._exit(1)  # the gateway was killed: its next start needs the ports


def main() -> None:
    """Read the start order from standard input, then serve.

    Ignores SIGINT: Ctrl-C reaches all processes of a terminal, and the main process coordinates the shutdown.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    order = sys.stdin.buffer.readline()
    if order:  # else the main process ended before it sent the order
        run(answer(orjson.loads(order)))


if __name__ == "__main__":
    main()
