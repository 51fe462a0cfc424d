"""Verifying: what a case's playing may say besides findings, and how a set of problems is compared."""

from collections.abc import Iterable, Mapping
from typing import Any

from conformance.model.case import Verdict
from conformance.model.result import Finding
from conformance.script.matcher import shown
from conformance.words import Texts, ToldError, joined, plain, say


class UnverifiableError(ToldError):
    """The case cannot be verified here, though it has to be: the result is a skip."""


class NotApplicableError(ToldError):
    """The case need not be verified here: the result is an omission."""


class PartnerFailedError(ToldError):
    """The partner's platform failed to do what it was told: the result is a failure."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.actual)
        self.finding = finding


def compare_problems(expected: Verdict, told: Any, place: Texts) -> list[Finding]:
    """What is wrong with the problems that a target told: one finding for those it missed, one for those it made up."""
    if not isinstance(told, list):
        return [Finding(place, say("problem-list"), say("no-list"))]
    found: set[tuple[str, str]] = set()
    findings = []
    for problem in told:
        code, pointer = _code_and_pointer(problem)
        if isinstance(code, str) and isinstance(pointer, str):
            found.add((code, pointer))
        else:
            findings.append(Finding(place, say("problem-form"), plain(shown(problem))))
    if expected.problems - found:
        missed = say("not-told", problems=_listed(expected.problems - found))
        findings.append(Finding(place, _listed(expected.problems), missed))
    if found - expected.problems:
        wanted = _listed(expected.problems) if expected.problems else say("no-problem")
        findings.append(Finding(place, wanted, say("told", problems=_listed(found - expected.problems))))
    return findings


def _code_and_pointer(problem: Any) -> tuple[Any, Any]:
    """As the target told them; no pointer points to the whole."""
    return (problem.get("code"), problem.get("pointer", "")) if isinstance(problem, Mapping) else (None, None)


def _listed(problems: Iterable[tuple[str, str]]) -> Texts:
    return joined((_one(code, pointer) for code, pointer in sorted(problems)), ", ")


def _one(code: str, pointer: str) -> Texts:
    return say("problem-at", code=shown(code), pointer=shown(pointer)) if pointer else say("problem", code=shown(code))
