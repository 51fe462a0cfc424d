"""Snapshots over HTTP: marks, and complete sets (requirements PUB-016 to PUB-018, PUB-020 to PUB-029)."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import hdrs, web

from gateway.api.answer import json_headers
from gateway.api.auth import requires
from gateway.api.body import LINES, author_of, count_refused, deadline_of, refuse_body, uploaded
from gateway.api.context import federation_of, partner_of
from gateway.api.decision import decisions_of, wait_of, withdrawals_of
from gateway.api.idempotency import RESUMED, PendingAnswer, run_once
from gateway.api.problem import ProblemError, language_of
from gateway.api.query import Parameters, missing, refuse_parameters
from gateway.api.results import Decided, write_results
from gateway.api.work import work_of
from gateway.ingest.snapshot import Applied, Mark, SnapshotRefusedError
from gateway.ingest.upload.judge import SnapshotJudge
from gateway.ingest.upload.upload import Upload
from gateway.protocol.record import utc

_MAX_OFFERS = 10**9
_RETRY_SECONDS = "30"


@requires("offers:publish")
async def post_mark(request: web.Request) -> web.StreamResponse:
    """``POST /v1/snapshots/marks``."""
    refuse_parameters(request.query)
    refuse_body(request)
    return await run_once(request, "", lambda: _mark(request))


@requires("offers:publish")
async def post_snapshot(request: web.Request) -> web.StreamResponse:
    """``POST /v1/snapshots?mark=&confirm=``."""
    with Parameters(request.query, ("mark", "confirm")) as parameters:
        text, confirm = parameters.text("mark"), parameters.integer("confirm", least=0, most=_MAX_OFFERS)
    mark = _read_mark(request, text)
    submissions = federation_of(request).submissions.of_upload(mark.snapshot)
    judge = SnapshotJudge(submissions, author_of(request), mark.ends)
    async with uploaded(request, judge, LINES) as upload:
        return await run_once(request, upload.digest, lambda: _apply(request, mark, upload, confirm))


async def _mark(request: web.Request) -> PendingAnswer:
    text, ends_at = await federation_of(request).snapshots.mark(partner_of(request).platform)
    body = orjson.dumps({"mark": text, "expires_at": utc(ends_at)})
    headers: dict[str, str] = {hdrs.CONTENT_TYPE: "application/json", hdrs.CACHE_CONTROL: "no-store"}
    return PendingAnswer(HTTPStatus.CREATED, headers, (body,))


def _read_mark(request: web.Request, text: str | None) -> Mark:
    """The mark, read before the body: an invalid mark must not cost an upload. Raises ProblemError."""
    if text is None:
        raise missing("mark", "POST /v1/snapshots/marks")
    try:
        return federation_of(request).snapshots.read(text, platform=partner_of(request).platform)
    except SnapshotRefusedError as error:
        raise _refusal(error) from None


async def _apply(request: web.Request, mark: Mark, upload: Upload, confirm: int | None) -> PendingAnswer:
    """202 when anything was queued, 200 when nothing was or all is decided in time (PUB-018); with the status of each
    item and the number of absent offers that are withdrawn.
    """
    try:
        applied = await federation_of(request).snapshots.apply(
            mark,
            upload,
            confirm=confirm,
            resumed=request.get(RESUMED, False),
            abandonable=work_of(request).abandonable,
        )
    except SnapshotRefusedError as error:
        raise _refusal(error) from None
    count_refused(request, upload)
    language = language_of(request)
    members: dict[str, Any] = {
        "items": upload.count,
        "refused": upload.refused,
        "queued": applied.queued,
        "withdrawn": applied.withdrawn,
    }
    headers, decided = json_headers(language), None
    status = HTTPStatus.OK
    if applied.queued or applied.withdrawn:
        members |= {"snapshot": mark.snapshot, "receipts": f"/v1/receipts?snapshot={mark.snapshot}"}
        status = HTTPStatus.ACCEPTED
        wait = wait_of(request)
        if wait:
            headers["Preference-Applied"] = f"wait={wait}"
            decided, gone, pending = await _decisions(request, mark, upload, applied, wait)
            members |= {"pending": decided.pending + pending, "verdicts": dict(decided.verdicts.most_common())}
            members["withdrawn"] = gone + pending
            status = HTTPStatus.ACCEPTED if members["pending"] else HTTPStatus.OK
    pieces = write_results(members, upload, lambda _: "queued", language=language, decided=decided)
    return PendingAnswer(status, headers, pieces)


async def _decisions(
    request: web.Request, mark: Mark, upload: Upload, applied: Applied, wait: int
) -> tuple[Decided, int, int]:
    """The decisions of the items, and the numbers of withdrawals accepted and pending."""
    federation, deadline = federation_of(request), deadline_of(request, wait)
    decided = await decisions_of(upload, federation.receipts, deadline)
    receipts = federation.snapshots.withdrawal_receipts(mark, applied)
    return decided, *await withdrawals_of(receipts, federation.receipts, deadline)


def _refusal(error: SnapshotRefusedError) -> ProblemError:
    """The problem of a refused snapshot, which changed nothing, except for ``snapshot-running``."""
    members, headers = {}, {}
    if error.code == "snapshot-shrinks-too-much":
        members["would_withdraw"] = error.values["actual"]
    if error.code == "snapshot-not-ready":
        headers[str(hdrs.RETRY_AFTER)] = _RETRY_SECONDS
    return ProblemError(error.code, headers=headers, members=members, **error.values)


ROUTES: Sequence[web.RouteDef] = (
    web.post("/v1/snapshots/marks", post_mark),
    web.post("/v1/snapshots", post_snapshot),
)
