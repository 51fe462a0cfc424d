"""The console: what commands print with, and the error that ends one with a next step."""

import sys
from typing import Literal, NoReturn, TypeAlias

from rich.console import Console
from rich.markup import escape

Language: TypeAlias = Literal["fr", "en"]
_WIDE = 120
"""Columns where there is no terminal that says how wide it is."""

OUT = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)
ERR = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else _WIDE)

UNUSABLE = 2
"""The command was called wrongly."""


def stop(message: str, step: str, code: int) -> NoReturn:
    """Say what is wrong and what to do next, on standard error, and end."""
    ERR.print(f"[bold red]Error:[/] {escape(message)}", soft_wrap=True)
    ERR.print(f"Next step: {escape(step)}", soft_wrap=True)
    raise SystemExit(code)
