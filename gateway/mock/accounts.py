"""Accounts of the mock: a token for any client id and secret, or for given accounts only; tokens that can be ended."""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

from gateway.api.tokens import TokenIssuer
from gateway.errors import TokenError
from gateway.oauth.form import claimed_client, read_request
from gateway.oauth.refusal import RefusalError
from gateway.oauth.server import TokenRequest
from gateway.partners import Partners
from gateway.partners.credential import hash_secret, matching_secret
from gateway.partners.onboarding import DEFAULT_SCOPES, presets
from gateway.partners.revocation import Claims, TokenVerifier
from gateway.protocol.identity import is_slug
from gateway.protocol.partner import SCOPES, Partner, Secret

_MAX_SECRETS = 5
_MAX_TOKENS = 10_000


def account(
    platform: str, secret: str = "", *, scopes: Iterable[str] = DEFAULT_SCOPES, host: str | None = None
) -> Partner:
    """A partner with this secret and host, and with what is known of a platform of its name."""
    known = presets().get(platform) or Partner(platform=platform, name=platform, scopes=DEFAULT_SCOPES)
    own = frozenset(scope for scope in SCOPES if scope in scopes)
    hosts = known.hosts if host is None else (host,)
    return replace(known, scopes=own, hosts=hosts, secrets=(_secret(secret),) if secret else ())


class Tokens:
    """The token endpoint's issuer and the API's verifier in one: only tokens of this process hold, until ``end``.
    ``clients``: the platform of each client id that is not the platform's slug. ``open_to_all``: a platform's slug with
    any secret becomes its account on first use.
    """

    def __init__(
        self,
        partners: Partners,
        issuer: TokenIssuer,
        verifier: TokenVerifier,
        *,
        clients: Mapping[str, str],
        open_to_all: bool,
    ) -> None:
        self._partners = partners
        self._issuer = issuer
        self._verifier = verifier
        self._names = {**dict.fromkeys(clients.values(), ""), **clients}
        self._open_to_all = open_to_all
        self._live: dict[str, None] = {}

    def end(self) -> None:
        """End every token."""
        self._live.clear()

    async def token(
        self, body: bytes, *, content_type: str, authorization: str | None, peer: str
    ) -> tuple[int, Mapping[str, str], Mapping[str, Any]]:
        """As the gateway's issuer answers."""
        if self._names:
            body, authorization = self._named(body), self._named_basic(authorization)
        if self._open_to_all:
            with suppress(RefusalError):  # which the issuer answers
                await self._admit(read_request(body, content_type=content_type, authorization=authorization))
        answer = await self._issuer.token(body, content_type=content_type, authorization=authorization, peer=peer)
        token = answer[2].get("access_token")
        if token is not None:
            self._live[token] = None
            if len(self._live) > _MAX_TOKENS:
                del self._live[next(iter(self._live))]
        return answer

    def jwks(self) -> Mapping[str, Any]:
        """The keys of this process."""
        return self._issuer.jwks()

    def metadata(self) -> Mapping[str, Any]:
        """The metadata for OAuth clients."""
        return self._issuer.metadata()

    async def verify(self, token: str) -> Claims:
        """The claims of a token that was issued here and has not ended. Raises TokenError."""
        claims = await self._verifier.verify(token)
        if token not in self._live:
            raise TokenError("the token has been ended")
        return claims

    def _named(self, body: bytes) -> bytes:
        """The form with the platform's slug as client id."""
        pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True)
        if not {value for name, value in pairs if name == "client_id"} & self._names.keys():
            return body
        named = [(name, self._names.get(text, text) if name == "client_id" else text) for name, text in pairs]
        return urlencode(named).encode()

    def _named_basic(self, authorization: str | None) -> str | None:
        """The header with the platform's slug as client id."""
        kind, _, encoded = (authorization or "").partition(" ")
        try:
            client, colon, secret = b64decode(encoded).decode().partition(":")
        except ValueError:
            return authorization
        if unquote(client) not in self._names:
            return authorization
        return f"{kind} {b64encode(f'{self._names[unquote(client)]}{colon}{secret}'.encode()).decode()}"

    async def _admit(self, request: TokenRequest) -> None:
        """Make the account of a request, or give it one more secret."""
        platform, secret = claimed_client(request), _secret_of(request)
        known = self._partners.get(platform)
        if not secret or not is_slug(platform):
            return
        if known is not None and matching_secret(secret, known.secrets, now=0) is not None:
            return
        await self._partners.change(
            platform,
            lambda before: replace(
                before or account(platform),
                secrets=(_secret(secret), *(before.secrets if before else ()))[:_MAX_SECRETS],
            ),
        )


def _secret(text: str) -> Secret:
    return Secret(hash=hash_secret(text), created_at=0)


def _secret_of(request: TokenRequest) -> str:
    authorization = request.headers.get("Authorization")
    if authorization is not None:
        return unquote(b64decode(authorization.partition(" ")[2]).decode().partition(":")[2])
    return request.form.get("client_secret", "")
