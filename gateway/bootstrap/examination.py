"""The examination of all files of a running gateway, in a child process: for damage that no start and no query finds.

``Examination`` is the gateway's side, ``main`` the child's: another interpreter, so that it delays no thread of the
gateway, at the lowest priority. It reports damage by the marker of the file, as a worker does. The end of its standard
input ends it: with the gateway, even one that is killed.
"""

import asyncio
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import orjson
import structlog

from gateway.bootstrap.files import VersionError, examine_copy, examine_log, local_copies
from gateway.bootstrap.logs import configure_logs
from gateway.runtime.checked_file import report_damage
from gateway.runtime.sqlite_damage import is_damage

NICENESS = 19
_AFTER_SECONDS = 120.0
_EVERY_SECONDS = 24 * 3_600.0
_READY_SECONDS = 1.0
_AGAIN_SECONDS = 60.0
_WAL_BYTES = 256 * 1_048_576

_log = structlog.get_logger()


class Examination:
    """Examines the files of a data folder some time after the gateway is ready, and then daily. ``log`` is the path
    of the embedded log, None on Kafka.
    """

    def __init__(
        self, data: Path, log: Path | None, *, ready: Callable[[], bool], after: float = _AFTER_SECONDS
    ) -> None:
        self._order = {"data": str(data.absolute()), "log": None if log is None else str(log.absolute())}
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
            await self._examine()
            await asyncio.sleep(_EVERY_SECONDS)

    async def _examine(self) -> None:
        try:
            child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", __name__), stdin=asyncio.subprocess.PIPE
            )
        except OSError as error:
            _log.warning("files.not_examined", reason=str(error))
            return
        try:
            with suppress(ProcessLookupError):  # before it loads what it needs
                os.setpriority(os.PRIO_PROCESS, child.pid, NICENESS)
            self.child = child.pid
            assert child.stdin is not None  # noqa: S101  # a pipe
            child.stdin.write(orjson.dumps(self._order) + b"\n")
            if await child.wait():
                _log.warning("files.not_examined", reason=f"the process ended with {child.returncode}")
        finally:
            self.child = None
            if child.returncode is None:
                child.kill()
                await child.wait()


def examine_all(data: Path, log: Path | None) -> None:
    """Examine each file, and report damage. A check that the writers of its file have interrupted is repeated later."""
    waiting = [
        (path, partial(examine_copy, path, tables, version, growth=_WAL_BYTES))
        for path, tables, version in local_copies(data)
    ]
    if log is not None:
        waiting.append((log, partial(examine_log, log, growth=_WAL_BYTES)))
    began = time.monotonic()
    while waiting := [(path, examine) for path, examine in waiting if not _is_examined(path, examine)]:
        time.sleep(_AGAIN_SECONDS)
    _log.info("files.examined", seconds=round(time.monotonic() - began, 1))


def _is_examined(path: Path, examine: Callable[[], None]) -> bool:
    try:
        before = path.stat().st_ino
        examine()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            return False
        if not is_damage(error):
            _log.warning("files.not_examined", file=str(path), reason=str(error))
        elif path.exists() and path.stat().st_ino == before:  # else it is rebuilt already
            _log.error("files.damaged", file=str(path), reason=str(error))
            report_damage(path, str(error))
    except (OSError, VersionError) as error:
        _log.warning("files.not_examined", file=str(path), reason=str(error))
    return True


def _end_with_input() -> None:
    while os.read(0, 1):  # not by sys.stdin, whose lock would be held when the process ends
        pass
    os._exit(1)


def main() -> None:
    """Read from standard input what to examine, examine it, and end."""
    configure_logs("info")
    order = orjson.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    examine_all(Path(order["data"]), None if order["log"] is None else Path(order["log"]))


if __name__ == "__main__":
    main()
