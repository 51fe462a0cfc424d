"""One worker: answers the API from views that the gateway's own process keeps. Only ``workers`` starts it."""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import orjson

import schemas
from gateway.api.management import build_management
from gateway.bootstrap.logs import configure_logs
from gateway.bootstrap.parts import build_parts
from gateway.bootstrap.serving import build_api, listen, serve
from gateway.bootstrap.task import first_to_end, start
from gateway.loop import run
from gateway.partners import Partners
from gateway.ports import EventLog
from gateway.settings import Settings
from gateway.views import FollowedDeliveries, FollowedOffers, FollowedReceipts, FollowedRuns


async def answer(order: Mapping[str, Any]) -> None:
    """Answer on the socket of the order until standard input is closed, or a part of this process fails."""
    settings = Settings.from_env(order["environ"])
    configure_logs(settings.log_level)
    async with AsyncExitStack() as stack:
        parts = await build_parts(
            settings,
            stack,
            offers=FollowedOffers,
            receipts=FollowedReceipts,
            deliveries=FollowedDeliveries,
            runs=FollowedRuns,
            ready=_known_good,
        )
        tasks = start(parts.running(), stack)
        await asyncio.to_thread(schemas.validator, "offer")

        def conditions() -> Mapping[str, bool]:
            views = {"view of offers": parts.offers.caught_up, "view of receipts": parts.receipts.caught_up}
            return {**parts.conditions(), **views}

        management_socket = listen(stack, settings.management_host, settings.management_port)
        await serve(stack, build_management(parts.metrics, conditions), management_socket)
        await serve(stack, build_api(parts, order["url"]), socket.socket(fileno=order["socket"]))
        gc.freeze()
        gc.set_threshold(20_000, 50, 100)
        os.write(order["says"], b"1")
        os.close(order["says"])
        waits = [asyncio.ensure_future(first_to_end(tasks)), asyncio.ensure_future(_input_closed())]
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        for wait in done:
            await wait


async def _known_good(log: EventLog, partners: Partners) -> None:
    """The gateway's own process has checked the topics before it started this one."""


async def _input_closed() -> None:
    closed = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), closed.set)  # nothing more is ever written there
    try:
        await closed.wait()
    finally:
        loop.remove_reader(sys.stdin.fileno())


def main() -> None:
    """Read the order, then answer. Ctrl-C reaches a whole terminal: the gateway's own process decides what it means."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    run(answer(orjson.loads(sys.stdin.buffer.readline())))


if __name__ == "__main__":
    main()
