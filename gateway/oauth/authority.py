"""The authorization server: the token endpoint, its public keys and its metadata (RFC 8414)."""

from collections.abc import Mapping
from typing import Any

import structlog

from gateway.clock import Clock, steady
from gateway.oauth.client import GRANT_TYPE, KEY_METHOD, METHODS
from gateway.oauth.client_assertion import ASSERTION_ALGORITHMS, FirstUse
from gateway.oauth.failed_attempts import FailedAttempts
from gateway.oauth.form import claimed_client, read_request
from gateway.oauth.jws import read_unverified
from gateway.oauth.keys import KeyRing
from gateway.oauth.refusal import RefusalError
from gateway.oauth.server import Answer, Server, TokenRequest
from gateway.oauth.token import AccessTokens
from gateway.partners import Partners
from gateway.protocol.partner import SCOPES

_TOKEN_PATH = "/oauth/token"  # noqa: S105  # a path
_JWKS_PATH = "/oauth/jwks.json"
_log = structlog.get_logger()


class Authority:
    """Issues access tokens to partners. ``issuer`` is the gateway's public URL, ``processes`` the number of processes
    that serve it. ``clock`` is the wall clock; ``elapsed`` is monotonic and never jumps (ms both).

    Each process keeps the assertions that it has seen. With several replicas, ``first_use`` checks the others, too.
    """

    def __init__(
        self,
        partners: Partners,
        keys: KeyRing,
        *,
        issuer: str,
        clock: Clock,
        elapsed: Clock = steady,
        first_use: FirstUse | None = None,
        processes: int = 1,
    ) -> None:
        issuer = issuer.rstrip("/")
        self._keys = keys
        self._partners = partners
        self._issuer = issuer
        self._elapsed = elapsed
        self._first_use = first_use
        self._guesses = FailedAttempts(processes=processes)
        tokens = AccessTokens(keys, issuer=issuer, clock=clock)
        self._server = Server(partners, tokens, audiences=(issuer, issuer + _TOKEN_PATH), clock=clock, elapsed=elapsed)

    async def token(self, body: bytes, *, content_type: str, authorization: str | None, peer: str) -> Answer:
        """Answer one token request. ``peer`` is the client's network address, used only to count failed attempts."""
        try:
            request = read_request(body, content_type=content_type, authorization=authorization)
        except RefusalError as unreadable:
            return self._refuse(unreadable, client="")
        client = claimed_client(request)
        answer: Answer = self._server.create_token_response(request)
        refusal = request.refusal or await self._replayed(request)
        if refusal is None:
            _log.info("oauth.token_issued", platform=client, method=request.auth_method, scope=answer[2]["scope"])
            return answer
        if refusal.status_code == 401:
            # Only failed authentication is throttled: a guesser must not lock out the client that has the secret.
            wait = self._guesses.wait(client, peer, now=self._elapsed())
            if wait > 0:
                return self._refuse(RefusalError("too-many", retry_after=wait), client=client)
            self._guesses.failed(client, peer, now=self._elapsed())
        return self._refuse(refusal, client=client)

    def jwks(self) -> Mapping[str, Any]:
        """The public keys that verify this gateway's tokens."""
        return self._keys.jwks()

    def metadata(self) -> Mapping[str, Any]:
        """The metadata for OAuth clients (RFC 8414)."""
        return {
            "issuer": self._issuer,
            "token_endpoint": self._issuer + _TOKEN_PATH,
            "jwks_uri": self._issuer + _JWKS_PATH,
            "scopes_supported": list(SCOPES),
            "response_types_supported": [],
            "grant_types_supported": [GRANT_TYPE],
            "token_endpoint_auth_methods_supported": list(METHODS),
            "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        }

    async def _replayed(self, request: TokenRequest) -> RefusalError | None:
        """A refusal, if another replica has accepted the same assertion before."""
        if self._first_use is None or request.auth_method != KEY_METHOD:
            return None
        claims = read_unverified(request.form["client_assertion"]).claims
        first = await self._first_use(claims["sub"], claims["jti"])
        return None if first else RefusalError("assertion-replayed")

    def _refuse(self, refusal: RefusalError, *, client: str) -> Answer:
        """The answer; only the names of known platforms are logged, never text from an unknown client."""
        platform = client if self._partners.get(client) is not None else None
        _log.info("oauth.token_refused", platform=platform, reason=refusal.reason)
        status, body, headers = refusal()
        return status, dict(headers), body
