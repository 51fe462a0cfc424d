"""Snapshots over HTTP: marks, and complete sets (requirements PUB-020 to PUB-029)."""

from collections.abc import Sequence
from http import HTTPStatus

import orjson
from aiohttp import hdrs, web

from gateway.api.auth import requires
from gateway.api.body import LINES, refuse_body
from gateway.api.context import context_of, partner_of
from gateway.api.once import Answer, once
from gateway.api.parameter import Parameters, missing, refuse_parameters
from gateway.api.problem import ProblemError, language_of
from gateway.api.uploading import author_of, uploaded, write_results
from gateway.api.work import work_of
from gateway.protocol.record import utc
from gateway.snapshot import Mark, SnapshotRefusedError
from gateway.upload.judge import SnapshotJudge
from gateway.upload.upload import Upload

_MAX_OFFERS = 10**9
_RETRY_SECONDS = "30"


@requires("offers:publish")
async def post_mark(request: web.Request) -> web.StreamResponse:
    """``POST /v1/snapshots/marks``."""
    refuse_parameters(request.query)
    refuse_body(request)
    return await once(request, "", lambda: _mark(request))


@requires("offers:publish")
async def post_snapshot(request: web.Request) -> web.StreamResponse:
    """``POST /v1/snapshots?mark=&confirm=``."""
    with Parameters(request.query, ("mark", "confirm")) as parameters:
        text, confirm = parameters.text("mark"), parameters.integer("confirm", least=0, most=_MAX_OFFERS)
    mark = _read_mark(request, text)
    judge = SnapshotJudge(context_of(request).submissions, author_of(request), mark.ends)
    async with uploaded(request, judge, LINES) as upload:
        return await once(request, upload.digest, lambda: _apply(request, mark, upload, confirm))


async def _mark(request: web.Request) -> Answer:
    text, ends_at = await context_of(request).snapshots.mark(partner_of(request).platform)
    body = orjson.dumps({"mark": text, "expires_at": utc(ends_at)})
    headers: dict[str, str] = {hdrs.CONTENT_TYPE: "application/json", hdrs.CACHE_CONTROL: "no-store"}
    return Answer(HTTPStatus.CREATED, headers, (body,))


def _read_mark(request: web.Request, text: str | None) -> Mark:
    """The mark, before a byte of the body is read: a void one costs nobody an upload."""
    if text is None:
        raise missing("mark", "POST /v1/snapshots/marks")
    try:
        return context_of(request).snapshots.read(text, platform=partner_of(request).platform)
    except SnapshotRefusedError as error:
        raise _refusal(error) from None


async def _apply(request: web.Request, mark: Mark, upload: Upload, confirm: int | None) -> Answer:
    """202 when anything was queued, else 200; the result of each item, and how many absent offers are withdrawn."""
    try:
        applied = await context_of(request).snapshots.apply(
            mark, upload, confirm=confirm, abandonable=work_of(request).abandonable
        )
    except SnapshotRefusedError as error:
        raise _refusal(error) from None
    language, queued = language_of(request), applied.queued
    members = {"items": upload.count, "refused": upload.refused, "queued": queued, "withdrawn": applied.withdrawn}
    headers: dict[str, str] = {
        hdrs.CONTENT_TYPE: "application/json",
        hdrs.CONTENT_LANGUAGE: language,
        hdrs.CACHE_CONTROL: "no-store",
    }
    status = HTTPStatus.ACCEPTED if queued or applied.withdrawn else HTTPStatus.OK
    return Answer(status, headers, write_results(members, upload, lambda _: "queued", language))


def _refusal(error: SnapshotRefusedError) -> ProblemError:
    """The problem behind a refused snapshot, which changed nothing but for ``snapshot-running``."""
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
