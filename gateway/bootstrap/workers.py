"""Workers: further processes of one gateway that answer its API on the same socket, so that it may use more cores.

Each gets its settings on standard input, on one line. A second line tells it to stop in order; where that input is
closed without one, this process was killed, and the worker ends at once. Once it listens, it says on a pipe of its own
where its management is.
"""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress

import orjson
import structlog

from gateway.runtime.loop import readable
from gateway.settings import Settings

_START_SECONDS = 60.0
_STOP_SECONDS = 75.0
_PLACE_BYTES = 512

_log = structlog.get_logger()


class WorkerError(Exception):
    """A worker did not start, or ended by itself; what it wrote on standard error says why."""


class Workers:
    """As many as the settings say. ``ready`` once all of them listen."""

    def __init__(self, settings: Settings, listening: socket.socket, *, url: str) -> None:
        self._settings = settings
        self._listening = listening
        self._url = url
        self._processes: list[asyncio.subprocess.Process] = []
        self.ready = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start all of them; they are stopped in order when the block ends. Raises WorkerError."""
        try:
            await self._start()
            self.ready = True
            yield
        finally:
            self.ready = False
            await asyncio.gather(*map(_stop, self._processes))

    async def finished(self) -> None:
        """Wait for the first that ends by itself. Raises WorkerError."""
        ends = [asyncio.ensure_future(process.wait()) for process in self._processes]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        raise WorkerError("a worker ended by itself; its own lines in the log say why")

    async def _start(self) -> None:
        """Make all processes, so that each is known before anything is awaited of one; then hear them all."""
        with ExitStack() as pipes:
            made = [await self._make(pipes) for _ in range(self._settings.workers)]
            try:
                async with asyncio.TaskGroup() as group:
                    for number, (process, listens, says) in enumerate(made, 1):
                        group.create_task(self._begin(process, number, listens, says))
            except ExceptionGroup as errors:
                first = errors.exceptions[0]
                raise first from first.__cause__

    async def _make(self, pipes: ExitStack) -> tuple[asyncio.subprocess.Process, int, int]:
        """A process, the end of its pipe to listen at, and what the other end is called there."""
        listens, says = os.pipe()
        pipes.callback(os.close, listens)
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gateway.bootstrap.worker"),
                stdin=asyncio.subprocess.PIPE,
                pass_fds=(self._listening.fileno(), says),
            )
        finally:
            os.close(says)  # so that the pipe ends with the process
        self._processes.append(process)
        return process, listens, says

    async def _begin(self, process: asyncio.subprocess.Process, number: int, listens: int, says: int) -> None:
        try:
            async with asyncio.timeout(_START_SECONDS):
                await self._order(process, number, says)
                await readable(listens)
        except (TimeoutError, ConnectionError) as error:
            raise WorkerError(f"worker {number} did not start") from error
        told = os.read(listens, _PLACE_BYTES)
        if not told:
            raise WorkerError(f"worker {number} did not start; its own lines in the log say why")
        _log.info("gateway.worker_started", worker=number, process=process.pid, management=f"http://{told.decode()}")

    async def _order(self, process: asyncio.subprocess.Process, number: int, says: int) -> None:
        """What the worker must know, on one line; secrets stay off the command line."""
        environ = self._settings.to_environ()
        if self._settings.management_port:
            environ["PASSERELLE_MANAGEMENT_PORT"] = str(self._settings.management_port + number)
        order = {"environ": environ, "socket": self._listening.fileno(), "says": says, "url": self._url}
        _input(process).write(orjson.dumps(order) + b"\n")
        await _input(process).drain()


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Tell it to stop and wait until it has answered what it was asked; it is gone at the end, whatever happens."""
    with suppress(ConnectionError):
        _input(process).write(b"\n")
    _input(process).close()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        pass
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _input(process: asyncio.subprocess.Process) -> asyncio.StreamWriter:
    if process.stdin is None:
        raise AssertionError("its input was asked for")
    return process.stdin
