"""Workers: further processes of one gateway that serve its API on the same socket, to use more cores.

``Workers`` spawns, orders and stops them; ``main`` is one of them, with views that the main process updates. A worker
is forked with the code loaded (``forked.py``), or loads it while the main process opens the log; then it takes its
order from standard input, a socket: its settings, one line of JSON, with the descriptors that it serves with. A second
line requests a graceful stop; if the socket closes without one, the main process was killed, and the worker exits at
once. When the worker listens, it writes the endpoint of its management API to a pipe of its own.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import orjson
import structlog

import schemas
from gateway.api.management import build_management
from gateway.bootstrap import parts
from gateway.bootstrap.pages import add_pages
from gateway.bootstrap.parts import build_federation
from gateway.bootstrap.rehearsal import with_rehearsals
from gateway.bootstrap.serving import build_api, listen, serve
from gateway.log.tasks import raise_first_end, start_tasks
from gateway.oauth import jws
from gateway.runtime.activity import Activity, shared_memory
from gateway.runtime.fair_accept import FairAcceptSite
from gateway.runtime.listening import format_endpoint
from gateway.runtime.logs import configure_logs, watch_loop
from gateway.runtime.loop import bound_collections, readable, run
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.bootstrap.forked import ForkedProcess

_START_SECONDS = 60.0
_STOP_SECONDS = 75.0
_LISTEN_SECONDS = 20.0
_ENDPOINT_BYTES = 512
_ORDER_BYTES = 65_536
_DESCRIPTORS = 3

_log = structlog.get_logger()


class WorkerError(Exception):
    """A worker did not start, or ended by itself; the reason is in its own log lines."""


class Workers:
    """The worker processes, as many as the settings say. ``ready`` is true while all of them listen."""

    def __init__(self, settings: Settings, forked: Sequence["WorkerProcess"] = ()) -> None:
        self._settings = settings
        self._workers = list(forked)
        self._shared: IO[bytes] | None = None
        self.ready = False

    @asynccontextmanager
    async def spawned(self) -> AsyncIterator[Activity]:
        """Let all load their code and wait for ``begin``; stop them when the block ends. Yields who submits in any
        process, for the main one, which is the last.
        """
        number = self._settings.workers
        with shared_memory(self._settings.data, number + 1) as self._shared:
            try:
                while len(self._workers) < number:
                    self._workers.append(await _spawn())
                yield Activity.attach(os.dup(self._shared.fileno()), process=number)[1]
            finally:
                await self.stop()

    async def begin(self, listening: socket.socket, url: str) -> None:
        """Let all serve this URL on a listening socket. Returns when all listen. Raises WorkerError."""
        if self._shared is None:
            raise RuntimeError("the workers are not spawned")
        try:
            async with asyncio.TaskGroup() as group:
                for number, worker in enumerate(self._workers, 1):
                    order = {"environ": self._environ(number), "url": url, "number": number}
                    group.create_task(_begin(worker, order, listening, self._shared))
        except ExceptionGroup as errors:
            first = errors.exceptions[0]
            raise first from first.__cause__
        self.ready = True

    async def finished(self) -> None:
        """Wait for the first worker that ends by itself. Always raises WorkerError."""
        ends = [asyncio.ensure_future(worker.process.wait()) for worker in self._workers]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        raise WorkerError("a worker ended by itself; its own lines in the log say why")

    async def stop(self) -> None:
        """Stop all: gracefully those that have their order, the others at once."""
        self.ready = False
        stopping, self._workers = self._workers, []
        await asyncio.gather(*map(_stop, stopping))

    def _environ(self, number: int) -> dict[str, str]:
        """The settings of one worker; secrets stay off the command line."""
        environ = self._settings.to_environ()
        if self._settings.management_port:
            environ["PASSERELLE_MANAGEMENT_PORT"] = str(self._settings.management_port + number)
        return environ


@dataclass(slots=True)
class WorkerProcess:
    """A process, and the socket that is its standard input."""

    process: "asyncio.subprocess.Process | ForkedProcess"
    orders: socket.socket
    ordered: bool = False


async def _spawn() -> WorkerProcess:
    orders, theirs = socket.socketpair()
    with theirs:
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gateway.bootstrap.workers"), stdin=theirs.fileno()
            )
        except BaseException:
            orders.close()
            raise
    return WorkerProcess(process, orders)


async def _begin(worker: WorkerProcess, order: dict[str, Any], listening: socket.socket, activity: IO[bytes]) -> None:
    """Send a worker its order, and wait until it listens."""
    number = order["number"]
    read_end, write_end = os.pipe()
    try:
        try:
            descriptors = [listening.fileno(), activity.fileno(), write_end]
            socket.send_fds(worker.orders, [orjson.dumps(order) + b"\n"], descriptors)
            worker.ordered = True
        finally:
            os.close(write_end)  # so that the pipe closes when the process ends
        async with asyncio.timeout(_START_SECONDS):
            await readable(read_end)
        endpoint = os.read(read_end, _ENDPOINT_BYTES)
    except (TimeoutError, ConnectionError) as error:
        raise WorkerError(f"worker {number} did not start") from error
    finally:
        os.close(read_end)
    if not endpoint:
        raise WorkerError(f"worker {number} did not start; its own lines in the log say why")
    _log.info(
        "gateway.worker_started", worker=number, process=worker.process.pid, management=f"http://{endpoint.decode()}"
    )


async def _stop(worker: WorkerProcess) -> None:
    """Request a graceful stop and wait for the process to end; kill it after the timeout or on cancellation."""
    process = worker.process
    with worker.orders, suppress(OSError):
        if worker.ordered:
            worker.orders.send(b"\n")
        else:
            process.kill()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        pass
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def answer(order: Mapping[str, Any], descriptors: Sequence[int]) -> None:
    """Serve on the received socket until the main process requests a stop, or a part of this process fails."""
    settings = Settings.from_env(order["environ"])
    listening, shared, says = descriptors
    configure_logs(settings.log_level)
    watch_loop()
    async with AsyncExitStack() as stack:
        asking, submitting = Activity.attach(shared, process=order["number"] - 1)
        built = await build_federation(settings, stack, follow=True, submitting=submitting)
        federation = with_rehearsals(built, settings)
        tasks = start_tasks(parts.running(federation), stack)

        def conditions() -> Mapping[str, bool]:
            caught_up = {f"view of {topic}": view.caught_up for topic, view in federation.views.items()}
            return {**parts.conditions(federation), **caught_up}

        management_socket = await listen(
            stack, settings.management_host, settings.management_port, patience=_LISTEN_SECONDS
        )
        await serve(stack, build_management(federation.metrics, conditions), management_socket)
        api = build_api(settings, federation, order["url"], activity=asking, pages=add_pages)
        await serve(stack, api, socket.socket(fileno=listening), site=FairAcceptSite)
        bound_collections()
        with suppress(BrokenPipeError):  # the main process has ended: standard input is closed too
            os.write(says, format_endpoint(settings.management_host, management_socket.getsockname()[1]).encode())
        os.close(says)
        stopping = asyncio.ensure_future(readable(sys.stdin.fileno()))
        waits = [asyncio.ensure_future(raise_first_end(tasks)), stopping]
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        for wait in done:
            await wait
        if stopping in done and not sys.stdin.buffer.read(1):
            os._exit(1)  # the gateway was killed: its next start needs the ports


def main() -> None:
    """Load what every verdict and token needs, read the order from standard input, then serve.

    Ignores SIGINT: Ctrl-C reaches all processes of a terminal, and the main process coordinates the shutdown.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    schemas.preload()
    jws.preload()
    order, descriptors = _received()
    if order:  # else the main process ended before it sent the order
        run(answer(orjson.loads(order), descriptors))


def _received() -> tuple[bytes, list[int]]:
    """The line of the order, and its descriptors; empty if the socket closes before it."""
    line, descriptors = b"", list[int]()
    with socket.socket(fileno=os.dup(sys.stdin.fileno())) as orders:
        while not line.endswith(b"\n"):
            part, received, *_ = socket.recv_fds(orders, _ORDER_BYTES, _DESCRIPTORS)
            if not part:
                return b"", []
            line += part
            descriptors += received
    return line, descriptors


if __name__ == "__main__":
    main()
