"""Verification: errors that end a case without findings, and the comparison of problem lists."""

from collections.abc import Iterable, Mapping
from typing import Any

from conformance.model.case import Verdict
from conformance.model.result import Finding
from conformance.script.matcher import render_value
from conformance.words import LocalisedError, Texts, joined, plain, say


class UnverifiableError(LocalisedError):
    """The case is required but cannot be verified here; the result is a skip."""


class NotApplicableError(LocalisedError):
    """The case is not required here; the result is an omission."""


class PartnerFailedError(LocalisedError):
    """The partner's platform failed to execute an order; the result is a failure."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.actual)
        self.finding = finding


def compare_problems(expected: Verdict, reported: Any, location: Texts) -> list[Finding]:
    """Compare the target's problems with the expected ones: one finding for missing problems, one for extra ones."""
    if not isinstance(reported, list):
        return [Finding(location, say("problem-list"), say("no-list"))]
    found: set[tuple[str, str]] = set()
    findings = []
    for problem in reported:
        code, pointer = _code_and_pointer(problem)
        if isinstance(code, str) and isinstance(pointer, str):
            found.add((code, pointer))
        else:
            findings.append(Finding(location, say("problem-form"), plain(render_value(problem))))
    if expected.problems - found:
        missed = say("not-told", problems=_listed(expected.problems - found))
        findings.append(Finding(location, _listed(expected.problems), missed))
    if found - expected.problems:
        wanted = _listed(expected.problems) if expected.problems else say("no-problem")
        findings.append(Finding(location, wanted, say("told", problems=_listed(found - expected.problems))))
    return findings


def _code_and_pointer(problem: Any) -> tuple[Any, Any]:
    """Code and pointer of a reported problem; without a pointer it concerns the whole document."""
    return (problem.get("code"), problem.get("pointer", "")) if isinstance(problem, Mapping) else (None, None)


def _listed(problems: Iterable[tuple[str, str]]) -> Texts:
    return joined((_one(code, pointer) for code, pointer in sorted(problems)), ", ")


def _one(code: str, pointer: str) -> Texts:
    return (
        say("problem-at", code=render_value(code), pointer=render_value(pointer))
        if pointer
        else say("problem", code=render_value(code))
    )
