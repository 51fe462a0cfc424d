"""Readiness guard: answers 503 until a view has caught up with the log (ERR-008)."""

from aiohttp import hdrs

from gateway.api.problem import ProblemError
from gateway.store.view import View

_RETRY_SECONDS = "5"


def require_caught_up(*views: View) -> None:
    """Refuse with 503 while a view is being filled: a record not read yet would look unknown (ERR-008). Raises
    ProblemError.
    """
    if not all(view.caught_up for view in views):
        raise view_behind()


def view_behind() -> ProblemError:
    """The problem of a view that is being filled."""
    return ProblemError("view-behind", headers={hdrs.RETRY_AFTER: _RETRY_SECONDS})
