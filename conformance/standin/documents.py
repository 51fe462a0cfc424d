"""Documents for every client, exports, and the list of platforms."""

import gzip
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import schemas
from conformance.standin.exchange import PRIVATE, REQUESTS_PER_MINUTE, HostAnswer, Localised, PartnerRequest, refused
from conformance.standin.feed import Feed
from conformance.standin.offers import Offers
from conformance.standin.parameters import Values, read_parameters
from conformance.standin.rendering import RENDERINGS
from conformance.standin.tokens import Client
from conformance.standin.upload import INFLATE_RATIO, MAX_BYTES, OFFER_BYTES
from conformance.standin.value import entity_tag, is_known, takes_gzip, utc
from conformance.version import PROTOCOL_VERSION
from schemas.bundle import bundled_schema
from schemas.contract import asyncapi_document, openapi_document
from schemas.discovery import ENDPOINTS, REFERENCE_LISTS

_SECONDS, _LONGER_SECONDS = 300, 3_600
_LIMITS: Mapping[str, float] = {
    "offer_bytes": OFFER_BYTES,
    "array_bytes": MAX_BYTES,
    "inflate_ratio": INFLATE_RATIO,
    "requests_per_minute": REQUESTS_PER_MINUTE,
    "page_items": 1_000,
}


class Documents:
    """The answers that do not depend on a submission."""

    def __init__(self, clients: Sequence[Client], offers: Offers, feed: Feed) -> None:
        self._clients = clients
        self._offers = offers
        self._feed = feed

    def public(self, ask: PartnerRequest) -> HostAnswer:
        """The answer of a public operation. Raises RefusedError."""
        read_parameters(ask)
        match ask.operation:
            case "getKeys":
                return HostAnswer(200, {"keys": []}, {**_cached(_SECONDS), "Content-Type": "application/jwk-set+json"})
            case "getAuthorizationServer":
                return HostAnswer(200, _metadata(ask), _cached(_SECONDS))
            case "discover":
                return _tagged(ask, _discovery())
            case "getContract":
                return _tagged(ask, openapi_document())
            case "getTopics":
                return _tagged(ask, asyncapi_document())
            case "getProfileSchema":
                media_type = "application/schema+json"
                return _tagged(ask, bundled_schema("profile"), seconds=_LONGER_SECONDS, media_type=media_type)
        if ask.variables["list"] not in REFERENCE_LISTS:
            raise refused("not-found")
        return _tagged(ask, schemas.reference(ask.variables["list"]), seconds=_LONGER_SECONDS)

    def export(self, ask: PartnerRequest, filter_of: Callable[[Values], Mapping[str, Any]]) -> HostAnswer:
        """``GET /v1/exports/{format}``. Raises RefusedError."""
        rendering = RENDERINGS.get(ask.variables["format"])
        if rendering is None:
            raise refused("not-found")
        asked = filter_of(read_parameters(ask))
        tag = "W/" + entity_tag(self._offers.end, ask.platform, ask.target)
        headers = {**PRIVATE, "Vary": "Authorization, Accept-Encoding", "ETag": tag}
        if is_known(ask, tag):
            return HostAnswer(304, headers=headers)
        body = rendering.write(list(self._feed.documents(ask.platform, asked)))
        attachment = f'attachment; filename="offers.{rendering.extension}"'
        headers |= {"Content-Type": rendering.media_type, "Content-Disposition": attachment}
        if ask.method == "HEAD" or not takes_gzip(ask):
            return HostAnswer(200, body, headers)
        return HostAnswer(200, gzip.compress(body), {**headers, "Content-Encoding": "gzip"})

    def platforms(self, ask: PartnerRequest, *, now: int) -> HostAnswer:
        """``GET /v1/platforms``: the clients, with the details of the caller alone."""

        def write(_: Any) -> Any:
            listed = [self._platform(each, ask.platform) for each in self._clients]
            return {"at": utc(now), "undecided": 0, "platforms": listed}

        return HostAnswer(200, Localised(write), {**PRIVATE, "Vary": "Authorization, Accept-Language"})

    def _platform(self, client: Client, asker: str) -> dict[str, Any]:
        slug = client.platform
        own = slug == asker
        states = self._offers.live(slug) if own else self._feed.visible(asker, {"platform": [slug]})
        status = {
            "platform": slug,
            "region": None,
            "name": slug,
            "kind": "other",
            "connected": True,
            "since": None,
            "certified_until": None,
            "live": len(list(states)),
        }
        return {**status, "details": dict.fromkeys(_DETAILS)} if own else status


_DETAILS = (
    "last_success",
    "last_error",
    "accepted",
    "refused",
    "delivered",
    "pending",
    "undelivered",
    "inbox_lag",
    "delivery_lag_seconds",
)


def _discovery() -> dict[str, Any]:
    return {
        "protocol_version": PROTOCOL_VERSION,
        "schema_version": schemas.SCHEMA_VERSION,
        "rules_version": schemas.RULES_VERSION,
        "release": schemas.RELEASE,
        "limits": _LIMITS,
        "endpoints": ENDPOINTS,
    }


def _metadata(ask: PartnerRequest) -> dict[str, Any]:
    issuer = f"http://{ask.headers.get('Host', '')}"
    return {
        "issuer": issuer,
        "token_endpoint": issuer + ENDPOINTS["token"],
        "jwks_uri": issuer + ENDPOINTS["jwks"],
        "scopes_supported": ["offers:publish", "offers:read"],
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256", "RS256"],
    }


def _cached(seconds: int) -> dict[str, str]:
    return {"Cache-Control": f"public, max-age={seconds}"}


def _tagged(
    ask: PartnerRequest, body: Any, *, seconds: int = _SECONDS, media_type: str = "application/json"
) -> HostAnswer:
    """A document that caches may keep."""
    tag = entity_tag(body)
    headers = {**_cached(seconds), "ETag": tag}
    if is_known(ask, tag):
        return HostAnswer(304, headers=headers)
    return HostAnswer(200, body, {**headers, "Content-Type": media_type})
