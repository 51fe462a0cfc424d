"""The console: each result as it comes, and what to mend in the end."""

from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from conformance.model.result import Outcome, Result, Run
from schemas.rulebook import Language

_COLOURS: Mapping[Outcome, str] = {
    Outcome.PASS: "green",
    Outcome.FAIL: "red",
    Outcome.SKIP: "yellow",
    Outcome.OMIT: "dim",
    Outcome.ERROR: "red",
    Outcome.CONFIG_ERROR: "magenta",
}
_WORDS: Mapping[Outcome, Mapping[Language, str]] = {
    Outcome.PASS: {"fr": "réussi", "en": "passed"},
    Outcome.FAIL: {"fr": "échoué", "en": "failed"},
    Outcome.SKIP: {"fr": "non vérifié", "en": "not verified"},
    Outcome.OMIT: {"fr": "sans objet", "en": "not needed"},
    Outcome.ERROR: {"fr": "erreur du kit", "en": "error of the kit"},
    Outcome.CONFIG_ERROR: {"fr": "mise en place à corriger", "en": "set-up to be mended"},
}
_SHOWN = 20
"""Findings shown of one case."""


def tell_result(console: Console | Progress, result: Result, language: Language) -> None:
    """A result that is not a pass, with all that helps to mend it."""
    show = console.console.print if isinstance(console, Progress) else console.print
    if result.outcome in {Outcome.PASS, Outcome.OMIT}:
        return
    case, colour = result.case, _COLOURS[result.outcome]
    announced = {"fr": " (annoncé)", "en": " (announced)"}[language] if result.announced else ""
    show(
        f"[{colour} bold]{_WORDS[result.outcome][language]}[/]{announced} [bold]{case.id}[/] "
        f"{escape(case.title[language])} [dim]{', '.join(case.requirements)}[/]",
        soft_wrap=True,
    )
    for finding in result.findings[:_SHOWN]:
        expected = {"fr": "attendu", "en": "expected"}[language]
        found = {"fr": "trouvé", "en": "found"}[language]
        show(
            f"    {escape(finding.place)}\n      {expected} : {escape(finding.expected)}\n"
            f"      {found} : {escape(finding.actual)}",
            soft_wrap=True,
        )
    if result.reason is not None:
        show(f"    {escape(result.reason[language])}", soft_wrap=True)
    show(f"    → {escape(case.mend[language])}", soft_wrap=True)


def tell_run(console: Console, run: Run, language: Language) -> None:
    """The totals, and what they amount to."""
    told = [
        f"[{_COLOURS[outcome]}]{number} {_WORDS[outcome][language]}[/]"
        for outcome, number in run.totals().items()
        if number
    ]
    if run.announced:
        told.append(
            {"fr": f"{run.announced} échec(s) annoncé(s)", "en": f"{run.announced} announced failure(s)"}[language]
        )
    console.print(", ".join(told) + f" · {run.milliseconds / 1000:.1f} s" + (f" · seed {run.seed}" if run.seed else ""))
    versions = run.versions
    console.print(
        f"[dim]kit {versions.kit} · protocol {versions.protocol} · schema {versions.schema} · rules {versions.rules}[/]"
    )
