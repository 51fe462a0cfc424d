"""What can be seen from here: nothing is told out of a view before it has all."""

from aiohttp import hdrs

from gateway.api.problem import ProblemError
from gateway.store.view import View

_RETRY_SECONDS = "5"


def require_sight(*views: View) -> None:
    """Refuse with 503 while one of these is being filled: it would call unknown what is only not read yet (ERR-008)."""
    if not all(view.caught_up for view in views):
        raise view_behind()


def view_behind() -> ProblemError:
    """The problem of a view that is being filled."""
    return ProblemError("view-behind", headers={hdrs.RETRY_AFTER: _RETRY_SECONDS})
