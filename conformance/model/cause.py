"""Root cause: one fault that explains the failures of a run, reported once and first, with the next step. Pure."""

from dataclasses import dataclass, replace

from conformance.model.case import Case, RoleName, Script
from conformance.model.result import Deviation, Exchange, Outcome, Result
from conformance.words import Texts, say

FAMILY = "run"
"""The family of the results that report a cause; no case has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A cause, named by ``code``. ``outcome`` separates a wrong set-up (``config-error``) from a fault of the examined
    system (``fail``) and from a run that cannot verify more (``skip``). ``words`` are the other side's own.
    """

    code: str
    title: Texts
    step: Texts
    outcome: Outcome = Outcome.CONFIG_ERROR
    words: Texts | None = None
    requirements: tuple[str, ...] = ()
    finding: Deviation | None = None

    def as_fault(self, *, since: str) -> "Cause":
        """The same cause where it began during the run, in or after the case ``since``: a fault of the system."""
        title = say("cause-since", title=self.title, case=since)
        return replace(self, title=title, outcome=Outcome.FAIL, step=say("cause-since-step", case=since))


def cause_result(cause: Cause, role: RoleName, exchanges: tuple[Exchange, ...] = ()) -> Result:
    """The result that reports a cause, in the form of a case of the family ``run``."""
    case = Case(
        id=f"{FAMILY}/{cause.code}",
        requirements=cause.requirements,
        roles=frozenset({role}),
        title=cause.title,
        explanation=say("cause-explanation"),
        mend=cause.step,
        subject=Script(()),
    )
    findings = () if cause.finding is None else (cause.finding,)
    return Result(case=case, outcome=cause.outcome, findings=findings, exchanges=exchanges, reason=cause.words)
