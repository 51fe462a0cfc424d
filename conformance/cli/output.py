"""Common to the commands: options, consoles, results as text, files of reports, and the error exit."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, NoReturn

import orjson
import typer
from rich.console import Console
from rich.markup import escape

from conformance.model.cause import FAMILY
from conformance.model.result import Outcome, Result, Run
from conformance.report.ci import write_junit, write_sarif
from conformance.report.document import Report
from conformance.report.label import is_judged, label_of, seconds
from conformance.words import Texts, both, say
from schemas.bilingual import system_reason
from schemas.rulebook import Language

_WIDE = 120
"""Columns without a terminal."""

OUT = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)
ERR = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else _WIDE)

UNUSABLE = 2
"""Exit code of a usage error."""


FORMATS = ".json, .html, .xml (JUnit), .sarif"
Lang = Annotated[Language, typer.Option(help=both(say("help-lang")), envvar="CONFORMANCE_LANG")]
Reports = Annotated[list[Path] | None, typer.Option("--report", help=both(say("help-report", forms=FORMATS)))]


def stop(text: Texts, step: Texts, code: int, language: Language) -> NoReturn:
    """Print the error and the next step on standard error, and exit with ``code``."""
    ERR.print(f"[bold red]{say('error')[language]}[/] {escape(text[language])}", soft_wrap=True)
    ERR.print(escape(say("next-step", step=step)[language]), soft_wrap=True)
    raise SystemExit(code)


_COLOURS: Mapping[Outcome, str] = {
    Outcome.PASS: "green",
    Outcome.FAIL: "red",
    Outcome.SKIP: "yellow",
    Outcome.OMIT: "dim",
    Outcome.ERROR: "red",
    Outcome.CONFIG_ERROR: "magenta",
}
_MAX_FINDINGS = 20
"""Findings printed per case."""


def print_result(result: Result, language: Language) -> None:
    """Print a result other than pass or omit: title, then findings, reason and remedy."""
    if result.outcome in {Outcome.PASS, Outcome.OMIT}:
        return
    case = result.case
    announced = f" ({say('announced')[language]})" if result.announced else ""
    OUT.print(
        f"[{_COLOURS[result.outcome]} bold]{result.outcome.label[language]}[/]{announced} "
        f"[bold]{escape(case.title[language])}[/] {case.id} [dim]{', '.join(case.requirements)}[/]",
        soft_wrap=True,
    )
    for line in result_lines(result, language):
        OUT.print(line, markup=False, soft_wrap=True)


def result_lines(result: Result, language: Language) -> list[str]:
    """The lines below a result's title: findings, reason and remedy. A judged offer's findings have remedies of their
    own, and the reason of a case that was not verified says what to do.
    """
    lines = []
    for finding in result.findings[:_MAX_FINDINGS]:
        if is_judged(result.case.id):
            texts = (finding.actual, say("at-remedy", text=finding.expected))
        else:
            texts = (say("expected", text=finding.expected), say("found", text=finding.actual))
        lines += [f"    {finding.location[language]}", *(f"      {text[language]}" for text in texts)]
    if len(result.findings) > _MAX_FINDINGS:
        lines.append(f"    {say('more-findings', number=len(result.findings) - _MAX_FINDINGS)[language]}")
    if result.reason is not None:
        lines.append(f"    {result.reason[language]}")
    mends = bool(result.findings) or result.case.family == FAMILY  # a cause always says what to do
    return lines if is_judged(result.case.id) or not mends else [*lines, f"    → {result.case.mend[language]}"]


def print_run(run: Run, language: Language) -> None:
    """Print the totals, duration, seed and versions."""
    totals = [
        f"[{_COLOURS[outcome]}]{number} {label_of(outcome, number)[language]}[/]"
        for outcome, number in run.totals().items()
        if number
    ]
    if run.announced:
        totals.append(say("announced-failures", number=run.announced)[language])
    facts = [", ".join(totals), seconds(run.milliseconds)[language]]
    if run.seed:
        facts.append(say("seed", seed=run.seed)[language])
    OUT.print(" · ".join(facts))
    OUT.print(f"[dim]{say('versions', **asdict(run.versions))[language]}[/]")


def check_reports(paths: Sequence[Path], language: Language) -> None:
    """Exit with an error where a report could not be written; called before a run, whose results would be lost."""
    for path in paths:
        if path.suffix not in _WRITERS:
            text = say("no-report-form", path=path, ending=path.suffix)
            stop(text, say("report-form-step", forms=FORMATS), UNUSABLE, language)
        check_file(path, language)


def check_file(path: Path, language: Language) -> None:
    """Exit with an error where this file could not be written."""
    exists = path.exists()
    if path.is_dir() or not path.parent.is_dir() or not os.access(path if exists else path.parent, os.W_OK):
        stop(say("unwritable", path=path), say("folder-step"), UNUSABLE, language)


def write_file(path: Path, content: bytes, language: Language) -> None:
    """Write the whole content, or exit with an error."""
    try:
        path.write_bytes(content)
    except OSError as error:
        text = say("unwritable-since", path=path, error=system_reason(error).texts)
        stop(text, say("folder-step"), UNUSABLE, language)


def write_reports(report: Report, paths: Sequence[Path], language: Language) -> None:
    """Write the report to each file, in the format of its suffix."""
    check_reports(paths, language)
    for path in paths:
        write_file(path, _WRITERS[path.suffix](report, language), language)
        ERR.print(f"→ {path}", markup=False)


def _html(report: Report, language: Language) -> bytes:
    from conformance.report.html import write_html  # noqa: PLC0415 - other commands start without Jinja2

    return write_html(report, language).encode()


_WRITERS: Mapping[str, Callable[[Report, Language], bytes]] = {
    ".json": lambda report, _: orjson.dumps(report, option=orjson.OPT_INDENT_2),
    ".html": _html,
    ".xml": lambda report, language: write_junit(report, language).encode(),
    ".sarif": write_sarif,
}
