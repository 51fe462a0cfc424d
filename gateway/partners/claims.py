"""What a verified token proves, and the port that verifies it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says: whose it is and what it may do.

    ``generation`` and ``credential``: of the partner's credentials, in tokens of this gateway. ``issuer`` and
    ``issued_at`` (seconds since 1970): in tokens of an external one.
    """

    platform: str
    scopes: frozenset[str]
    expires_at: int
    generation: str | None = None
    credential: str | None = None
    issuer: str | None = None
    issued_at: int | None = None


class TokenVerifier(Protocol):
    """Proves identity, nothing else: what a platform may do is the protocol's affair."""

    async def verify(self, token: str) -> Claims:
        """The claims of a bearer token, whose credential the partner still has. Raises TokenError."""
