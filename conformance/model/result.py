"""Results: what became of each case, and of a run as a whole; the one model that every report is written from."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from conformance.model.case import Case, Role
from conformance.words import Texts


class Outcome(StrEnum):
    """What became of a case."""

    PASS = "pass"  # noqa: S105  # not a password
    FAIL = "fail"
    SKIP = "skip"
    """It could not be verified, though it had to be."""
    OMIT = "omit"
    """It need not be verified here."""
    ERROR = "error"
    """The kit failed."""
    CONFIG_ERROR = "config-error"
    """The partner's set-up is wrong; this says nothing about conformance."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, masked when recorded. Without an answer ``status`` is 0 and ``answer`` says why."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    status: int
    answer_headers: Mapping[str, str]
    answer: str
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be: where in the case, what was expected, what was found."""

    place: Texts
    expected: Texts
    actual: Texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one case. ``reason`` says why it was skipped, omitted, or is an error; or, for a failure that was
    announced, the partner's own reason (``announced``).
    """

    case: Case
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    reason: Texts | None = None
    announced: bool = False
    milliseconds: int = 0


@dataclass(frozen=True, slots=True)
class Versions:
    """What the results were found with."""

    kit: str
    protocol: str
    schema: str
    rules: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run: whom it examined, with what, when (RFC 3339, UTC), and all results in the order of the cases."""

    role: Role
    target: str
    profile: str
    versions: Versions
    seed: str
    began: str
    milliseconds: int
    results: tuple[Result, ...]

    def totals(self) -> Mapping[Outcome, int]:
        """How many results of each kind, announced failures apart."""
        counted = Counter(result.outcome for result in self.results if not result.announced)
        return {outcome: counted[outcome] for outcome in Outcome}

    @property
    def announced(self) -> int:
        """How many failures were announced."""
        return sum(result.announced for result in self.results)

    @property
    def conforms(self) -> bool:
        """Whether everything that had to be verified was, and is as it must be, without any excuse."""
        totals = self.totals()
        return not self.announced and totals[Outcome.PASS] > 0 and not any(totals[outcome] for outcome in _BLOCKING)

    @property
    def exit_code(self) -> int:
        """0, or the number of the gravest outcome (see ``EXIT_CODES``)."""
        totals = self.totals()
        return next((code for outcome, code in EXIT_CODES.items() if totals[outcome]), 0)


EXIT_CODES: Mapping[Outcome, int] = {Outcome.ERROR: 4, Outcome.CONFIG_ERROR: 3, Outcome.FAIL: 1, Outcome.SKIP: 5}
"""What the command ends with, the gravest first. 2 is a command that was called wrongly."""
_BLOCKING = tuple(EXIT_CODES)
