"""Harness of the OAuth tests: partners on a log in memory, an authority, and real HTTP to it."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient
from aiohttp.typedefs import Handler
from joserfc import jws
from joserfc.jwk import ECKey

from gateway.api.problem import refuse
from gateway.api.tokens import ROUTES, TOKEN_ISSUER
from gateway.log.port import EventLog
from gateway.oauth.authority import Authority
from gateway.oauth.client_assertion import ASSERTION_TYPE, FirstUse
from gateway.oauth.keys import KeyRing
from gateway.oauth.remote import RemoteKeys
from gateway.oauth.token import AccessTokens
from gateway.oauth.verifier import Verifier
from gateway.partners import Partners
from gateway.partners.credential import MintedSecret, mint_secret
from gateway.protocol.partner import Partner
from schemas.refusal import token_refusals
from tests.clock import ManualClock

ISSUER = "https://passerelle.example"
START = 1_790_000_000_000
MINTED: MintedSecret = mint_secret(now=START - 1, entropy=lambda count: b"q" * count)
PARTNER_KEY = ECKey.generate_key("P-256", {"kid": "one"})
BRETAGNE = Partner(
    platform="bretagne",
    name="Bretagne",
    scopes=frozenset({"offers:publish", "offers:read"}),
    secrets=(MINTED.kept,),
)
OCCITANIE = Partner(
    platform="occitanie",
    name="Occitanie",
    scopes=frozenset({"offers:read"}),
    jwks={"keys": [PARTNER_KEY.as_dict(private=False)]},
)


@dataclass
class OAuthHarness:
    """One gateway's OAuth, without the rest of the gateway."""

    log: EventLog
    partners: Partners
    clock: ManualClock = field(default_factory=ManualClock)
    keys: KeyRing = field(default_factory=lambda: KeyRing([ECKey.generate_key("P-256", auto_kid=True)]))
    first_use: FirstUse | None = None
    remote: RemoteKeys | None = None

    def __post_init__(self) -> None:
        self.tokens = AccessTokens(self.keys, issuer=ISSUER, clock=self.clock)
        self.remote = self.remote or RemoteKeys(clock=self.clock.elapsed)
        self.verifier = Verifier(self.tokens, self.partners, self.remote, clock=self.clock)

    def app(self) -> web.Application:
        app = web.Application(middlewares=[_refusing])
        app[TOKEN_ISSUER] = Authority(
            self.partners,
            self.keys,
            issuer=ISSUER,
            clock=self.clock,
            elapsed=self.clock.elapsed,
            first_use=self.first_use,
        )
        app.add_routes(ROUTES)
        return app

    async def change(self, partner: Partner, **changes: Any) -> Partner:
        changed = replace(partner, **changes)
        await self.partners.save(changed)
        return changed

    def assertion(self, *, key: Any = PARTNER_KEY, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """A valid client assertion of Occitanie, with the test's changes; None leaves a claim out."""
        now = self.clock() // 1000
        body = {
            "iss": "occitanie",
            "sub": "occitanie",
            "aud": f"{ISSUER}/oauth/token",
            "iat": now,
            "exp": now + 300,
            "jti": "first",
            **claims,
        }
        return sign(key, {name: value for name, value in body.items() if value is not None}, header)


def sign(key: Any, claims: Mapping[str, Any], header: Mapping[str, Any] | None = None) -> str:
    """A JWS by this key; ES256 unless the header says otherwise."""
    whole = {"alg": "ES256", "typ": "JWT", **(header or {})}
    return jws.serialize_compact(whole, orjson.dumps(claims), key, algorithms=[whole["alg"]])


def basic(name: str, secret: str) -> dict[str, str]:
    """The header of ``client_secret_basic``."""
    return {"Authorization": "Basic " + b64encode(f"{name}:{secret}".encode()).decode()}


def grant(**more: str) -> dict[str, str]:
    """The form of a token request."""
    return {"grant_type": "client_credentials", **more}


def posted(secret: str = MINTED.text, name: str = "bretagne", **more: str) -> dict[str, str]:
    """The form of ``client_secret_post``."""
    return grant(client_id=name, client_secret=secret, **more)


def asserted(assertion: str, **more: str) -> dict[str, str]:
    """The form of ``private_key_jwt``."""
    return grant(client_assertion_type=ASSERTION_TYPE, client_assertion=assertion, **more)


async def ask(client: TestClient[Any, Any], form: Mapping[str, str], **more: Any) -> tuple[int, dict[str, Any]]:
    """Status and members of a token request."""
    response: ClientResponse = await client.post("/oauth/token", data=form, **more)
    return response.status, await response.json()


def reason_of(answer: tuple[int, dict[str, Any]]) -> str:
    """The reason of an answer, found by its text; ``issued`` for a token."""
    if answer[0] == 200:
        return "issued"
    return next(name for name, entry in token_refusals().items() if entry["en"] == answer[1]["error_description"])


@web.middleware
async def _refusing(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Exception as error:  # noqa: BLE001  # as the gateway's own middleware
        return refuse(request, error)
