"""Results in the order in which they are reported: a root cause comes before the failures that it explains."""

from collections.abc import Callable
from dataclasses import replace

from conformance.model.result import Outcome, Result
from conformance.words import say


def is_failure(result: Result) -> bool:
    """Whether a case did not pass, and the partner did not announce it."""
    return result.outcome not in {Outcome.PASS, Outcome.OMIT} and not result.announced


class Reported:
    """The results of a run. At most ``hold`` failures are held back until a case passes: a cause may come first."""

    def __init__(self, on_result: Callable[[Result], None], *, hold: int) -> None:
        self._on_result = on_result
        self._hold = hold
        self._results: list[Result] = []
        self._held: list[Result] = []
        self.failed = 0

    def add(self, result: Result) -> None:
        """Report a result, or hold a failure back."""
        failure = is_failure(result)
        self.failed += failure
        if failure and len(self._held) < self._hold:
            self._held.append(result)
            return
        if result.outcome is not Outcome.OMIT:
            self._release()
        self._report(result)

    def cause(self, cause: Result, last: Result | None) -> None:
        """Report a cause, then the failures that it explains; a wrong set-up says nothing of the examined system."""
        held = [*self._held, *([] if last is None or not is_failure(last) else [last])]
        self._held, self._hold = [], 0
        self._report(cause)
        for result in held if cause.outcome in {Outcome.FAIL, Outcome.SKIP} else ():
            explained = cause.outcome is Outcome.FAIL
            self._report(replace(result, reason=say("consequence", case=cause.case.id)) if explained else result)

    def finished(self) -> list[Result]:
        """All results."""
        self._release()
        return self._results

    def _release(self) -> None:
        held, self._held = self._held, []
        for result in held:
            self._report(result)

    def _report(self, result: Result) -> None:
        self._results.append(result)
        self._on_result(result)
