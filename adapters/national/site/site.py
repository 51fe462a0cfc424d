"""Calls to the national site: the errors of the transport, and the repetition of a call until it is answered.

SiteError
├── SiteUnavailableError   the call had no effect: it may be retried
├── OutcomeUnknownError    the call was sent without an answer: the index resolves its outcome
└── LoginRefusedError      the site refuses the account's e-mail and password, or its token
"""

from collections.abc import Awaitable, Callable

import structlog

from adapters.national.site.answer import Outcome
from adapters.national.site.timing import Timing, backoff

MAX_TRIES = 8
"""Maximum of tries of a call that an order makes."""

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
