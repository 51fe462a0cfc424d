"""Uploads over HTTP: the upload slot, the limits, and the wait for decisions outside that slot."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import hdrs, web

from gateway.api.auth import publishing_problem
from gateway.api.body import Body, Kind, form_of
from gateway.api.context import context_of, partner_of
from gateway.api.decision import Deadline
from gateway.api.limit import SLOTS, WAITS, Slot
from gateway.api.problem import ProblemError
from gateway.api.put_offer import today
from gateway.api.trace import traceparent_of
from gateway.api.work import work_of
from gateway.errors import UploadRefusedError
from gateway.ingest.upload.judge import Author, Judge
from gateway.ingest.upload.receive import UploadLimits, receive
from gateway.ingest.upload.spool import DiskQuota
from gateway.ingest.upload.upload import Upload

DISK_QUOTA: web.AppKey[DiskQuota] = web.AppKey("room", DiskQuota)
_SLOT: web.RequestKey[Slot] = web.RequestKey("slot", Slot)
_RETRY_SECONDS = "30"


@asynccontextmanager
async def uploaded(request: web.Request, judge: Judge, kinds: Mapping[str, Kind]) -> AsyncIterator[Upload]:
    """The body of this request, received whole and judged; freed at the end of the block. Raises ProblemError."""
    form, work = form_of(request, kinds), work_of(request)
    with request.app[SLOTS].one(partner_of(request).platform) as slot:
        request[_SLOT] = slot
        try:
            with work.abandonable():
                upload = await receive(Body(request), judge, form=form, limits=_limits(request), pace=work)
        except UploadRefusedError as error:
            raise refusal(error) from None
        try:
            yield upload
        finally:
            upload.close()


def deadline_of(request: web.Request, seconds: float) -> Deadline:
    """The end of the wait for an upload's decisions. The upload exchanges its slot for a wait slot, if one is free. The
    wait ends early when the process stops, and raises ConnectionError when the client disconnects.
    """
    request[_SLOT].exchange(request.app[WAITS])
    return Deadline(seconds, work_of(request))


def author_of(request: web.Request, *, dry_run: bool = False) -> Author:
    """The author of an upload; a dry run is judged as if its author may publish."""
    context = context_of(request)
    return Author(
        publisher=partner_of(request).platform,
        hosts=context.partners.hosts(),
        on=today(context),
        blocked_by=None if dry_run else publishing_problem(request),
        traceparent=traceparent_of(request),
    )


def refusal(error: UploadRefusedError) -> ProblemError:
    """The problem of a refused upload; nothing of it was stored."""
    headers: dict[str, str] = {hdrs.RETRY_AFTER: _RETRY_SECONDS} if error.code == "spool-full" else {}
    return ProblemError(error.code, headers=headers, **error.values)


def _limits(request: web.Request) -> UploadLimits:
    context = context_of(request)
    limits = context.limits
    return UploadLimits(
        items=limits.upload_items,
        item_bytes=limits.offer_bytes,
        array_bytes=limits.array_bytes,
        inflate_ratio=limits.inflate_ratio,
        read_seconds=limits.read_seconds,
        upload_seconds=limits.upload_seconds,
        processor_seconds=limits.upload_processor_seconds,
        folder=context.spool,
        quota=request.app[DISK_QUOTA].part(partner_of(request).platform),
    )
