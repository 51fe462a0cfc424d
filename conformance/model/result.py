"""Results of cases and of a run: the model that every report is written from, and the errors that end a case."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from conformance.model.case import Case, RoleName
from conformance.words import LocalisedError, Texts, plain, say


class Outcome(StrEnum):
    """Outcome of a case."""

    PASS = "pass"  # noqa: S105  # not a password
    FAIL = "fail"
    SKIP = "skip"
    """Required, but could not be verified."""
    OMIT = "omit"
    """Not required here."""
    ERROR = "error"
    """The kit failed."""
    CONFIG_ERROR = "config-error"
    """The partner's set-up is invalid; no statement about conformance."""

    @property
    def label(self) -> Texts:
        """Label for partners."""
        return {
            Outcome.PASS: say("pass"),
            Outcome.FAIL: say("fail"),
            Outcome.SKIP: say("skip"),
            Outcome.OMIT: say("omit"),
            Outcome.ERROR: say("kit-error"),
            Outcome.CONFIG_ERROR: say("config-error"),
        }[self]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, masked when recorded. Without an answer ``status`` is 0 and ``answer`` the reason."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    status: int
    answer_headers: Mapping[str, str]
    answer: str
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Deviation:
    """One deviation: location within the case, expected value, actual value."""

    location: Texts
    expected: Texts
    actual: Texts


class UnverifiableError(LocalisedError):
    """The case is required but cannot be verified here; the result is a skip."""


class NotApplicableError(LocalisedError):
    """The case is not required here; the result is an omission."""


class PartnerFailedError(LocalisedError):
    """The partner's platform failed to execute an order; the result is a failure."""

    def __init__(self, finding: Deviation) -> None:
        super().__init__(finding.actual)
        self.finding = finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Result of one case. ``reason`` explains a skip, an omission or an error; for an announced failure it is the
    partner's own (``announced``).
    """

    case: Case
    outcome: Outcome
    findings: tuple[Deviation, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    reason: Texts | None = None
    announced: bool = False
    milliseconds: int = 0


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions that produced the results."""

    kit: str
    protocol: str
    schema: str
    rules: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run: target, versions, start (``began``, RFC 3339 in UTC), and all results in the order of the cases. ``used``
    are the optional features that the partner was seen to use; ``reference`` is the address of a gateway that explains
    the requirements.
    """

    role: RoleName
    target: str
    profile: str
    versions: Versions
    seed: str
    began: str
    milliseconds: int
    results: tuple[Result, ...]
    used: tuple[str, ...] = ()
    reference: str | None = None

    def totals(self) -> Mapping[Outcome, int]:
        """Number of results by outcome, without announced failures."""
        counted = Counter(result.outcome for result in self.results if not result.announced)
        return {outcome: counted[outcome] for outcome in Outcome}

    @property
    def announced(self) -> int:
        """Number of announced failures."""
        return sum(result.announced for result in self.results)

    @property
    def conforms(self) -> bool:
        """Whether every required case was verified and passed, without any announced failure."""
        totals = self.totals()
        return not self.announced and totals[Outcome.PASS] > 0 and not any(totals[outcome] for outcome in _BLOCKING)

    @property
    def exit_code(self) -> int:
        """0, or the code of the gravest outcome (see ``EXIT_CODES``)."""
        totals = self.totals()
        return next((code for outcome, code in EXIT_CODES.items() if totals[outcome]), 0)


EXIT_CODES: Mapping[Outcome, int] = {Outcome.ERROR: 4, Outcome.CONFIG_ERROR: 3, Outcome.FAIL: 1, Outcome.SKIP: 5}
"""Exit codes of the command, the gravest first. 2 is a usage error."""
_BLOCKING = tuple(EXIT_CODES)


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
            finding = Deviation(plain("conformance.toml"), expected, say("case-passes"))
            return replace(result, outcome=Outcome.FAIL, findings=(finding,))
    return result
