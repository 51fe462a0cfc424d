"""Children that end with their parent, however it ends: a killed test run or demo leaves no process behind.

``tethered`` puts this file in front of a command. It forks a watcher, then becomes the command, so that the process id
is the command's own. The watcher reads a pipe whose other end the parent alone holds: the system closes it when the
parent ends, SIGKILL included. Linux's PR_SET_PDEATHSIG would do the same for the parent's thread only. POSIX; elsewhere
the command runs as it is.
"""

import os
import select
import signal
import sys
from collections.abc import Sequence
from functools import cache
from typing import NoReturn

_LOOK_MS = 1_000
"""How often a watcher looks whether its command has ended by itself."""
_IGNORED = (signal.SIGINT, signal.SIGTERM)
_POSIX = sys.platform != "win32"


@cache
def _pipe() -> tuple[int, int]:
    """The end for watchers, and the end that is open as long as this process runs. Neither is inherited by itself."""
    return os.pipe()


def tethered(command: Sequence[str]) -> list[str]:
    """The command that ends with this process; to be started with ``pass_fds=tether()``."""
    if not _POSIX:
        return list(command)
    return [sys.executable, "-I", "-S", __file__, str(_pipe()[0]), *command]


def tether() -> tuple[int, ...]:
    """The descriptors that a tethered command inherits."""
    return _pipe()[:1] if _POSIX else ()


def _watch(command: int, pipe: int) -> NoReturn:
    """Wait until the parent or the command has ended; kill the command where it is the parent. Holds no other file."""
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    os.closerange(0, pipe)
    os.closerange(pipe + 1, os.sysconf("SC_OPEN_MAX"))
    poll = select.poll()
    poll.register(pipe, select.POLLIN | select.POLLHUP)
    while os.getppid() == command:
        if poll.poll(_LOOK_MS) and os.getppid() == command:
            os.kill(command, signal.SIGKILL)
    os._exit(0)


def main(pipe: int, command: list[str]) -> NoReturn:
    """Fork the watcher, then become the command."""
    process = os.getpid()
    if os.fork() == 0:
        _watch(process, pipe)
    os.close(pipe)
    os.execvp(command[0], command)  # noqa: S606  # the caller's own command


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
