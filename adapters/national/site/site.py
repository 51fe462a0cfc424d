"""The national site as this side sees it: five calls, their answers, and what may go wrong on the way.

SiteError
├── SiteUnavailableError   nothing was done there: the same call may be made again
├── OutcomeUnknownError    the call was sent and no answer came: the index tells what became of it
└── LoginRefusedError      the account's e-mail and password, or its token, are not accepted
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class SiteError(Exception):
    """A call to the national site that has no answer in the site's form. ``step`` is what the operator can do about it,
    where anything can be done on this side.
    """

    def __init__(self, message: str, *, step: str | None = None) -> None:
        super().__init__(message)
        self.step = step


class SiteUnavailableError(SiteError):
    """Nothing was done there: not connected, not sent, or turned away before it was read."""


class OutcomeUnknownError(SiteError):
    """The call was sent, and no whole answer came; it may have been done."""


class LoginRefusedError(SiteError):
    """The site refused the account: no call can succeed before the operator has done the ``step``."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the site answered: the status, and the body as JSON (its text where it was not JSON)."""

    status: int
    body: Any


class Site(Protocol):
    """One account at the national site."""

    async def create(self, body: Mapping[str, Any]) -> Answer:
        """Create an offer; the body holds its remote id. A body with ``period`` goes through the old interface."""
        ...

    async def update(self, remote_id: str, body: Mapping[str, Any]) -> Answer:
        """Replace an offer by a complete body. A body with ``period`` goes through the old interface."""
        ...

    async def delete(self, remote_id: str) -> Answer:
        """Delete an offer for good: its remote id is dead from then on."""
        ...

    async def index(self, page: int) -> Answer:
        """One page, counted from 1, of the account's own offers, 30 a page, newest first."""
        ...

    async def search(self, page: int, **filters: str) -> Answer:
        """One page of everybody's offers; needs the right ``api_full_access``."""
        ...
