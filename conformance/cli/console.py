"""Consoles of the commands, and the error exit with its next step."""

import sys
from typing import NoReturn

from rich.console import Console
from rich.markup import escape

from conformance.words import Texts, say
from schemas.rulebook import Language

_WIDE = 120
"""Columns without a terminal."""

OUT = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)
ERR = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else _WIDE)

UNUSABLE = 2
"""Exit code of a usage error."""


def stop(text: Texts, step: Texts, code: int, language: Language) -> NoReturn:
    """Print the error and the next step on standard error, and exit with ``code``."""
    ERR.print(f"[bold red]{say('error')[language]}[/] {escape(text[language])}", soft_wrap=True)
    ERR.print(escape(say("next-step", step=step)[language]), soft_wrap=True)
    raise SystemExit(code)
