"""Consoles for output and errors, exit codes, and the error that ends a command with a remedy."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from rich.console import Console

from schemas.rulebook import Language, Severity
from schemas.texts import load_words

_WIDE = 120
"""Columns if the output is no terminal: a file, a pipe, a build log."""

OUT = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)
ERR = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else _WIDE)

FAILED = 1
"""Exit code: the command ran, and its result is negative (refused offers, findings, differences)."""
UNUSABLE = 2
"""Exit code: the command could not run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    error: str
    step: str


_WORDS = load_words(_Words, "gateway", "console")


SEVERITIES: Mapping[Language, dict[Severity, str]] = load_words(dict, "gateway", "severities")
"""Names of severities per language; colours are lost in a file."""


class CommandError(Exception):
    """A command cannot continue. ``message`` is the error and ``step`` the remedy, both in ``language``; operator
    commands use English.
    """

    def __init__(self, message: str, *, step: str, language: Language = "en") -> None:
        super().__init__(message)
        self.step = step
        self.language: Language = language


def stop(error: CommandError) -> NoReturn:
    """Print the error and its remedy on stderr, and exit with UNUSABLE."""
    words = _WORDS[error.language]
    ERR.print(f"[bold red]{words.error}[/] {_escape_markup(str(error))}", soft_wrap=True)
    ERR.print(f"{words.step} {_escape_markup(error.step)}", soft_wrap=True)
    raise SystemExit(UNUSABLE)


def _escape_markup(text: str) -> str:
    """Escape square brackets, so that rich does not read them as markup."""
    return text.replace("[", r"\[")
