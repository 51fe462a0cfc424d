"""Commands as processes without the seconds that Python takes to import their libraries.

One interpreter for each test process has the libraries, and nothing of ``gateway.cli``; each command is a fork of it,
with its own environment, folder, files and exit code, and imports the command itself. ``tests/docs`` and ``tests/demo``
start interpreters, and so does each worker of a gateway.
"""

import array
import asyncio
import importlib
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from io import TextIOWrapper
from pathlib import Path

from demo.tether import watch
from gateway.runtime.loop import bound_collections

ROOT = Path(__file__).parents[1]
_LIBRARIES = (
    "adapters.national.connector.connector",
    "gateway.bootstrap.gateway",
    "gateway.log.kafka",
    "gateway.operate.status",
    "schemas",
    "typer",
    "rich.console",
    "rich.table",
)
_REQUEST = 1 << 20


class Forked:
    """A command that runs. ``pid`` is its own."""

    def __init__(self, answers: socket.socket, pid: int) -> None:
        self._answers = answers
        self._end = asyncio.create_task(self._ended())
        self.pid = pid
        self.returncode: int | None = None

    async def wait(self) -> int:
        """Its exit code, negative for a signal."""
        return await asyncio.shield(self._end)

    async def wait_or_kill(self, seconds: float) -> int:
        """Its exit code. Raises TimeoutError when it does not end in time, and kills it."""
        try:
            return await asyncio.wait_for(self.wait(), seconds)
        except TimeoutError:
            self.kill()
            raise

    async def _ended(self) -> int:
        with self._answers:
            self.returncode = int(await asyncio.get_running_loop().sock_recv(self._answers, 16))
        return self.returncode

    def send_signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


async def fork(
    *words: str,
    folder: Path,
    environ: Mapping[str, str],
    files: tuple[int, int, int],
    session: bool = False,
    tethered: bool = False,
    before: str = "",
    program: str = "gateway.cli",
) -> Forked:
    """Run ``passerelle``, or ``main`` of another module, with these words, this environment only, and these files as
    its standard ones. ``session``: in a session of its own. ``tethered``: it ends with this process. ``before``: Python
    that it runs first.
    """
    server = _server()
    request = json.dumps([words, str(folder), dict(environ), session, tethered, before, program]).encode()
    assert len(request) < _REQUEST
    answers = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    answers.connect(server)
    sent = array.array("i", files)
    answers.sendmsg([request], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, sent)])
    answers.setblocking(False)
    pid = int(await asyncio.get_running_loop().sock_recv(answers, 16))
    return Forked(answers, pid)


async def outcome(environ: Mapping[str, str], *words: str, seconds: float = 60.0) -> tuple[int, str]:
    """How ``passerelle`` ended in this environment, in the checkout's folder, and all that it printed."""
    with tempfile.TemporaryFile() as output, Path(os.devnull).open() as nothing:  # noqa: ASYNC230 - a device
        files = nothing.fileno(), output.fileno(), output.fileno()
        environ = {"PATH": os.environ["PATH"], **environ}
        process = await fork(*words, folder=ROOT, environ=environ, files=files)
        code = await process.wait_or_kill(seconds)
        output.seek(0)
        return code, output.read().decode()


@cache
def _server() -> str:
    """The address of this process's server, which ends with this process."""
    address = f"\0passerelle-tests-{os.getpid()}-{os.urandom(8).hex()}"
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
    command = [sys.executable, "-m", "tests.fork_server", address[1:]]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ, cwd=ROOT)
    assert process.stdin is not None
    assert process.stdout is not None
    _OPEN.append(process)
    assert b"ready\n" == process.stdout.readline()
    return address


_OPEN: list[subprocess.Popen[bytes]] = []
"""Its standard input stays open as long as this process lives: its end ends the server."""


def serve(address: str) -> None:
    """Fork for each connection, and answer with the process id, then the exit code."""
    for name in _LIBRARIES:
        __import__(name)
    bound_collections()  # else each fork would search, and so copy, all that is loaded
    ended, written = socket.socketpair()
    for end in (ended, written):
        end.setblocking(False)
    signal.set_wakeup_fd(written.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(f"\0{address}")
    listener.listen(100)
    print("ready", flush=True)  # noqa: T201 - read by the process that started this one
    running: dict[int, socket.socket] = {}
    while True:
        readable, _, _ = select.select([listener, ended, sys.stdin.fileno()], [], [])
        if sys.stdin.fileno() in readable:
            return
        if ended in readable:
            ended.recv(4096)
            _reap(running)
        if listener in readable:
            connection, _ = listener.accept()
            request, files = _receive(connection)
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for one in (listener, ended, written, connection, *running.values()):
                    one.close()
                _become(request, files)
                return
            for file in files:
                os.close(file)
            running[pid] = connection
            connection.send(str(pid).encode())


def _receive(connection: socket.socket) -> tuple[bytes, list[int]]:
    request, ancillary, _, _ = connection.recvmsg(_REQUEST, socket.CMSG_SPACE(3 * array.array("i").itemsize))
    files = array.array("i")
    for _, _, data in ancillary:
        files.frombytes(data)
    return request, list(files)


def _reap(running: dict[int, socket.socket]) -> None:
    for pid in list(running):
        with suppress(ChildProcessError):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                with suppress(OSError), running.pop(pid) as connection:
                    connection.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(request: bytes, files: list[int]) -> None:
    """In the fork: be the command."""
    words, folder, environ, session, tethered, before, program = json.loads(request)
    if session:
        os.setsid()
    command = os.getpid()
    if tethered and os.fork() == 0:
        watch(command, os.dup(sys.stdin.fileno()))
    for number, file in enumerate(files):
        os.dup2(file, number)
    for file in files:
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = ["passerelle", *words]
    sys.modules["__main__"].__package__ = None  # of which click makes the name of the program
    sys.stdin = TextIOWrapper(open(0, "rb", closefd=False), encoding="utf-8")  # noqa: SIM115
    at_once = os.isatty(1) or "PYTHONUNBUFFERED" in environ
    sys.stdout = TextIOWrapper(open(1, "wb", closefd=False), encoding="utf-8", line_buffering=at_once)  # noqa: SIM115
    sys.stderr = TextIOWrapper(open(2, "wb", closefd=False), encoding="utf-8", line_buffering=True)  # noqa: SIM115
    random.seed()
    exec(before)
    importlib.import_module(program).main()  # which reads the environment


if __name__ == "__main__":
    serve(sys.argv[1])
