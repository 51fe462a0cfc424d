"""An external authorization server, its tokens, and a verifier that fetches its keys."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from joserfc.jwk import ECKey

from gateway.errors import TokenError
from gateway.oauth.remote import RemoteKeys
from gateway.oauth.verifier import Verifier
from tests.oauth.oauth_harness import ISSUER, OAuthHarness, sign

KEY = ECKey.generate_key("P-256", {"kid": "k1"})
SECONDS = 30.0
"""Timeout for a server on a slow machine."""


@dataclass
class Issuer:
    """An external authorization server; the test sets its behaviour."""

    url: str = ""
    requests: list[str] = field(default_factory=list)
    jwks: Any = None
    answers: dict[str, Callable[[], web.StreamResponse]] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    rfc8414: bool = True

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request.path)
        if request.path in self.answers:
            return self.answers[request.path]()
        if request.path == "/jwks":
            return web.json_response(self.jwks)
        if request.path == "/.well-known/oauth-authorization-server/realm" and self.rfc8414:
            return web.json_response(self.metadata)
        if request.path == "/realm/.well-known/openid-configuration" and not self.rfc8414:
            return web.json_response(self.metadata)
        raise web.HTTPNotFound


def with_remote(harness: OAuthHarness, certificate: Path, **settings: Any) -> OAuthHarness:
    tls = ssl.create_default_context(cafile=certificate)
    remote = RemoteKeys(clock=harness.clock, tls=tls, **{"timeout": SECONDS, **settings})
    harness.verifier = Verifier(harness.tokens, harness.partners, remote, clock=harness.clock)
    return harness


def foreign(
    harness: OAuthHarness, issuer: Issuer, *, key: Any = KEY, header: Mapping[str, Any] | None = None, **changes: Any
) -> str:
    """A valid access token of that server, with the test's changes; None leaves a claim out."""
    now = harness.clock() // 1000
    claims = {
        "iss": issuer.url,
        "aud": ["https://other.example", ISSUER],
        "sub": "3f0c",
        "client_id": "bretagne",
        "scope": "offers:read profile",
        "exp": now + 7200,
        "jti": "1",
        **changes,
    }
    whole = {"typ": "at+jwt", "kid": "k1", **(header or {})}
    return sign(key, {name: value for name, value in claims.items() if value is not None}, whole)


async def refused(harness: OAuthHarness, token: str) -> str:
    with pytest.raises(TokenError) as raised:
        await harness.verifier.verify(token)
    return str(raised.value)
