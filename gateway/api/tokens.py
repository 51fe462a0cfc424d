"""The OAuth endpoints: tokens for client credentials, the keys that verify them, and the metadata of RFC 8414."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import orjson
from aiohttp import hdrs, web

from gateway.api.auth import public
from gateway.api.context import client_of
from gateway.api.problem import ProblemError
from gateway.api.query import refuse_parameters

MAX_FORM_BYTES = 16 * 1024
READ_SECONDS = 10.0
_PUBLISHED = {hdrs.CACHE_CONTROL: "public, max-age=300"}


class TokenIssuer(Protocol):
    """The port that issues access tokens."""

    async def token(
        self, body: bytes, *, content_type: str, authorization: str | None, peer: str
    ) -> tuple[int, Mapping[str, str], Mapping[str, Any]]:
        """Answer a token request (RFC 6749): HTTP status, headers, members of the JSON body. Partner input never
        raises.
        """

    def jwks(self) -> Mapping[str, Any]:
        """The public keys that verify its tokens (RFC 7517)."""

    def metadata(self) -> Mapping[str, Any]:
        """Its metadata (RFC 8414)."""


TOKEN_ISSUER: web.AppKey[TokenIssuer] = web.AppKey("token_issuer", TokenIssuer)
"""Set by the composition root."""


@public
async def issue(request: web.Request) -> web.Response:
    """``POST /oauth/token``: an access token, or an RFC 6749 error."""
    status, headers, members = await request.app[TOKEN_ISSUER].token(
        await _read_form(request),
        content_type=request.headers.get(hdrs.CONTENT_TYPE, ""),
        authorization=request.headers.get(hdrs.AUTHORIZATION),
        peer=client_of(request),
    )
    return web.Response(status=status, body=orjson.dumps(members), headers=headers)


@public
async def publish_keys(request: web.Request) -> web.Response:
    """``GET /oauth/jwks.json``: the keys that verify this gateway's tokens."""
    refuse_parameters(request.query)
    return _json(request.app[TOKEN_ISSUER].jwks(), "application/jwk-set+json")


@public
async def publish_metadata(request: web.Request) -> web.Response:
    """``GET /.well-known/oauth-authorization-server``: the metadata of RFC 8414."""
    refuse_parameters(request.query)
    return _json(request.app[TOKEN_ISSUER].metadata(), "application/json")


async def _read_form(request: web.Request) -> bytes:
    """The body, bounded in size and time before it is parsed. Raises ProblemError."""
    body = b""
    try:
        async with asyncio.timeout(READ_SECONDS):
            while len(body) <= MAX_FORM_BYTES and (chunk := await request.content.readany()):
                body += chunk
    except TimeoutError:
        raise ProblemError("upload-too-slow", expected=READ_SECONDS) from None
    if len(body) > MAX_FORM_BYTES:
        raise ProblemError("body-too-large", expected=MAX_FORM_BYTES)
    return body


def _json(document: Mapping[str, Any], media_type: str) -> web.Response:
    return web.Response(body=orjson.dumps(document), headers=_PUBLISHED, content_type=media_type)


ROUTES: Sequence[web.RouteDef] = (
    web.post("/oauth/token", issue),
    web.get("/oauth/jwks.json", publish_keys),
    web.get("/.well-known/oauth-authorization-server", publish_metadata),
)
