"""The kit's server for a partner's platform: tokens, routes of the contract, and a masked journal of every exchange."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from math import ceil
from typing import TypeAlias

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage

from conformance.model.result import Exchange
from conformance.standin.contract import Operation, Router
from conformance.standin.exchange import (
    REQUESTS_PER_MINUTE,
    HostAnswer,
    PartnerRequest,
    RefusedError,
    fault_answer,
    language_of,
    problem,
    refused,
)
from conformance.standin.server import foreign_version, problem_of_http, respond, serving
from conformance.standin.tokens import FORM_BYTES, PUBLISHER, Client, Tokens
from conformance.standin.upload import MAX_BYTES
from conformance.target.record import record
from conformance.target.setup import TargetAccount
from schemas.rulebook import Language, preferred_language

__all__ = ["Host", "HostAnswer", "PartnerRequest", "fault_answer", "hosting", "language_of", "problem"]

_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_MINUTE = 60.0
_MAX_HELD = 3 * MAX_BYTES
"""Bytes of contents that are held at once, of all requests: beyond, a request is refused and sent again later."""
_RETRY_SECONDS = "2"
_READ_SECONDS, _TOKEN_SECONDS = 30.0, 10.0
_TOKENS = "issueToken"

AnswerRequest: TypeAlias = Callable[[PartnerRequest], Awaitable[HostAnswer]]


class Host:
    """Server for the kit's clients; ``answering``, set by ``hosting``, computes the answers to authorised requests.
    ``seen`` is called with each request, ``refused`` with one that ``answering`` does not see. Contents of all requests
    together take ``most_held`` bytes; those that are being answered now take ``held``.
    """

    answering: AnswerRequest

    def __init__(
        self,
        account: TargetAccount,
        journal: list[Exchange],
        *,
        scopes: Sequence[str] = PUBLISHER,
        others: Sequence[Client] = (),
        seen: Callable[[web.BaseRequest, HostAnswer], None] = lambda _request, _answer: None,
        refused: Callable[[web.BaseRequest, HostAnswer], None] = lambda _request, _answer: None,
        most_held: int = _MAX_HELD,
    ) -> None:
        self.clients: tuple[Client, ...] = (client_of(account, scopes), *others)
        self._journal = journal
        self._seen = seen
        self._refused = refused
        self._tokens = Tokens(self.clients, lambda: asyncio.get_running_loop().time())
        self._rates = {each.platform: _Bucket() for each in self.clients}
        self.held = 0
        self._most_held = most_held
        self._router = Router()

    def expire(self) -> None:
        """Invalidate every token."""
        self._tokens.expire()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request and record it in the journal."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        language = preferred_language(request.headers.get("Accept-Language", ""))
        body, answer = bytearray(), HostAnswer(500)
        try:
            answer = await self._answer(request, body)
        except (ConnectionError, asyncio.CancelledError):  # the client has left before an answer
            answer = HostAnswer(200, closed=True)
            raise
        finally:
            self.held -= len(body)
            if not body and request.content.exception() is None:
                body += request.content.read_nowait()  # for the journal: a refusal reads none
            content = answer.content(language)
            headers = answer.all_headers(language)
            self._journal.append(
                record(
                    method=request.method,
                    url=str(request.url),
                    headers=dict(request.headers),
                    body=bytes(body),
                    status=0 if answer.closed else answer.status,
                    answer_headers=headers,
                    answer=content,
                    milliseconds=round((loop.time() - began) * 1000),
                )
            )
        self._seen(request, answer)
        if answer.closed or answer.cut:
            return await _break_off(request, answer, language)
        given = request.headers.get("X-Request-Id", "")
        request_id = given if _ID.fullmatch(given) else secrets.token_hex(12)
        response = respond(answer, language, {"X-Request-Id": request_id})
        if foreign_version(request):
            response.force_close()
        return response

    async def _answer(self, request: web.BaseRequest, body: bytearray) -> HostAnswer:
        """The answer; the body read meanwhile is added to ``body``."""
        has_body = request.can_read_body
        foreign = foreign_version(request)
        if foreign is not None:
            return problem(None, foreign)
        try:
            operation, variables = await self._router.find(request)
            if operation.name == _TOKENS:
                return await self._give_token(request, body)
            ask = PartnerRequest(
                method=request.method,
                path=request.path,
                query=dict(request.query),
                headers=request.headers,
                body=b"",
                operation=operation.name,
                variables=variables,
                target=request.rel_url.raw_path_qs,
                parameters=request.query,
                has_body=has_body,
            )
            return await self._answer_authorised(request, operation, ask, body)
        except web.HTTPException as error:
            answer = problem_of_http(error)
        except RefusedError as error:
            answer = error.answer
        self._refused(request, answer)
        return answer

    async def _answer_authorised(
        self, request: web.BaseRequest, operation: Operation, ask: PartnerRequest, body: bytearray
    ) -> HostAnswer:
        """Authorise, count, answer; the content is read when the answer needs it. Raises RefusedError."""
        limits: Mapping[str, str] = {}
        if operation.scopes:
            caller = self._tokens.authorise(request.headers.get("Authorization", ""), operation.scopes)
            ask = replace(ask, platform=caller.client.platform, scopes=caller.scopes)
            limits = self._rates[ask.platform].take(asyncio.get_running_loop().time())

        async def pull() -> bytes:
            await read_content(request, body, MAX_BYTES, seconds=_READ_SECONDS, take=self._take)
            return bytes(body)

        try:
            answer = await self.answering(replace(ask, pull=pull))
        except RefusedError as error:
            answer = error.answer
        return replace(answer, headers={**answer.headers, **limits})

    async def _give_token(self, request: web.BaseRequest, body: bytearray) -> HostAnswer:
        await read_content(request, body, FORM_BYTES, seconds=_TOKEN_SECONDS, take=self._take)
        content_type = request.headers.get("Content-Type", "")
        authorization = request.headers.get("Authorization")
        return self._tokens.issue(bytes(body), content_type=content_type, authorization=authorization)

    def _take(self, size: int) -> None:
        if self.held + size > self._most_held:
            raise refused("uploads-busy", headers={"Retry-After": _RETRY_SECONDS})
        self.held += size


def client_of(account: TargetAccount, scopes: Sequence[str]) -> Client:
    """The client of an account of the set-up."""
    return Client(
        platform=account.platform,
        client_id=account.client_id,
        secret=account.secret,
        scopes=tuple(scopes),
        host=account.host,
    )


class _Bucket:
    """The rest of a partner's requests per minute. Fills evenly; times are monotonic, in seconds."""

    def __init__(self) -> None:
        self._left = float(REQUESTS_PER_MINUTE)
        self._filled_at = 0.0

    def take(self, now: float) -> Mapping[str, str]:
        """Take one request; returns the headers that say what is left. Raises RefusedError when nothing is."""
        most = REQUESTS_PER_MINUTE
        self._left = min(most, self._left + (now - self._filled_at) * most / _MINUTE)
        self._filled_at = now
        over = self._left < 1
        self._left -= 0 if over else 1
        policy = f'"partner";q={most};w={int(_MINUTE)}'
        left = f'"partner";r={int(self._left)};t={ceil((most - self._left) * _MINUTE / most)}'
        headers = {"RateLimit-Policy": policy, "RateLimit": left}
        if over:
            raise refused("rate-limited", headers={"Retry-After": "1", **headers}, expected=most)
        return headers


async def read_content(
    request: web.BaseRequest, body: bytearray, most: int, *, seconds: float, take: Callable[[int], None]
) -> None:
    """Add the raw content to ``body``, until it exceeds ``most``; each piece comes within ``seconds`` (ERR-007), and
    its size is taken before. Raises RefusedError.
    """
    try:
        while len(body) <= most:
            async with asyncio.timeout(seconds):
                piece = await request.content.readany()
            if not piece:
                return
            take(len(piece))
            body += piece
    except TimeoutError:
        raise refused("upload-too-slow", expected=seconds) from None
    except (web.RequestPayloadError, BadHttpMessage):  # the latter from aiohttp's parser in Python
        raise refused("body-truncated") from None


async def _break_off(request: web.BaseRequest, answer: HostAnswer, language: Language) -> web.StreamResponse:
    content = answer.content(language)
    headers = {**answer.all_headers(language), "Content-Length": str(len(content))}
    response = web.StreamResponse(status=answer.status, headers=headers)
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
    async with serving(host.handle, listen) as url:
        yield url
