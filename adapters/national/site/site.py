"""Port of the national site: five calls, the errors of the transport, and the deletion of all rows of a remote id.

SiteError
├── SiteUnavailableError   the call had no effect: it may be retried
├── OutcomeUnknownError    the call was sent without an answer: the index resolves its outcome
└── LoginRefusedError      the site refuses the account's e-mail and password, or its token
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import structlog

from adapters.national.site.answer import AlreadyDeleted, DoneAnswer, Missing, Outcome, SiteAnswer, outcome_about
from adapters.national.site.timing import Timing, backoff

MAX_TRIES = 8
"""Maximum of tries of a call that an order makes."""
_MAX_ROWS = 5

_log = structlog.get_logger()


class SiteError(Exception):
    """A call to the national site without an answer in the site's form. ``step`` is the remedy for the operator, if
    there is one.
    """

    def __init__(self, message: str, *, step: str | None = None) -> None:
        super().__init__(message)
        self.step = step


class SiteUnavailableError(SiteError):
    """The call had no effect: not connected, not sent, or refused before it was read."""


class OutcomeUnknownError(SiteError):
    """The call was sent without a complete answer; it may have been carried out."""


class LoginRefusedError(SiteError):
    """The site refused the account: no call can succeed before the operator takes the ``step``."""


class Site(Protocol):
    """One account at the national site."""

    async def create(self, body: Mapping[str, Any]) -> SiteAnswer:
        """Create an offer; the body holds its remote id. A body with ``period`` goes through the old interface."""
        ...

    async def update(self, remote_id: str, body: Mapping[str, Any]) -> SiteAnswer:
        """Replace an offer by a complete body. A body with ``period`` goes through the old interface."""
        ...

    async def delete(self, remote_id: str) -> SiteAnswer:
        """Delete an offer permanently: its remote id is dead from then on."""
        ...

    async def index(self, page: int) -> SiteAnswer:
        """One page, counted from 1, of the account's own offers, 30 a page, newest first."""
        ...

    async def search(self, page: int, **filters: str) -> SiteAnswer:
        """One page of the offers of all partners; needs the right ``api_full_access``."""
        ...


async def delete_rows(site: Site, name: str) -> Outcome:
    """Delete every row of a remote id. The site checks that a remote id is free and then inserts, without a unique
    index, so that two concurrent creations leave two rows.

    Returns the outcome of the first deletion once the site answers that no row is
    left, else the outcome that stopped the loop. Raises SiteError.
    """
    first = outcome = outcome_about(name, await site.delete(name))
    for _ in range(_MAX_ROWS):
        match outcome:
            case DoneAnswer():
                outcome = outcome_about(name, await site.delete(name))
            case AlreadyDeleted() | Missing():
                return first
            case _:
                break
    return outcome


async def call_until(
    settling: tuple[type[Outcome], ...],
    call: Callable[[], Awaitable[Outcome]],
    timing: Timing,
    *,
    name: str,
    remote_id: str,
) -> Outcome | None:
    """Repeat a call of an order, with backoff, until its outcome is of a ``settling`` kind; None after ``MAX_TRIES``.
    ``name`` is the call's in the log. Raises LoginRefusedError.
    """
    for tries in range(MAX_TRIES):
        try:
            outcome = await call()
        except (SiteUnavailableError, OutcomeUnknownError) as error:
            _log.warning("national.call_failed", call=name, remote_id=remote_id, error=str(error))
        else:
            if isinstance(outcome, settling):
                return outcome
        await timing.sleep(backoff(tries, timing.chance) / 1000)
    return None
