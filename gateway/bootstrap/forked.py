"""Worker processes as forks of the process that will run the gateway, before it has an event loop or a thread (Linux).

They share its loaded code: each interpreter would load it again, most of a second of processor time, and hold it again.
"""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress

import schemas
from gateway.bootstrap import workers
from gateway.oauth import jws
from gateway.runtime.loop import readable


class ForkedProcess:
    """A worker process, with those methods of asyncio's ``Process`` that its gateway calls."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._end: asyncio.Task[int] | None = None

    def kill(self) -> None:
        """Kill it, unless it has ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    async def wait(self) -> int:
        """Wait for its end. Returns its exit code, negative for a signal."""
        if self._end is None:
            self._end = asyncio.create_task(self._ended())
        return await asyncio.shield(self._end)

    async def _ended(self) -> int:
        descriptor = os.pidfd_open(self.pid)
        try:
            await readable(descriptor)
        finally:
            os.close(descriptor)
        _, status = os.waitpid(self.pid, 0)  # noqa: ASYNC222  # it has ended
        self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


def fork_workers(number: int) -> Sequence[workers.WorkerProcess]:
    """Fork this many workers, which wait for their orders; none where the system cannot wait for them. A worker does
    not return: it exits with its work.
    """
    if sys.platform != "linux" or not number:
        return ()
    schemas.preload()
    jws.preload()
    gc.freeze()  # a collection would write to the pages of all objects, which are shared
    forked: list[workers.WorkerProcess] = []
    for _ in range(number):
        orders, theirs = socket.socketpair()
        pid = os.fork()
        if not pid:
            os.dup2(theirs.fileno(), 0)
            for one in (orders, theirs, *(worker.orders for worker in forked)):
                one.close()
            sys.stdin = os.fdopen(0, closefd=False)
            workers.main()
            sys.exit()
        theirs.close()
        forked.append(workers.WorkerProcess(ForkedProcess(pid), orders))
    return forked
