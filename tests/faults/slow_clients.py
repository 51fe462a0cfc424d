"""Two hundred slow clients: trickling uploads and unread answers, beside the usual load."""

import asyncio
from contextlib import suppress
from statistics import median
from urllib.parse import urlsplit

from tests.faults.deployment import SUBSCRIBER
from tests.faults.round import Fault, Round

SLOW_CLIENTS = 200
_SECONDS = 6.0
_USUAL_MEDIAN = 1.0
_TIMES_CALM = 4.0
"""A request may take this multiple of its time in the calm before, where a slow machine exceeds the usual limit."""
_LOOKS = 3
"""Slow clients that starve others do so all the time; other work of the machine passes."""
_MAX_MEDIAN = 4.0
"""Less than the five seconds that publishers wait for a decision which does not come."""


async def _slow_clients(round_: Round) -> None:
    """The others must still be served."""
    calm = await _median_over(round_, _SECONDS / 2)
    token = await round_.token(SUBSCRIBER)
    address = urlsplit(round_.deployment.urls[0])
    clients = [
        asyncio.create_task(_trickle(address.port or 0, token) if number % 2 else _ignore(address.port or 0, token))
        for number in range(SLOW_CLIENTS)
    ]
    beside, limit = None, min(_MAX_MEDIAN, max(_USUAL_MEDIAN, _TIMES_CALM * (calm or 0.0)))
    for _ in range(_LOOKS):
        beside = await _median_over(round_, _SECONDS)
        if beside is not None and beside <= limit:
            break
    for client in clients:
        client.cancel()
    await asyncio.gather(*clients, return_exceptions=True)
    if beside is None or calm is None or beside > limit:
        round_.find(f"beside {SLOW_CLIENTS} slow clients a request took {beside} s, and {calm} s before")


async def _median_over(round_: Round, seconds: float) -> float | None:
    """Median duration of the requests answered in the next seconds; None without any."""
    before = len(round_.history.attempts)
    await asyncio.sleep(seconds)
    taken = [one.answered_at - one.sent_at for one in round_.history.attempts[before:]]
    return median(taken) if taken else None


async def _trickle(port: int, token: str) -> None:
    """A body of 50,000 bytes, one byte at a time."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    with suppress(OSError):
        try:
            head = f"PUT /v1/offers/{SUBSCRIBER}:slow HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {token}\r\n"
            writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 50000\r\n\r\n".encode())
            while True:
                writer.write(b"{")
                await writer.drain()
                await asyncio.sleep(0.2)
        finally:
            writer.close()


async def _ignore(port: int, token: str) -> None:
    """Long answers that are requested and never read, with the smallest receive buffer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
    with suppress(OSError):
        try:
            ask = f"GET /v1/changes?territory=all&limit=1000 HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {token}"
            writer.write(f"{ask}\r\n\r\n".encode() * 20)
            await writer.drain()
            while True:
                await asyncio.sleep(1)
                await reader.read(1)
        finally:
            writer.close()


SLOW_CLIENTS_FAULT = Fault(f"{SLOW_CLIENTS} slow clients", _slow_clients)
