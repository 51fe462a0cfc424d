"""Console report: each result as it comes, then the totals."""

from collections.abc import Mapping
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from conformance.model.result import Outcome, Result, Run
from conformance.words import Texts, say
from schemas.rulebook import Language

_COLOURS: Mapping[Outcome, str] = {
    Outcome.PASS: "green",
    Outcome.FAIL: "red",
    Outcome.SKIP: "yellow",
    Outcome.OMIT: "dim",
    Outcome.ERROR: "red",
    Outcome.CONFIG_ERROR: "magenta",
}
_MOST_FINDINGS = 20
"""Findings printed per case."""


def outcome_label(outcome: Outcome) -> Texts:
    """Label of an outcome."""
    return {
        Outcome.PASS: say("pass"),
        Outcome.FAIL: say("fail"),
        Outcome.SKIP: say("skip"),
        Outcome.OMIT: say("omit"),
        Outcome.ERROR: say("kit-error"),
        Outcome.CONFIG_ERROR: say("config-error"),
    }[outcome]


def print_result(console: Console | Progress, result: Result, language: Language) -> None:
    """Print a result other than pass or omit: findings, reason and remedy."""
    write = console.console.print if isinstance(console, Progress) else console.print
    if result.outcome in {Outcome.PASS, Outcome.OMIT}:
        return
    case, colour = result.case, _COLOURS[result.outcome]
    announced = f" ({say('announced')[language]})" if result.announced else ""
    write(
        f"[{colour} bold]{outcome_label(result.outcome)[language]}[/]{announced} [bold]{case.id}[/] "
        f"{escape(case.title[language])} [dim]{', '.join(case.requirements)}[/]",
        soft_wrap=True,
    )
    for finding in result.findings[:_MOST_FINDINGS]:
        write(
            f"    {escape(finding.location[language])}\n"
            f"      {escape(say('expected', told=finding.expected)[language])}\n"
            f"      {escape(say('found', told=finding.actual)[language])}",
            soft_wrap=True,
        )
    if result.reason is not None:
        write(f"    {escape(result.reason[language])}", soft_wrap=True)
    write(f"    → {escape(case.mend[language])}", soft_wrap=True)


def print_run(console: Console, run: Run, language: Language) -> None:
    """Print the totals, duration, seed and versions."""
    totals = [
        f"[{_COLOURS[outcome]}]{number} {outcome_label(outcome)[language]}[/]"
        for outcome, number in run.totals().items()
        if number
    ]
    if run.announced:
        totals.append(say("announced-failures", number=run.announced)[language])
    facts = [", ".join(totals), f"{run.milliseconds / 1000:.1f} s"]
    if run.seed:
        facts.append(say("seed", seed=run.seed)[language])
    console.print(" · ".join(facts))
    console.print(f"[dim]{say('versions', **asdict(run.versions))[language]}[/]")
