"""The claims of a verified token, and the port that verifies tokens."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of a verified token: its platform and its scopes.

    ``generation`` and ``credential`` name the partner's credentials in tokens of this gateway. ``issuer`` and
    ``issued_at`` (seconds since 1970) are set in tokens of an external issuer.
    """

    platform: str
    scopes: frozenset[str]
    expires_at: int
    generation: str | None = None
    credential: str | None = None
    issuer: str | None = None
    issued_at: int | None = None


class TokenVerifier(Protocol):
    """Verifies identity only: the protocol decides the rights of a platform."""

    async def verify(self, token: str) -> Claims:
        """The claims of a bearer token whose credential the partner still has. Raises TokenError."""
