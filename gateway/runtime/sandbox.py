"""Costly work on the content of strangers in one child process, which the system limits and this process can kill.

The child has its own interpreter, so that no document holds this process's event loop; a lower priority; a limit on
processor time for each call; and no right to write a file (``gateway.runtime.sandboxed``). It starts with the first
call, or before it where one is expected, and ends when there was none for a while.
"""

import asyncio
import os
import signal
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson
import structlog

CALL = struct.Struct("<II")
ANSWER = struct.Struct("<BI")
DONE, SPENT, FAILED = range(3)
_KEPT_VARIABLES = ("PATH", "PYTHONPATH", "PYTHONHOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TZ")
"""Of this process's environment, which may hold secrets."""
_NICENESS = 5
"""About a third of the weight of the process that answers partners; with less, a busy machine would not come to it."""

_MAX_WAITING = 16
_SLOT_SECONDS = 15.0
"""Longest wait of a call for its slot."""
_WALL_SECONDS = 30.0
"""Longest duration of a call on a busy machine."""
_log = structlog.get_logger()


class SandboxBusyError(Exception):
    """Too many calls wait. Try again later."""


class SpentError(Exception):
    """The call needs more processor time or memory than it may have."""


class SandboxFailedError(Exception):
    """The function raised an error, or the child process ended. Its type is in the log, without content."""


class Sandbox:
    """A child process that runs ``module``, one call at a time, in the order of the calls.

    ``seconds``: processor time of a call; ``idle_seconds``: lifetime of the child without a call.
    """

    def __init__(self, module: str, *, seconds: float = 1.0, idle_seconds: float = 300.0) -> None:
        self._module = module
        self._seconds = seconds
        self._idle_seconds = idle_seconds
        self._waiting = 0
        self._slot = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._idle: asyncio.TimerHandle | None = None

    async def call(self, function: str, arguments: Mapping[str, Any], content: bytes) -> Any:
        """The result of the child's function of this name, as decoded JSON. Raises SandboxBusyError, SpentError,
        SandboxFailedError.
        """
        await self._acquire()
        try:
            async with asyncio.timeout(_WALL_SECONDS):
                process = await self._started()
                status, result = await self._ask(process, {"function": function, "arguments": arguments}, content)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            await self._raise_ended()
        except BaseException:
            await self._kill()
            raise
        finally:
            self._slot.release()
            self._end_when_idle()
        if status == DONE:
            return result
        if status == SPENT:
            raise SpentError
        _log.error("sandbox.failed", function=function, **result)
        raise SandboxFailedError

    async def prepare(self) -> None:
        """Start the child, unless it runs or a call starts it. Raises OSError."""
        if self._slot.locked():
            return
        async with self._slot:
            await self._started()
        self._end_when_idle()

    async def close(self) -> None:
        """End the child."""
        if self._idle is not None:
            self._idle.cancel()
        await self._kill()

    async def _acquire(self) -> None:
        if self._waiting >= _MAX_WAITING:
            raise SandboxBusyError
        self._waiting += 1
        try:
            async with asyncio.timeout(_SLOT_SECONDS):
                await self._slot.acquire()
        except TimeoutError:
            raise SandboxBusyError from None
        finally:
            self._waiting -= 1

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-B", "-m", self._module),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,  # a traceback may quote the content
                env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
            )
            with suppress(ProcessLookupError):  # before it loads what it needs, which takes it seconds
                own = os.getpriority(os.PRIO_PROCESS, 0)
                os.setpriority(os.PRIO_PROCESS, self._process.pid, own + _NICENESS)
        return self._process

    async def _ask(
        self, process: asyncio.subprocess.Process, call: Mapping[str, Any], content: bytes
    ) -> tuple[int, Any]:
        if process.stdin is None or process.stdout is None:
            raise AssertionError("both are pipes")
        head = orjson.dumps({**call, "seconds": self._seconds})
        process.stdin.write(CALL.pack(len(head), len(content)) + head)
        process.stdin.write(content)
        await process.stdin.drain()
        status, size = ANSWER.unpack(await process.stdout.readexactly(ANSWER.size))
        return status, orjson.loads(await process.stdout.readexactly(size))

    async def _raise_ended(self) -> None:
        """Raise the error of a child that gave no answer: the system ended it at its limit, or it took too long."""
        process = self._process
        await self._kill()
        returned = None if process is None else process.returncode
        if returned == -signal.SIGXCPU:
            raise SpentError
        _log.error("sandbox.ended", returned=returned)
        raise SandboxFailedError

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(0.2 if process.stdout is not None and process.stdout.at_eof() else 0):
                await process.wait()
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _end_when_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(self._idle_seconds, self._end_idle)

    def _end_idle(self) -> None:
        if not self._slot.locked() and self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()  # the child ends at the end of its input
            self._process = None
