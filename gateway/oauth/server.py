"""The token endpoint's rules on Authlib's synchronous server: client credentials, by three authentication methods."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

from authlib.oauth2.rfc6749 import AuthorizationServer, ClientCredentialsGrant, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

from gateway.clock import Clock
from gateway.oauth.client import KEY_METHOD, METHODS, OAuthClient
from gateway.oauth.client_assertion import Assertion
from gateway.oauth.jws import read_unverified
from gateway.oauth.refusal import RefusalError, refusal_of
from gateway.oauth.token import LIFETIME_SECONDS, AccessTokens
from gateway.partners import Partners
from gateway.partners.revocation import credential_of, issued_since
from gateway.protocol.partner import SCOPES

Answer: TypeAlias = tuple[int, Mapping[str, str], Mapping[str, Any]]
"""HTTP status, headers, and the members of a JSON object."""

_REQUEST_URI = "https://gateway/oauth/token"
"""Authlib refuses plain http; whether TLS ends here or in front of the gateway is a matter of the deployment."""


class TokenRequest(OAuth2Request):  # type: ignore[misc]  # Authlib has no types
    """A parsed token request."""

    def __init__(self, form: Mapping[str, str], *, authorization: str | None) -> None:
        super().__init__(
            "POST", _REQUEST_URI, headers={} if authorization is None else {"Authorization": authorization}
        )
        self.payload = BasicOAuth2Payload(form)
        self.refusal: RefusalError | None = None

    @property
    def form(self) -> Mapping[str, str]:
        """The form's parameters."""
        form: Mapping[str, str] = self.payload.data
        return form


class Grant(ClientCredentialsGrant):  # type: ignore[misc]  # Authlib has no types
    """Client credentials, for the partner's scopes."""

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar[Sequence[str]] = METHODS

    def validate_requested_scope(self) -> None:
        """Refuse scopes beyond the partner's."""
        self.request.client.granted(self.request.payload.scope)

    def create_token_response(self) -> tuple[int, Mapping[str, Any], Sequence[tuple[str, str]]]:
        """The token. Replaces the inherited method, which writes the token to the debug log."""
        client: OAuthClient = self.request.client
        if self.request.auth_method == KEY_METHOD:
            _check_generation(self.request.form["client_assertion"], client)
        return 200, self.server.issue(client, client.granted(self.request.payload.scope)), self.TOKEN_RESPONSE_HEADER


class Server(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    """Authlib's server for this gateway. Stores no token: tokens are self-contained."""

    def __init__(
        self, partners: Partners, tokens: AccessTokens, *, audiences: Sequence[str], clock: Clock, elapsed: Clock
    ) -> None:
        super().__init__(scopes_supported=list(SCOPES))
        self._partners = partners
        self._tokens = tokens
        self._clock = clock
        self.register_client_auth_method(KEY_METHOD, Assertion(audiences=audiences, clock=clock, elapsed=elapsed))
        self.register_grant(Grant)

    def query_client(self, client_id: str) -> OAuthClient | None:
        """The partner of this slug, unless revoked."""
        partner = self._partners.get(client_id)
        return None if partner is None or partner.revoked else OAuthClient(partner, now=self._clock())

    def issue(self, client: OAuthClient, scopes: Sequence[str]) -> Mapping[str, Any]:
        """The members of a successful answer (RFC 6749, 5.1)."""
        generation = client.partner.generation
        token = self._tokens.issue(
            client.partner.platform,
            scopes,
            token_id=secrets.token_urlsafe(16),
            generation=None if generation is None else generation.id,
            credential=None if client.secret is None else credential_of(client.secret),
        )
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": LIFETIME_SECONDS,
            "scope": " ".join(scopes),
        }

    def create_oauth2_request(self, request: TokenRequest) -> TokenRequest:
        """Return the request, which is already parsed."""
        return request

    def handle_response(self, status: int, body: Mapping[str, Any], headers: Sequence[tuple[str, str]]) -> Answer:
        """An answer, independent of the web framework."""
        return status, dict(headers), body

    def handle_error_response(self, request: TokenRequest, error: OAuth2Error) -> Answer:
        """A refusal with the gateway's own texts."""
        request.refusal = refusal_of(error)
        answer: Answer = self.handle_response(*request.refusal())
        return answer

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Do nothing: Authlib's signals have no receiver here."""


def _check_generation(assertion: str, client: OAuthClient) -> None:
    """Refuse an assertion with an ``iat`` before the start of the partner's generation of credentials."""
    issued_at = read_unverified(assertion).claims.get("iat")
    if isinstance(issued_at, int | float) and not issued_since(int(issued_at), client.partner.generation):
        raise RefusalError("assertion-expired")
