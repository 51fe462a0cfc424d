"""HTTP server of the kit for a partner's platform: tokens, and a masked journal of every exchange."""

import asyncio
import secrets
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import parse_qs, unquote

import orjson
from aiohttp import web

from conformance.model.result import Exchange
from conformance.target.record import record
from conformance.target.setup import Account, SetupError
from conformance.words import say
from schemas.rulebook import Language, preferred_language

MOST_BYTES = 64 * 1024 * 1024
_LIFE_SECONDS = 3600
_SHUTDOWN_SECONDS = 1.0
"""Grace period for open answers at shutdown."""


@dataclass(frozen=True, slots=True)
class PartnerRequest:
    """An authenticated request of the partner. ``headers`` are case-insensitive."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HostAnswer:
    """An answer. ``cut``: the connection is closed after half of the body; ``closed``: before any byte."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    closed: bool = False


AnswerRequest: TypeAlias = Callable[[PartnerRequest], Awaitable[HostAnswer]]


def language_of(ask: PartnerRequest) -> Language:
    """The preferred language by Accept-Language."""
    return preferred_language(ask.headers.get("Accept-Language", ""))


def problem(status: int, code: str, **more: Any) -> HostAnswer:
    """A problem document (RFC 9457); ``headers`` in ``more`` are added to the answer."""
    headers = {"Content-Type": "application/problem+json", **more.pop("headers", {})}
    return HostAnswer(
        status,
        {"type": f"urn:fr:stages:problem:{code}", "title": code, "status": status, "code": code, **more},
        headers,
    )


def fault_answer(fault: str, *, seconds: float, unavailable: str, expire: Callable[[], None]) -> HostAnswer:
    """The answer of a fault that both of the kit's servers know: ``unavailable`` is the code of a 503, ``seconds`` the
    Retry-After. Any other fault closes the connection.
    """
    retry = {"Retry-After": str(int(seconds))}
    match fault:
        case "unavailable":
            return problem(503, unavailable, headers=retry)
        case "busy":
            return problem(429, "rate-limited", headers=retry)
        case "expired-token":
            expire()
            return problem(401, "token-invalid", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    return HostAnswer(200, closed=True)


class Host:
    """Server for one account; ``answering``, set by ``hosting``, computes the answers to authenticated requests."""

    answering: AnswerRequest

    def __init__(self, account: Account, journal: list[Exchange]) -> None:
        self._account = account
        self._journal = journal
        self._tokens: set[str] = set()

    def expire(self) -> None:
        """Invalidate every token."""
        self._tokens.clear()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request and record it in the journal."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        body, answer = b"", HostAnswer(500)
        try:
            body = await _read(request)
            answer = await self._answer(request, body)
        finally:
            content = b"" if answer.body is None else orjson.dumps(answer.body)
            headers = {"Content-Type": "application/json", **answer.headers}
            self._journal.append(
                record(
                    method=request.method,
                    url=str(request.url),
                    headers=dict(request.headers),
                    body=body,
                    status=0 if answer.closed else answer.status,
                    answer_headers=headers,
                    answer=content,
                    milliseconds=round((loop.time() - began) * 1000),
                )
            )
        if answer.closed or answer.cut:
            return await _break_off(request, answer, headers, content)
        return web.Response(status=answer.status, headers=headers, body=content)

    async def _answer(self, request: web.BaseRequest, body: bytes) -> HostAnswer:
        if len(body) > MOST_BYTES:
            return problem(413, "body-too-large")
        if request.path == "/oauth/token":
            return self._give_token(request, body)
        if request.path == "/.well-known/passerelle":
            return HostAnswer(200, _DISCOVERY)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token not in self._tokens:
            return problem(401, "token-invalid", headers={"WWW-Authenticate": 'Bearer realm="passerelle"'})
        return await self.answering(
            PartnerRequest(request.method, request.path, dict(request.query), request.headers, body)
        )

    def _give_token(self, request: web.BaseRequest, body: bytes) -> HostAnswer:
        form = {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}
        client, secret = form.get("client_id", ""), form.get("client_secret", "")
        scheme, _, proof = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            client, secret = _basic(proof)
        right = client == self._account.client_id and secrets.compare_digest(
            secret.encode(), self._account.secret.encode()
        )
        if form.get("grant_type") != "client_credentials" or not right:
            return HostAnswer(401, {"error": "invalid_client"})
        token = secrets.token_urlsafe(24)
        self._tokens.add(token)
        return HostAnswer(200, {"access_token": token, "token_type": "Bearer", "expires_in": _LIFE_SECONDS})


_DISCOVERY = {
    "protocol_version": "1",
    "schema_version": "1",
    "rules_version": "1",
    "limits": {"page_items": 1000},
    "endpoints": {
        "token": "/oauth/token",
        "offers": "/v1/offers",
        "batch": "/v1/offers/batch",
        "receipts": "/v1/receipts",
        "changes": "/v1/changes",
    },
}


def _basic(proof: str) -> tuple[str, str]:
    """Client id and secret, each form-encoded (RFC 6749, 2.3.1); both empty where ``proof`` is no base64."""
    try:
        client, _, secret = b64decode(proof.encode(errors="replace") + b"==").decode(errors="replace").partition(":")
    except ValueError:
        return "", ""
    return unquote(client), unquote(secret)


async def _read(request: web.BaseRequest) -> bytes:
    """The raw body; reading ends beyond ``MOST_BYTES``."""
    content = bytearray()
    async for piece in request.content.iter_chunked(65_536):
        content += piece
        if len(content) > MOST_BYTES:
            break
    return bytes(content)


async def _break_off(
    request: web.BaseRequest, answer: HostAnswer, headers: Mapping[str, str], content: bytes
) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers={**headers, "Content-Length": str(len(content))})
    if answer.cut:
        await response.prepare(request)
        await response.write(content[: len(content) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


@asynccontextmanager
async def hosting(host: Host, answering: AnswerRequest, listen: str) -> AsyncIterator[str]:
    """Serve at ``address:port`` (0: any free port); yields the base URL for the partner. Raises SetupError."""
    host.answering = answering
    address, _, port = listen.rpartition(":")
    server = web.Server(host.handle, auto_decompress=False, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, address, int(port)).start()
        except (OSError, ValueError) as error:
            raise SetupError(
                say("cannot-listen", listen=listen, error=error), step=say("cannot-listen-step")
            ) from error
        yield f"http://{address}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
