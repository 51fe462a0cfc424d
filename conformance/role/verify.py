"""Verifying: what a case's playing may say besides findings, and how a set of problems is compared."""

from collections.abc import Iterable, Mapping
from typing import Any

from conformance.model.case import Texts, Verdict
from conformance.model.result import Finding
from conformance.script.matcher import shown


class UnverifiableError(Exception):
    """The case cannot be verified here, though it has to be: the result is a skip."""

    def __init__(self, reason: Texts) -> None:
        super().__init__(reason["en"])
        self.reason = reason


class NotApplicableError(Exception):
    """The case need not be verified here: the result is an omission."""

    def __init__(self, reason: Texts) -> None:
        super().__init__(reason["en"])
        self.reason = reason


class PartnerFailedError(Exception):
    """The partner's platform failed to do what it was told: the result is a failure."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.actual)
        self.finding = finding


def compare_problems(expected: Verdict, told: Any, place: str) -> list[Finding]:
    """What is wrong with the problems that a target told: one finding for those it missed, one for those it made up."""
    if not isinstance(told, list):
        return [Finding(place, "a list of problems", "none")]
    found: set[tuple[str, str]] = set()
    findings = []
    for problem in told:
        code, pointer = _code_and_pointer(problem)
        if isinstance(code, str) and isinstance(pointer, str):
            found.add((code, pointer))
        else:
            findings.append(Finding(place, "problems with a code and a pointer that are texts", shown(problem)))
    if expected.problems - found:
        findings.append(Finding(place, _listed(expected.problems), "not told: " + _listed(expected.problems - found)))
    if found - expected.problems:
        wanted = _listed(expected.problems) if expected.problems else "no problem"
        findings.append(Finding(place, wanted, "told: " + _listed(found - expected.problems)))
    return findings


def _code_and_pointer(problem: Any) -> tuple[Any, Any]:
    """As the target told them; no pointer points to the whole."""
    return (problem.get("code"), problem.get("pointer", "")) if isinstance(problem, Mapping) else (None, None)


def _listed(problems: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{code} at {pointer or 'the whole'}" for code, pointer in sorted(problems))
