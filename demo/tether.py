"""Kill child processes when their parent ends, even by SIGKILL: a killed test run or demo leaves no process behind.

``tethered`` prefixes a command with this file, which forks a watcher and then execs the command, so that the process id
is the command's. The watcher reads a pipe whose other end only the parent holds: the system closes it when the parent
ends. Linux's PR_SET_PDEATHSIG follows the parent's thread, not its process. POSIX only; elsewhere the command runs
unchanged.
"""

import os
import select
import signal
import sys
from collections.abc import Sequence
from functools import cache
from typing import NoReturn

_CHECK_MS = 1_000
"""Interval at which a watcher checks whether its command has ended."""
_IGNORED = (signal.SIGINT, signal.SIGTERM)
_POSIX = sys.platform != "win32"


@cache
def _pipe() -> tuple[int, int]:
    """The watchers' end, and the end that stays open while this process runs. Neither is inherited by default."""
    return os.pipe()


def tethered(command: Sequence[str]) -> list[str]:
    """The command line of a child that ends with this process; start it with ``pass_fds=tether()``."""
    if not _POSIX:
        return list(command)
    return [sys.executable, "-I", "-S", __file__, str(_pipe()[0]), *command]


def tether() -> tuple[int, ...]:
    """The descriptors that a tethered command inherits."""
    return _pipe()[:1] if _POSIX else ()


def watch(command: int, pipe: int) -> NoReturn:
    """Wait until the parent or the command has ended; kill the command if the parent has. Closes all other files."""
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    os.closerange(0, pipe)
    os.closerange(pipe + 1, os.sysconf("SC_OPEN_MAX"))
    poll = select.poll()
    poll.register(pipe, select.POLLIN | select.POLLHUP)
    while os.getppid() == command:
        if poll.poll(_CHECK_MS) and os.getppid() == command:
            os.kill(command, signal.SIGKILL)
    os._exit(0)


def main(pipe: int, command: list[str]) -> NoReturn:
    """Fork the watcher, then exec the command."""
    process = os.getpid()
    if os.fork() == 0:
        watch(process, pipe)
    os.close(pipe)
    os.execvp(command[0], command)  # noqa: S606  # the caller's own command


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
