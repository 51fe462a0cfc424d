"""Output of commands: consoles, tables without truncation, JSON, exit codes, and errors with a remedy."""

import importlib
import json
import sys
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from functools import wraps
from types import SimpleNamespace
from typing import Annotated, Any, NoReturn, ParamSpec

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas.rulebook import Language, Severity
from schemas.texts import load_words

_WIDE = 120
"""Columns if the output is no terminal: a file, a pipe, a build log."""

OUT = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _WIDE)
ERR = Console(stderr=True, highlight=False, soft_wrap=True, width=None if sys.stderr.isatty() else _WIDE)

FAILED = 1
"""Exit code: the command ran, and its result is negative (refused offers, findings, differences)."""
UNUSABLE = 2
"""Exit code: the command could not run."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Lang = Annotated[Language, typer.Option(help="Language of the explanations.")]

SEVERITIES: Mapping[Language, dict[Severity, str]] = load_words(dict, "gateway", "severities")
"""Names of severities per language; colours are lost in a file."""

Arguments = ParamSpec("Arguments")
_WORDS = load_words(SimpleNamespace, "gateway", "console")
_GAP = 2
_INDENT = "  "
_BETWEEN = " · "


class CommandError(Exception):
    """A command cannot continue. ``message`` is the error and ``step`` the remedy, both in ``language``; operator
    commands use English.
    """

    def __init__(self, message: str, *, step: str, language: Language = "en") -> None:
        super().__init__(message)
        self.step = step
        self.language: Language = language


def asynchronous(command: Callable[Arguments, Coroutine[Any, Any, None]]) -> Callable[Arguments, None]:
    """A coroutine function as a command."""

    @wraps(command)
    def started(*arguments: Arguments.args, **options: Arguments.kwargs) -> None:
        loop = importlib.import_module("gateway.runtime.loop")  # of the commands only that need it
        loop.run(command(*arguments, **options))

    return started


def stop(error: CommandError) -> NoReturn:
    """Print the error and its remedy on stderr, and exit with UNUSABLE."""
    words = _WORDS[error.language]
    ERR.print(f"[bold red]{words.error}[/] {_escape_markup(str(error))}")
    ERR.print(f"{words.step} {_escape_markup(error.step)}")
    raise SystemExit(UNUSABLE)


def _escape_markup(text: str) -> str:
    """Escape square brackets, so that rich does not read them as markup."""
    return text.replace("[", r"\[")


def print_findings(console: Console, findings: Iterable[str]) -> None:
    """Print one line per finding, marked as wrong."""
    for finding in findings:
        console.print(Text.assemble(("✗ ", "red"), finding))


def print_json(document: object) -> None:
    """Print an indented JSON document."""
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))


def print_rows(
    console: Console, heads: Sequence[str], rows: Sequence[Sequence[Text]], *, left: int, label: str = "{}: {}"
) -> None:
    """Print a table; its first ``left`` columns are left-aligned texts, the others right-aligned numbers. If a line is
    wider than the console, each row is printed as its first cell, and below it the other cells, each with its head
    formatted by ``label``.
    """
    widths = [max(cell_len(head), *(row[at].cell_len for row in rows)) for at, head in enumerate(heads)] if rows else []
    if sum(widths) + _GAP * (len(heads) - 1) > console.width:
        for row in rows:
            for line in _block(heads, row, label=label, width=console.width):
                console.print(line)
        return
    table = Table(*heads, box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
    for column in table.columns:
        column.no_wrap = True
    for column in table.columns[left:]:
        column.justify = "right"
    for row in rows:
        table.add_row(*row)
    console.print(table, soft_wrap=False)


def print_pairs(console: Console, pairs: Mapping[str, str]) -> None:
    """Print labels and texts: side by side if every line fits the console, else the text below its label."""
    widest = max(map(cell_len, pairs), default=0)
    if any(widest + _GAP + cell_len(text) > console.width for text in pairs.values()):
        for label, text in pairs.items():
            console.print(Text(label, style="bold"))
            console.print(Text(_INDENT + text))
        return
    for label, text in pairs.items():
        console.print(Text(label + " " * (widest - cell_len(label) + _GAP) + text))


def _block(heads: Sequence[str], row: Sequence[Text], *, label: str, width: int) -> Iterator[Text]:
    """The lines of one row; the terminal wraps a cell that is longer than a line, so that none is truncated."""
    title = row[0].copy()
    title.stylize("bold")
    yield title
    line = Text(_INDENT)
    for head, cell in zip(heads[1:], row[1:], strict=True):
        if not cell.plain:
            continue
        before, _, after = label.format(head, "\0").partition("\0")
        piece = Text.assemble(before, cell, after)
        if line.plain != _INDENT and line.cell_len + len(_BETWEEN) + piece.cell_len > width:
            yield line
            line = Text(_INDENT)
        line = Text.assemble(line, _BETWEEN if line.plain != _INDENT else "", piece)
    if line.plain != _INDENT:
        yield line
