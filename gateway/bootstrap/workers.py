"""Workers: further processes of one gateway that serve its API on the same socket, to use more cores.

``Workers`` starts and stops them; ``main`` is one of them, with views that the main process updates. A worker reads its
settings from standard input, one line of JSON. A second line requests a graceful stop; if the input closes without one,
the main process was killed, and the worker exits at once. When the worker listens, it writes the endpoint of its
management API to its own pipe.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from typing import Any

import orjson
import structlog

import schemas
from gateway.api.management import build_management
from gateway.bootstrap.logs import configure_logs, watch_loop
from gateway.bootstrap.parts import build_parts, first_to_end, start
from gateway.bootstrap.serving import FairAcceptSite, build_api, listen, serve
from gateway.oauth import jws
from gateway.runtime.activity import Activity, shared_memory
from gateway.runtime.listening import format_endpoint
from gateway.runtime.loop import bound_collections, readable, run
from gateway.settings import Settings

_START_SECONDS = 60.0
_STOP_SECONDS = 75.0
_LISTEN_SECONDS = 20.0
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
        self._activity = shared_memory(settings.data, settings.workers)
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
        with self._activity, ExitStack() as pipes:
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
                *(sys.executable, "-m", "gateway.bootstrap.workers"),
                stdin=asyncio.subprocess.PIPE,
                pass_fds=(self._listening.fileno(), write_end, self._activity.fileno()),
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
        order = {
            "environ": environ,
            "socket": self._listening.fileno(),
            "says": write_end,
            "url": self._url,
            "activity": self._activity.fileno(),
            "number": number,
        }
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


async def answer(order: Mapping[str, Any]) -> None:
    """Serve on the inherited socket until the main process requests a stop, or a part of this process fails."""
    settings = Settings.from_env(order["environ"])
    configure_logs(settings.log_level)
    watch_loop()
    async with AsyncExitStack() as stack:
        parts = await build_parts(settings, stack, follow=True)
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
        activity = Activity.attach(order["activity"], process=order["number"] - 1)
        api = build_api(parts, order["url"], activity=activity)
        await serve(stack, api, socket.socket(fileno=order["socket"]), site=FairAcceptSite)
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
