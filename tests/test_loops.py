"""A connection that arrives as a server of a test stops fails no later test."""

import asyncio
import gc
import socket
import sys

import pytest
from aiohttp import web


async def stop_as_a_client_comes(rounds: int) -> socket.socket:
    runner = web.AppRunner(web.Application(), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    client = socket.create_connection(runner.addresses[0])  # before the loop's next turn
    for _ in range(rounds):
        await asyncio.sleep(0)
    await runner.cleanup()
    return client


@pytest.mark.parametrize("rounds", range(5))
def test_what_a_server_accepts_as_it_stops_is_closed(rounds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda one: left.append(one.exc_value))
    with asyncio.run(stop_as_a_client_comes(rounds)):
        gc.collect()
    assert [] == left
