"""An account at the national site: its origin, its credentials, and the token that they give for a day."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from yarl import URL

from gateway.clock import Clock

RENEWED_AFTER = 23 * 3_600_000
"""Milliseconds after which a token is renewed; at the site it expires after 24 hours."""

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

Login: TypeAlias = Callable[[], Awaitable[str]]
"""Logs in once and returns the token. Raises SiteError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account: ``name`` identifies it in logs and messages, ``url`` is the site's origin. ``repr`` omits secrets.

    ``v1_token`` opens the old interface, the only one that takes offers of one week for seconde. ``formerly`` are
    e-mails that the account had at the site before.
    """

    name: str
    url: str
    email: str = field(repr=False)
    password: str = field(repr=False)
    v1_token: str | None = field(default=None, repr=False)
    formerly: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        """Credentials are sent over TLS or to the loopback interface only. Raises ValueError."""
        url = URL(self.url)
        if url.origin() != url or not (url.scheme == "https" or (url.scheme == "http" and url.host in _LOOPBACK)):
            raise ValueError(f"{self.url} is not the origin of a site: expected https://host, without path")


class Token:
    """The account's current token: requested when needed, renewed early, dropped when the site refuses it."""

    def __init__(self, login: Login, *, clock: Clock) -> None:
        self._login = login
        self._clock = clock
        self._lock = asyncio.Lock()
        self._value: str | None = None
        self._born = 0

    async def get(self) -> str:
        """A token that has not expired, as far as is known. One login serves all waiting callers."""
        async with self._lock:
            if self._value is None or not 0 <= self._clock() - self._born < RENEWED_AFTER:
                self._born = self._clock()
                self._value = await self._login()
            return self._value

    def forget(self, value: str) -> None:
        """Drop a token that the site refused, unless it was replaced meanwhile."""
        if self._value == value:
            self._value = None
