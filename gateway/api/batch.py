"""Batches over HTTP: many offers and withdrawals, judged all before any is queued (requirements PUB-010 to PUB-015)."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import hdrs, web

from gateway.api.auth import requires
from gateway.api.body import JSON, LINES
from gateway.api.context import context_of
from gateway.api.once import Answer, once
from gateway.api.parameter import Parameters
from gateway.api.problem import ProblemError, language_of, problem_document, problem_headers, problem_of_log
from gateway.api.uploading import author_of, uploaded, write_results
from gateway.ports import LogError
from gateway.upload.judge import BatchJudge
from gateway.upload.queue import Fate, queue_upload
from gateway.upload.upload import Upload

_WORDS = {Fate.NOT_QUEUED: "not-queued", Fate.QUEUED: "queued", Fate.UNKNOWN: "unknown"}


@requires("offers:publish")
async def post_batch(request: web.Request) -> web.StreamResponse:
    """``POST /v1/offers/batch``."""
    with Parameters(request.query, ("partial", "dry_run")) as parameters:
        partial, dry_run = parameters.flag("partial"), parameters.flag("dry_run")
    judge = BatchJudge(context_of(request).submissions, author_of(request, dry_run=dry_run))
    async with uploaded(request, judge, {**LINES, **JSON}) as upload:
        if dry_run:
            return await once(request, upload.digest, lambda: _judge_only(request, upload))
        return await once(request, upload.digest, lambda: _queue(request, upload, partial=partial))


async def _judge_only(request: web.Request, upload: Upload) -> Answer:
    """200 when every item is valid, else 422: nothing is stored (PUB-006)."""
    _refuse_empty(upload)
    if upload.refused:
        return _refused(request, upload, "valid")
    return _answer(request, upload, HTTPStatus.OK, _counts(upload, 0), lambda _: "valid")


async def _queue(request: web.Request, upload: Upload, *, partial: bool) -> Answer:
    """202 all queued, 207 some (only if ``partial``), 422 none (PUB-010, PUB-011); 503 when the log fails (PUB-013)."""
    _refuse_empty(upload)
    if upload.refused == upload.count or (upload.refused and not partial):
        return _refused(request, upload, "not-queued")
    queuing = await queue_upload(upload, context_of(request).submissions)

    def word(index: int) -> str:
        return _WORDS[Fate(queuing.fates[index])]

    if queuing.failure is not None:
        error = _interrupted(queuing.failure, queuing.queued, upload.count - upload.refused)
        return _problem(request, upload, error, queuing.queued, word)
    status = HTTPStatus.MULTI_STATUS if upload.refused else HTTPStatus.ACCEPTED
    return _answer(request, upload, status, _counts(upload, queuing.queued), word)


def _refuse_empty(upload: Upload) -> None:
    if upload.count == 0:
        raise ProblemError("batch-empty")


def _refused(request: web.Request, upload: Upload, word: str) -> Answer:
    error = ProblemError("batch-refused", actual=upload.refused, expected=upload.count)
    return _problem(request, upload, error, 0, lambda _: word)


def _interrupted(failure: LogError, queued: int, accepted: int) -> ProblemError:
    headers = problem_of_log(failure).headers
    return ProblemError("batch-interrupted", headers=headers, actual=queued, expected=accepted)


def _problem(
    request: web.Request, upload: Upload, error: ProblemError, queued: int, word: Callable[[int], str]
) -> Answer:
    """A problem document that also has the result of every item."""
    language = language_of(request)
    members = {**problem_document(error, language), **_counts(upload, queued)}
    pieces = write_results(members, upload, word, language)
    return Answer(error.status, problem_headers(error, language), pieces)


def _answer(
    request: web.Request, upload: Upload, status: int, members: Mapping[str, Any], word: Callable[[int], str]
) -> Answer:
    language = language_of(request)
    headers: dict[str, str] = {
        hdrs.CONTENT_TYPE: "application/json",
        hdrs.CONTENT_LANGUAGE: language,
        hdrs.CACHE_CONTROL: "no-store",
    }
    return Answer(status, headers, write_results(members, upload, word, language))


def _counts(upload: Upload, queued: int) -> Mapping[str, int]:
    return {"items": upload.count, "refused": upload.refused, "queued": queued}


ROUTES: Sequence[web.RouteDef] = (web.post("/v1/offers/batch", post_batch),)
