"""Announced failures: strict expected failures with a reason and a last day."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from conformance.model.result import Finding, Outcome, Result
from conformance.words import plain, say


@dataclass(frozen=True, slots=True)
class Announced:
    """A failure that the partner announced; ``until`` is the last day on which it is excused."""

    case: str
    reason: str
    until: date


def excuse(result: Result, announced: Sequence[Announced], *, on: date) -> Result:
    """The result after announcements: a failure announced in time is excused; an announced case that passes fails, so
    that the announcement is removed.
    """
    found = next((one for one in announced if one.case == result.case.id), None)
    if found is None:
        return result
    reason = plain(found.reason)
    match result.outcome:
        case Outcome.FAIL if on <= found.until:
            return replace(result, announced=True, reason=reason)
        case Outcome.FAIL:
            return replace(result, reason=reason)
        case Outcome.PASS:
            expected = say("announced-failure", until=found.until)
            finding = Finding(plain("conformance.toml"), expected, say("case-passes"))
            return replace(result, outcome=Outcome.FAIL, findings=(finding,))
    return result
