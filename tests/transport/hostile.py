"""Misbehaving servers: silent, trickling, endless, frozen; each with its address."""

import asyncio
import os
import signal
import sys
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeAlias

from adapters.transport.sftp import SftpServer
from demo.region_site.simulator import USER

Talk: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"


@asynccontextmanager
async def talking(talk: Talk) -> AsyncIterator[int]:
    """The port of a server on loopback that serves every client by this function, until the block ends."""
    talks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await talk(reader, writer)
        writer.transport.abort()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        talks[task] = writer
        task.add_done_callback(talks.pop)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task, writer in talks.items():
            task.cancel()
            writer.transport.abort()  # also of a task that has not begun
        await asyncio.gather(*talks, return_exceptions=True)


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:  # noqa: ARG001  # a Talk
    """Accepts the connection and sends nothing."""
    await asyncio.Event().wait()


def saying(first: bytes, then: bytes = b"", *, every: float = 0.05) -> Talk:
    """Sends the first bytes after the request, and then the others repeatedly; never closes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(first)
        await writer.drain()
        while then:
            await asyncio.sleep(every)
            writer.write(then)
            await writer.drain()
        await asyncio.Event().wait()

    return talk


class SftpProcess:
    """An SFTP server in a process of its own, which can be stopped at any time."""

    def __init__(self, process: asyncio.subprocess.Process, address: SftpServer) -> None:
        self._process = process
        self.address = address

    async def reading(self) -> None:
        """Wait until a file is being read."""
        assert self._process.stdout is not None
        assert await self._process.stdout.readline() == b"reading\n"

    def freeze(self) -> None:
        """Suspend it: connections stay open."""
        os.kill(self._process.pid, signal.SIGSTOP)


@asynccontextmanager
async def sftp_process(folder: Path) -> AsyncIterator[SftpProcess]:
    """A server of these files."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.transport.sftp_process", str(folder)), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        port, host_key, key = [(await process.stdout.readline()).decode().strip() for _ in range(3)]
        address = SftpServer(
            host="127.0.0.1",
            port=int(port),
            host_key=host_key,
            user=USER,
            kind="key",
            secret=b64decode(key).decode(),
        )
        yield SftpProcess(process, address)
    finally:
        process.kill()
        await process.wait()
