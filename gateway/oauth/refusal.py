"""Refusals of the token endpoint: RFC 6749 errors (section 5.2), each with its text in French and English as data."""

from typing import Any

from authlib.oauth2.rfc6749 import OAuth2Error

from schemas.refusal import token_refusals

REALM = 'Basic realm="passerelle", charset="UTF-8"'


class RefusalError(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """A refusal, raised through Authlib. ``reason`` is a key of ``schemas/oauth.json``."""

    def __init__(self, reason: str, *, retry_after: int | None = None) -> None:
        entry = token_refusals()[reason]
        super().__init__(error=entry["error"], description=entry["en"], status_code=entry["status"])
        self.reason = reason
        self._retry_after = retry_after
        self._messages = {"fr": entry["fr"], "en": entry["en"]}

    def get_body(self) -> list[tuple[str, Any]]:
        """The members of the answer; ``message`` is the gateway's, the others are the standard's."""
        return [*super().get_body(), ("message", self._messages)]

    def get_headers(self) -> list[tuple[str, str]]:
        """The headers of the answer, with a challenge on 401 and the time to wait on 429."""
        headers: list[tuple[str, str]] = super().get_headers()
        if self.status_code == 401:
            headers.append(("WWW-Authenticate", REALM))
        if self._retry_after is not None:
            headers.append(("Retry-After", str(self._retry_after)))
        return headers


_OF_AUTHLIB = {"unsupported_grant_type": "grant-type", "invalid_scope": "scope"}


def refusal_of(error: OAuth2Error) -> RefusalError:
    """The gateway's refusal for an error of Authlib, whose descriptions distinguish known clients from unknown ones."""
    return error if isinstance(error, RefusalError) else RefusalError(_OF_AUTHLIB.get(error.error, "client"))
