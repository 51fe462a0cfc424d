"""Readiness guard: 503 while a view is being filled, as a record that is not read yet would look unknown (ERR-008)."""

from aiohttp import hdrs

from gateway.api.problem import ProblemError
from gateway.store.view import View


def require_caught_up(*views: View) -> None:
    """Refuse with 503 while one of the views is being filled. Raises ProblemError."""
    if not all(view.caught_up for view in views):
        raise view_behind()


def view_behind() -> ProblemError:
    """The problem of a view that is being filled, or has not yet read what the request refers to."""
    return ProblemError("view-behind", headers={hdrs.RETRY_AFTER: "5"})
