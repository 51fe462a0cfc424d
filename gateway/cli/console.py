"""The console: what commands print with, and the error that ends one with a next step."""

import sys
from typing import NoReturn

from rich.console import Console

_WIDE = 120
"""Columns where there is no terminal that says how wide it is: a file, a pipe, the log of a build."""

OUT = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)
ERR = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else _WIDE)

FAILED = 1
"""The command worked, and what it looked at is not as it should be."""
UNUSABLE = 2
"""The command could not do its work."""


class CommandError(Exception):
    """A command cannot go on. ``message`` says what is wrong, ``step`` what to do next."""

    def __init__(self, message: str, *, step: str) -> None:
        super().__init__(message)
        self.step = step


def stop(error: Exception) -> NoReturn:
    """Say what went wrong, on stderr, and end the process."""
    ERR.print(f"[bold red]Error:[/] {_plain(str(error))}", soft_wrap=True)
    if isinstance(error, CommandError):
        ERR.print(f"Next step: {_plain(error.step)}", soft_wrap=True)
    raise SystemExit(UNUSABLE)


def _plain(text: str) -> str:
    """The text with its square brackets kept from being read as markup."""
    return text.replace("[", r"\[")
