"""Workers: further processes of one gateway that serve its API on the same socket, to use more cores.

A worker reads its settings from standard input, one line of JSON. A second line requests a graceful stop; if the input
closes without one, the main process was killed, and the worker exits at once. When the worker listens, it writes the
endpoint of its management API to its own pipe.
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
_ENDPOINT_BYTES = 512

_log = structlog.get_logger()


class WorkerError(Exception):
    """A worker did not start, or ended by itself; the reason is in its own log lines."""


class Workers:
    """The worker processes, as many as the settings say. ``ready`` is true while all of them listen."""

    def __init__(self, settings: Settings, listening: socket.socket, *, url: str) -> None:
        self._settings = settings
        self._listening = listening
        self._url = url
        self._processes: list[asyncio.subprocess.Process] = []
        self.ready = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start all workers; stop them gracefully when the block ends. Raises WorkerError."""
        try:
            await self._start()
            self.ready = True
            yield
        finally:
            self.ready = False
            await asyncio.gather(*map(_stop, self._processes))

    async def finished(self) -> None:
        """Wait for the first worker that ends by itself. Always raises WorkerError."""
        ends = [asyncio.ensure_future(process.wait()) for process in self._processes]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        raise WorkerError("a worker ended by itself; its own lines in the log say why")

    async def _start(self) -> None:
        """Spawn all processes first, so that each is stopped even if one fails to start; then wait until all listen."""
        with ExitStack() as pipes:
            spawned = [await self._spawn(pipes) for _ in range(self._settings.workers)]
            try:
                async with asyncio.TaskGroup() as group:
                    for number, (process, read_end, write_end) in enumerate(spawned, 1):
                        group.create_task(self._begin(process, number, read_end, write_end))
            except ExceptionGroup as errors:
                first = errors.exceptions[0]
                raise first from first.__cause__

    async def _spawn(self, pipes: ExitStack) -> tuple[asyncio.subprocess.Process, int, int]:
        """A process, the read end of its pipe, and the descriptor of the write end in the process."""
        read_end, write_end = os.pipe()
        pipes.callback(os.close, read_end)
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gateway.bootstrap.worker"),
                stdin=asyncio.subprocess.PIPE,
                pass_fds=(self._listening.fileno(), write_end),
            )
        finally:
            os.close(write_end)  # so that the pipe closes when the process ends
        self._processes.append(process)
        return process, read_end, write_end

    async def _begin(self, process: asyncio.subprocess.Process, number: int, read_end: int, write_end: int) -> None:
        try:
            async with asyncio.timeout(_START_SECONDS):
                await self._send_order(process, number, write_end)
                await readable(read_end)
        except (TimeoutError, ConnectionError) as error:
            raise WorkerError(f"worker {number} did not start") from error
        endpoint = os.read(read_end, _ENDPOINT_BYTES)
        if not endpoint:
            raise WorkerError(f"worker {number} did not start; its own lines in the log say why")
        _log.info(
            "gateway.worker_started", worker=number, process=process.pid, management=f"http://{endpoint.decode()}"
        )

    async def _send_order(self, process: asyncio.subprocess.Process, number: int, write_end: int) -> None:
        """Send the worker its settings on one line; secrets stay off the command line."""
        environ = self._settings.to_environ()
        if self._settings.management_port:
            environ["PASSERELLE_MANAGEMENT_PORT"] = str(self._settings.management_port + number)
        order = {"environ": environ, "socket": self._listening.fileno(), "says": write_end, "url": self._url}
        _input(process).write(orjson.dumps(order) + b"\n")
        await _input(process).drain()


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Request a graceful stop and wait for the process to end; kill it after the timeout or on cancellation."""
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
        raise AssertionError("stdin is a pipe")
    return process.stdin
