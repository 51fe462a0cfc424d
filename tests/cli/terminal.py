"""A terminal of a given width: the output of a command as users see it."""

import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import termios
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.cli.conftest import SECONDS
from tests.fork_server import Forked, fork

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal:
    """One command on a pseudo-terminal; its output so far is ``said``, without colours."""

    def __init__(self, process: Forked, screen: int) -> None:
        self._process = process
        self._screen = screen
        self._bytes = b""
        os.set_blocking(screen, False)

    @classmethod
    async def open(cls, folder: Path, environ: Mapping[str, str], *words: str, width: int) -> "Terminal":
        screen, tty = pty.openpty()
        fcntl.ioctl(tty, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
        try:
            process = await fork(
                *words, folder=folder, environ={**environ, "TERM": "xterm"}, files=(tty, tty, tty), session=True
            )
        finally:
            os.close(tty)
        return cls(process, screen)

    @property
    def output(self) -> str:
        with suppress(OSError):
            while block := os.read(self._screen, 65_536):
                self._bytes += block
        return _CONTROL.sub("", self._bytes.decode(errors="replace")).replace("\r\n", "\n")

    async def until(self, text: str) -> str:
        """Wait for the first output."""
        async with asyncio.timeout(SECONDS):
            while text not in self.output:
                assert self._process.returncode is None, self.output
                await asyncio.sleep(0.02)
        return self.output

    async def ended(self) -> str:
        """Wait for its end. Returns all output."""
        async with asyncio.timeout(SECONDS):
            while self._process.returncode is None:
                _ = self.output
                await asyncio.sleep(0.01)
        return self.output

    def interrupt(self) -> None:
        """As Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)

    async def close(self) -> int:
        """Wait for its end. Returns the exit code."""
        output = await self.ended()
        os.close(self._screen)
        assert "Traceback" not in output, output
        return self._process.returncode or 0
