"""Idempotency keys over HTTP: one answer to a POST request per ``Idempotency-Key``, also if it is sent repeatedly."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from http import HTTPStatus
from itertools import chain

import structlog
from aiohttp import hdrs, web

from gateway.api.answer import in_pieces, send_pieces, split_first
from gateway.api.context import partner_of
from gateway.api.problem import ProblemError, language_of, problem_response
from gateway.api.work import work_of
from gateway.errors import LogError
from gateway.ingest.idempotency import ANSWER_BYTES, Claim, Kept, Requests, Reused, Running
from gateway.protocol.partner import Partner

KEY = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,128}")
_RETRY_SECONDS = "5"

REQUESTS: web.AppKey[Requests] = web.AppKey("requests", Requests)
RESUMED: web.RequestKey[bool] = web.RequestKey("resumed", bool)
"""True if the same request was begun before under its key, and may have taken effect."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class PendingAnswer:
    """An answer that is not yet sent; its body is in pieces, so that a long one is never whole in memory."""

    status: int
    headers: Mapping[str, str]
    pieces: Iterable[bytes]

    @classmethod
    def of(cls, response: web.Response) -> "PendingAnswer":
        """The answer of a small, complete response."""
        body = response.body
        return cls(response.status, dict(response.headers), (body if isinstance(body, bytes) else b"",))


async def run_once(
    request: web.Request, digest: str, run: Callable[[], Awaitable[PendingAnswer]]
) -> web.StreamResponse:
    """Run the request and send its answer; with an ``Idempotency-Key``, only if it has not run already.

    ``digest`` identifies the content. A key belongs to one partner, and is valid for one address and content (PUB-041
    to 045). Raises ProblemError.
    """
    key = request.headers.get(KEY)
    if key is None:
        return await send(request, await run())
    if not _KEY.fullmatch(key):
        raise ProblemError("idempotency-key")
    requests = request.app[REQUESTS]
    match await requests.claim(_claimant(partner_of(request)), key, _digest(request, digest)):
        case Running():
            raise ProblemError("idempotency-running", headers={hdrs.RETRY_AFTER: _RETRY_SECONDS})
        case Reused():
            raise ProblemError("idempotency-reused")
        case Kept(status=status, headers=headers, body=body):
            return await send(request, PendingAnswer(status, {**headers, REPLAYED: "true"}, (body.encode(),)))
        case Claim() as claim:
            request[RESUMED] = claim.resumed
            return await send(request, await _run(request, claim, run))


async def send(request: web.Request, answer: PendingAnswer) -> web.StreamResponse:
    """Send an answer piece by piece."""
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    return await send_pieces(request, response, in_pieces(request, answer.pieces))


async def _run(request: web.Request, claim: Claim, run: Callable[[], Awaitable[PendingAnswer]]) -> PendingAnswer:
    """Run the request and keep its answer, a refusal too. A failure of the gateway releases the claim for a retry."""
    requests = request.app[REQUESTS]
    try:
        async with requests.held(claim):
            answer = await _answer(request, run)
            if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                return await _keep(request, claim, answer)
    except BaseException:
        await _log_failure(requests.release(claim))
        raise
    await _log_failure(requests.release(claim))
    return answer


async def _answer(request: web.Request, run: Callable[[], Awaitable[PendingAnswer]]) -> PendingAnswer:
    try:
        return await run()
    except ProblemError as error:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        return PendingAnswer.of(problem_response(error, language_of(request)))


async def _keep(request: web.Request, claim: Claim, answer: PendingAnswer) -> PendingAnswer:
    keep = request.app[REQUESTS].keep
    begin, rest = await work_of(request).in_thread(split_first, answer.pieces, ANSWER_BYTES)
    await _log_failure(keep(claim, answer.status, answer.headers, None if rest is not None else begin.decode()))
    return PendingAnswer(answer.status, answer.headers, (begin,) if rest is None else chain((begin,), rest))


async def _log_failure(step: Awaitable[None]) -> None:
    """Await a step whose failure is only logged: the request itself is done, and its claim ends with its lease."""
    try:
        await step
    except LogError as error:
        log.warning("api.claim_not_settled", reason=str(error))


def _claimant(partner: Partner) -> str:
    """The owner of a key: the partner's current generation of credentials, so that no answer outlives ended ones."""
    return partner.platform if partner.generation is None else f"{partner.platform}/{partner.generation.id}"


def _digest(request: web.Request, content: str) -> str:
    return blake2b(f"{request.method} {request.raw_path}\n{content}".encode(), digest_size=20).hexdigest()
