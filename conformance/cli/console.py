"""The console: what commands print with, and the error that ends one with a next step."""

import sys
from typing import NoReturn

from rich.console import Console
from rich.markup import escape

from conformance.words import Texts, say
from schemas.rulebook import Language

_WIDE = 120
"""Columns where there is no terminal that says how wide it is."""

OUT = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)
ERR = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else _WIDE)

UNUSABLE = 2
"""The command was called wrongly."""


def stop(text: Texts, step: Texts, code: int, language: Language) -> NoReturn:
    """Say what is wrong and what to do next, on standard error, and end."""
    ERR.print(f"[bold red]{say('error')[language]}[/] {escape(text[language])}", soft_wrap=True)
    ERR.print(escape(say("next-step", step=step)[language]), soft_wrap=True)
    raise SystemExit(code)
