"""Results and runs for the tests of reports and outcomes."""

from conformance.model.case import Case, Script
from conformance.model.result import Deviation, Exchange, Outcome, Result, Run, Versions
from conformance.words import plain, say


def case(number: int = 1, family: str = "feed") -> Case:
    return Case(
        id=f"{family}/case-{number}",
        requirements=("FEED-001", "FEED-002"),
        roles=frozenset({"gateway"}),
        title={"fr": f"Le cas <{number}>", "en": f"The case <{number}>"},
        explanation={"fr": "Pourquoi", "en": "Why"},
        mend={"fr": "Comment & où", "en": "How & where"},
        subject=Script(()),
    )


def result(outcome: Outcome, number: int = 1, *, family: str = "feed", announced: bool = False) -> Result:
    wrong = outcome not in {Outcome.PASS, Outcome.OMIT}
    exchange = Exchange("PUT", "http://x/1", {"Authorization": "•••"}, "{}", 422, {}, '{"a": "<b>"}', 3)
    return Result(
        case=case(number, family),
        outcome=outcome,
        findings=(Deviation(say("at-status", location=say("step", number=1)), plain(201), plain("<422>\x00")),)
        if wrong
        else (),
        exchanges=(exchange,) if wrong else (),
        reason=None if outcome is Outcome.PASS else {"fr": "raison", "en": "reason"},
        announced=announced,
        milliseconds=12,
    )


def run(*results: Result) -> Run:
    return Run(
        role="gateway",
        target="https://gateway.example.org",
        profile="full",
        versions=Versions("1.0.0", "1", "1.2", "2026-11"),
        seed="abc",
        began="2026-11-24T08:00:00Z",
        milliseconds=4321,
        results=results,
    )
