"""The console: what commands print with, and the error that ends one with a next step."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from rich.console import Console

from schemas.rulebook import Language, Severity
from schemas.texts import load_words

_WIDE = 120
"""Columns where there is no terminal that says how wide it is: a file, a pipe, the log of a build."""

OUT = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)
ERR = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else _WIDE)

FAILED = 1
"""The command worked, and what it looked at is not as it should be."""
UNUSABLE = 2
"""The command could not do its work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    error: str
    step: str


_WORDS = load_words(_Words, "gateway", "console")


SEVERITIES: Mapping[Language, dict[Severity, str]] = load_words(dict, "gateway", "severities")
"""How severe a problem is, in words: a colour alone says nothing in a log."""


class CommandError(Exception):
    """A command cannot go on. ``message`` says what is wrong, ``step`` what to do next, both in ``language``: that of
    the operator's own commands is English.
    """

    def __init__(self, message: str, *, step: str, language: Language = "en") -> None:
        super().__init__(message)
        self.step = step
        self.language: Language = language


def stop(error: CommandError) -> NoReturn:
    """Say what went wrong, on stderr, and end the process."""
    words = _WORDS[error.language]
    ERR.print(f"[bold red]{words.error}[/] {_plain(str(error))}", soft_wrap=True)
    ERR.print(f"{words.step} {_plain(error.step)}", soft_wrap=True)
    raise SystemExit(UNUSABLE)


def _plain(text: str) -> str:
    """The text with its square brackets kept from being read as markup."""
    return text.replace("[", r"\[")
