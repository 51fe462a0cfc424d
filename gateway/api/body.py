"""Request bodies: accepted media types and encodings, small documents, and uploads within their slots and limits."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Literal, TypeAlias, TypeVar

from aiohttp import hdrs, web
from aiohttp.http_exceptions import BadHttpMessage

from gateway.api.auth import publishing_problem
from gateway.api.context import context_of, federation_of, partner_of, today
from gateway.api.decision import Deadline
from gateway.api.limit import SLOTS, WAITS, Slot
from gateway.api.problem import ProblemError
from gateway.api.trace import traceparent_of
from gateway.api.work import work_of
from gateway.errors import UploadRefusedError
from gateway.ingest.upload.judge import Author, Judge
from gateway.ingest.upload.receive import ContentForm, UploadLimits, receive
from gateway.ingest.upload.spool import DiskQuota
from gateway.ingest.upload.upload import Upload

Kind: TypeAlias = Literal["lines", "array"]

JSON: Mapping[str, Kind] = {"application/json": "array"}
LINES: Mapping[str, Kind] = {"application/x-ndjson": "lines", "application/ndjson": "lines"}
_GZIP = ("gzip", "x-gzip")
_PLAIN = ("", "identity")

DISK_QUOTA: web.AppKey[DiskQuota] = web.AppKey("room", DiskQuota)
_SLOT: web.RequestKey[Slot] = web.RequestKey("slot", Slot)
_RETRY_SECONDS = "30"
_Bytes = TypeVar("_Bytes", bytes, bytearray)


class RequestBody:
    """The byte stream of a request; a broken transfer is a problem of the client, not of the gateway."""

    def __init__(self, request: web.Request) -> None:
        self._content = request.content

    async def readany(self) -> bytes:
        """The bytes received so far, or else the next ones; empty at the end. Raises ProblemError for a broken
        transfer, ConnectionError when the client has disconnected.
        """
        try:
            return await self._content.readany()
        except (web.RequestPayloadError, BadHttpMessage):  # the latter from aiohttp's parser in Python
            raise ProblemError("body-truncated") from None


async def read_document(request: web.Request, *, most: int | None = None) -> bytes:
    """Read a JSON document of at most ``most`` bytes, by default ``limits.offer_bytes``. Raises ProblemError."""
    check_media_type(request, JSON)
    if _encoding(request) not in _PLAIN:
        raise _refused_encoding(request, "identity")
    limits = context_of(request).limits
    bound = limits.offer_bytes if most is None else most
    if (request.content_length or 0) > bound:
        raise ProblemError("body-too-large", expected=bound)
    if request.content.is_eof():  # received whole: no timeout needed
        return _bounded(request.content.read_nowait(), bound)
    try:
        async with asyncio.timeout(limits.read_seconds):
            return await _read(request, bound)
    except TimeoutError:
        raise ProblemError("upload-too-slow", expected=limits.read_seconds) from None


async def _read(request: web.Request, most: int) -> bytes:
    body, source = bytearray(), RequestBody(request)
    while chunk := await source.readany():
        body += chunk
        _bounded(body, most)
    return bytes(body)


def _bounded(body: _Bytes, most: int) -> _Bytes:
    if len(body) > most:
        raise ProblemError("body-too-large", expected=most)
    return body


def refuse_body(request: web.Request) -> None:
    """Refuse a body, on a call without one. Raises ProblemError."""
    if request.can_read_body:
        raise ProblemError("body-unexpected")


def form_of(request: web.Request, kinds: Mapping[str, Kind]) -> ContentForm:
    """The format of an upload, by its headers. Raises ProblemError (415) for an unsupported one (ERR-004)."""
    kind = check_media_type(request, kinds)
    encoding = _encoding(request)
    if encoding not in (*_PLAIN, *_GZIP):
        raise _refused_encoding(request, "gzip, identity")
    return ContentForm(kind=kind, gzip=encoding in _GZIP)


def check_media_type(request: web.Request, kinds: Mapping[str, Kind]) -> Kind:
    """The kind of the content type. JSON is UTF-8: any other charset is refused. Raises ProblemError."""
    text = request.headers.get(hdrs.CONTENT_TYPE, "")
    name, _, parameters = text.partition(";")
    kind = kinds.get(name.strip().lower())
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if kind is None or charset not in ("", "utf-8", "utf8"):
        raise ProblemError("media-type", actual=text or "–", expected=", ".join(kinds))
    return kind


@asynccontextmanager
async def uploaded(request: web.Request, judge: Judge, kinds: Mapping[str, Kind]) -> AsyncIterator[Upload]:
    """The body of this request, received whole and judged; freed at the end of the block. Raises ProblemError."""
    form, work = form_of(request, kinds), work_of(request)
    with request.app[SLOTS].one(partner_of(request).platform) as slot:
        request[_SLOT] = slot
        try:
            with work.abandonable():
                read = RequestBody(request).readany
                upload = await receive(read, judge, form=form, limits=_limits(request), pace=work)
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
    federation = federation_of(request)
    return Author(
        publisher=partner_of(request).platform,
        hosts=federation.partners.hosts(),
        on=today(federation),
        activations=federation.releases.activations,
        blocked_by=None if dry_run else publishing_problem(request),
        traceparent=traceparent_of(request),
    )


def count_refused(request: web.Request, upload: Upload) -> None:
    """Count the refused items of an upload that is answered: a later answer to it does not count them again."""
    federation_of(request).refusals.count_upload(partner_of(request).platform, upload.refusals)


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


def _encoding(request: web.Request) -> str:
    return ",".join(request.headers.getall(hdrs.CONTENT_ENCODING, ())).strip().lower()


def _refused_encoding(request: web.Request, expected: str) -> ProblemError:
    return ProblemError("content-encoding", actual=_encoding(request), expected=expected)
