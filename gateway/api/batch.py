"""Batches over HTTP: many offers and withdrawals, all judged before any is queued (requirements PUB-010 to PUB-018)."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiohttp import web

from gateway.api.answer import json_headers
from gateway.api.auth import requires
from gateway.api.body import JSON, LINES, author_of, count_refused, deadline_of, uploaded
from gateway.api.context import federation_of, partner_of
from gateway.api.decision import decisions_of, wait_of
from gateway.api.idempotency import PendingAnswer, run_once
from gateway.api.problem import ProblemError, language_of, problem_document, problem_headers, problem_of_log
from gateway.api.query import Parameters
from gateway.api.results import Decided, write_results
from gateway.errors import LogError
from gateway.ingest.upload.judge import BatchJudge
from gateway.ingest.upload.upload import AppendStatus, Queuing, Upload, queue_upload
from gateway.protocol.identity import NONCE_BYTES, batch_id

_STATUSES = {AppendStatus.NOT_QUEUED: "not-queued", AppendStatus.QUEUED: "queued", AppendStatus.UNKNOWN: "unknown"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """A batch received whole: its id and its items."""

    id: str
    upload: Upload


@requires("offers:publish")
async def post_batch(request: web.Request) -> web.StreamResponse:
    """``POST /v1/offers/batch``."""
    with Parameters(request.query, ("partial", "dry_run")) as parameters:
        partial, dry_run = bool(parameters.flag("partial")), bool(parameters.flag("dry_run"))
    name = batch_id(os.urandom(NONCE_BYTES))
    submissions = federation_of(request).submissions.of_upload(name)
    judge = BatchJudge(submissions, author_of(request, dry_run=dry_run))
    async with uploaded(request, judge, {**LINES, **JSON}) as upload:
        batch = _Batch(id=name, upload=upload)
        if dry_run:
            return await run_once(request, upload.digest, lambda: _judge_only(request, batch))
        return await run_once(request, upload.digest, lambda: _queue(request, batch, partial=partial))


async def _judge_only(request: web.Request, batch: _Batch) -> PendingAnswer:
    """200 when every item is valid, else 422: nothing is stored (PUB-006)."""
    _refuse_empty(batch)
    if batch.upload.refused:
        return _refused(request, batch, "valid")
    return _answer(request, batch, HTTPStatus.OK, "valid")


async def _queue(request: web.Request, batch: _Batch, *, partial: bool) -> PendingAnswer:
    """202 all queued, 207 some (only if ``partial``), 422 none (PUB-010, PUB-011); 200 when all is decided in time
    (PUB-018); 503 when the log fails (PUB-013).
    """
    _refuse_empty(batch)
    upload, federation = batch.upload, federation_of(request)
    if upload.refused == upload.count or (upload.refused and not partial):
        count_refused(request, upload)
        return _refused(request, batch, "not-queued")
    queuing = await queue_upload(upload, federation.submissions, publisher=partner_of(request).platform)
    if queuing.failure is not None:
        return _interrupted(request, batch, queuing, queuing.failure)
    count_refused(request, upload)
    wait = wait_of(request)
    decided = await decisions_of(upload, federation.receipts, deadline_of(request, wait)) if wait else None
    headers = {"Preference-Applied": f"wait={wait}"} if wait else {}
    if upload.refused:
        status = HTTPStatus.MULTI_STATUS
    else:
        status = HTTPStatus.OK if decided is not None and not decided.pending else HTTPStatus.ACCEPTED
    return _answer(request, batch, status, "queued", queued=queuing.queued, decided=decided, headers=headers)


def _refuse_empty(batch: _Batch) -> None:
    if batch.upload.count == 0:
        raise ProblemError("batch-empty")


def _refused(request: web.Request, batch: _Batch, status: str) -> PendingAnswer:
    upload, language = batch.upload, language_of(request)
    error = ProblemError("batch-refused", actual=upload.refused, expected=upload.count)
    members = {**problem_document(error, language), **_members(batch, 0)}
    pieces = write_results(members, upload, lambda _: status, language=language)
    return PendingAnswer(error.status, problem_headers(error, language), pieces)


def _interrupted(request: web.Request, batch: _Batch, queuing: Queuing, failure: LogError) -> PendingAnswer:
    """503 with the status of every item, as far as it is known (PUB-013)."""
    upload, language = batch.upload, language_of(request)
    headers = problem_of_log(failure).headers
    accepted = upload.count - upload.refused
    error = ProblemError("batch-interrupted", headers=headers, actual=queuing.queued, expected=accepted)
    members = {**problem_document(error, language), **_members(batch, queuing.queued)}
    pieces = write_results(
        members, upload, lambda index: _STATUSES[AppendStatus(queuing.statuses[index])], language=language
    )
    return PendingAnswer(error.status, problem_headers(error, language), pieces)


def _answer(
    request: web.Request,
    batch: _Batch,
    code: HTTPStatus,
    status: str,
    *,
    queued: int = 0,
    decided: Decided | None = None,
    headers: Mapping[str, str] | None = None,
) -> PendingAnswer:
    language = language_of(request)
    members = _members(batch, queued)
    if decided is not None:
        members |= {"pending": decided.pending, "verdicts": dict(decided.verdicts.most_common())}
    pieces = write_results(members, batch.upload, lambda _: status, language=language, decided=decided)
    return PendingAnswer(code, {**json_headers(language), **(headers or {})}, pieces)


def _members(batch: _Batch, queued: int) -> dict[str, Any]:
    """The counts, and the address of the receipts if any item is queued."""
    counts: dict[str, Any] = {"items": batch.upload.count, "refused": batch.upload.refused, "queued": queued}
    if queued:
        counts |= {"batch": batch.id, "receipts": f"/v1/receipts?batch={batch.id}"}
    return counts


ROUTES: Sequence[web.RouteDef] = (web.post("/v1/offers/batch", post_batch),)
