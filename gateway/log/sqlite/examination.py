"""The examination of all files of a running gateway, in a child process: for damage that no start and no query finds.

Another interpreter, so that it delays no thread of the gateway (``gateway/log/sqlite/examine.py``).
"""

import asyncio
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import orjson
import structlog

from gateway.log.sqlite import examine
from gateway.runtime.sqlite_damage import Tables

NICENESS = 19
_CHILD = examine.__name__

_AFTER_SECONDS = 120.0
_EVERY_SECONDS = 24 * 3_600.0
_READY_SECONDS = 1.0
_AGAIN_SECONDS, _AGAIN_AT_MOST = 60.0, 3_600.0

_log = structlog.get_logger()


class Examination:
    """Examines these local copies and the log some time after the gateway is ready, and then daily; again, after a
    growing pause, where the writers of a file have interrupted its check. ``log`` is the path of the embedded log, None
    on Kafka; ``copies`` are paths with their tables and format.
    """

    def __init__(
        self,
        copies: Callable[[], Iterable[tuple[Path, Tables, int]]],
        log: Path | None,
        *,
        ready: Callable[[], bool],
        after: float = _AFTER_SECONDS,
    ) -> None:
        self._copies = copies
        self._log_file = None if log is None else str(log.absolute())
        self._ready = ready
        self._after = after
        self.child: int | None = None
        """The process id of the child, while it examines."""

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            while not self._ready():  # noqa: ASYNC110  # a condition of many parts
                await asyncio.sleep(_READY_SECONDS)
            await asyncio.sleep(self._after)
            pause = _AGAIN_SECONDS
            while await self._examine() == examine.AGAIN:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _AGAIN_AT_MOST)
            await asyncio.sleep(_EVERY_SECONDS)

    async def _examine(self) -> int | None:
        """Examine all once, in a child. Returns its exit code; None if it could not start."""
        began = asyncio.get_running_loop().time()
        try:
            child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", _CHILD), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
            )
        except OSError as error:
            _log.warning("files.not_examined", reason=str(error))
            return None
        try:
            with suppress(ProcessLookupError):  # before it loads what it needs
                os.setpriority(os.PRIO_PROCESS, child.pid, NICENESS)
            self.child = child.pid
            assert child.stdin is not None  # noqa: S101  # a pipe
            assert child.stdout is not None  # noqa: S101  # a pipe
            copies = [(str(path.absolute()), tables, version) for path, tables, version in self._copies()]
            child.stdin.write(orjson.dumps({"copies": copies, "log": self._log_file}) + b"\n")
            async for line in child.stdout:
                _log.warning(**orjson.loads(line))
            code = await child.wait()
            if code not in {0, examine.AGAIN}:
                _log.warning("files.not_examined", reason=f"the process ended with {code}")
            elif not code:
                _log.info("files.examined", seconds=round(asyncio.get_running_loop().time() - began, 1))
            return code
        finally:
            self.child = None
            if child.returncode is None:
                child.kill()
                await child.wait()
