"""What can be seen from here: nothing is told of offers before the view has them all."""

from aiohttp import hdrs, web

from gateway.api.context import context_of
from gateway.api.problem import ProblemError

_RETRY_SECONDS = "5"


def require_sight(request: web.Request) -> None:
    """Refuse with 503 while the view of offers is being filled: it would call live offers unknown (ERR-008)."""
    if not context_of(request).caught_up():
        raise view_behind()


def view_behind() -> ProblemError:
    """The problem of a view that is being filled."""
    return ProblemError("view-behind", headers={hdrs.RETRY_AFTER: _RETRY_SECONDS})
