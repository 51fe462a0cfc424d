"""Connections taken in turn, by processes that listen on one socket."""

import asyncio
import socket

import structlog
from aiohttp import web

from gateway.runtime.listening import place

_NEXT_SECONDS = 0.001
_AGAIN_SECONDS = 1.0

_log = structlog.get_logger()


class TurnSite(web.BaseSite):
    """Takes one connection and lets the other processes have the next: an event loop's own server takes all that wait,
    and then one worker may answer every partner while another sleeps. The socket must be listening already.
    """

    def __init__(self, runner: web.AppRunner, listening: socket.socket) -> None:
        super().__init__(runner)
        self._listening = listening
        self._task: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """Where it listens."""
        host, port = self._listening.getsockname()[:2]
        return f"http://{place(host, port)}"

    async def start(self) -> None:
        """Begin to take connections."""
        await super().start()
        self._listening.setblocking(False)
        self._task = asyncio.create_task(self._take_all())

    async def stop(self) -> None:
        """Take no more, and leave those that wait to the other processes."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._listening.close()
        await super().stop()

    async def _take_all(self) -> None:
        while True:
            try:
                await self._take()
                await asyncio.sleep(_NEXT_SECONDS)
            except ConnectionError:
                continue  # the client has gone again
            except Exception as error:  # noqa: BLE001  # no more descriptors or memory; whatever it is, others must get in
                _log.warning("gateway.connection_not_taken", reason=str(error))
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _take(self) -> None:
        loop = asyncio.get_running_loop()
        connection, _ = await loop.sock_accept(self._listening)
        server = self._runner.server
        assert server is not None  # noqa: S101  # ``start`` has seen to it
        try:
            await loop.connect_accepted_socket(server, connection)
        except BaseException:
            connection.close()
            raise
