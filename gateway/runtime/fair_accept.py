"""Accepting connections so that several processes that share a socket serve about as many each."""

import asyncio
import socket

import structlog
from aiohttp import web

from gateway.runtime.listening import format_endpoint
from gateway.runtime.loop import stop

_PAUSE_SECONDS = 0.001
_RETRY_SECONDS = 1.0

_log = structlog.get_logger()


class FairAcceptSite(web.BaseSite):
    """Accepts one connection at a time and pauses, so that other processes accept the next. An event loop's own server
    accepts the whole backlog, so that one worker may serve every partner while another is idle. The socket must
    already be listening.
    """

    def __init__(self, runner: web.AppRunner, listening: socket.socket) -> None:
        super().__init__(runner)
        self._listening = listening
        self._task: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The URL of its endpoint."""
        host, port = self._listening.getsockname()[:2]
        return f"http://{format_endpoint(host, port)}"

    async def start(self) -> None:
        """Start accepting connections."""
        await super().start()
        self._listening.setblocking(False)
        self._task = asyncio.create_task(self._accept_all())

    async def stop(self) -> None:
        """Stop accepting; the other processes accept the backlog."""
        if self._task is not None:
            await stop([self._task])
        self._listening.close()
        await super().stop()

    async def _accept_all(self) -> None:
        while True:
            try:
                await self._accept()
                await asyncio.sleep(_PAUSE_SECONDS)
            except ConnectionError:
                continue  # the client has disconnected
            except Exception as error:  # noqa: BLE001  # such as no descriptors or memory: later connections must still be accepted
                _log.warning("gateway.connection_not_taken", reason=str(error))
                await asyncio.sleep(_RETRY_SECONDS)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        connection, _ = await loop.sock_accept(self._listening)
        server = self._runner.server
        assert server is not None  # noqa: S101  # set up before ``start``
        try:
            await loop.connect_accepted_socket(server, connection)
        except BaseException:
            connection.close()
            raise
