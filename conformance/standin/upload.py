"""Bodies: media types and encodings, gzip within its limits, the items of an upload, and the verdict on each."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from typing import Any, Literal, TypeAlias

import orjson

import schemas
from conformance.script.batch import UnreadableBatchError, split_array
from conformance.standin.exchange import PartnerRequest, Stored, refused
from conformance.standin.offers import Submission
from schemas.territory import department_in

Kind: TypeAlias = Literal["lines", "array"]

JSON: Mapping[str, Kind] = {"application/json": "array"}
LINES: Mapping[str, Kind] = {"application/x-ndjson": "lines", "application/ndjson": "lines"}
OFFER_BYTES = 100_000
MAX_BYTES = 64 * 1024 * 1024
"""Of an upload, and of an array once inflated."""
INFLATE_RATIO = 200
_ENCODINGS = ("gzip", "identity")
_GZIP = ("gzip", "x-gzip")
_PLAIN = ("", "identity")
_CHARSETS = ("", "utf-8", "utf8")
_WINDOW = 16 + zlib.MAX_WBITS
_STEP_BYTES = 16 * 1024
_PIECE_BYTES = 64 * 1024
_FREE_BYTES, _FREE_MEMBERS, _MEMBER_BYTES = 4 * 1024, 100, 64
_FREE_ITEMS, _LEAST_ITEM_BYTES = 200, 40
_COUNT_LINE_BYTES = 200


def media_kind(ask: PartnerRequest, kinds: Mapping[str, Kind]) -> Kind:
    """The kind of the content type; JSON is UTF-8, any other charset is refused (ERR-004). Raises RefusedError."""
    text = ask.headers.get("Content-Type", "")
    name, _, parameters = text.partition(";")
    kind = kinds.get(name.strip().lower())
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if kind is None or charset not in _CHARSETS:
        raise refused("media-type", actual=text or "–", expected=", ".join(kinds))
    return kind


def _encoding(ask: PartnerRequest) -> str:
    return ",".join(ask.headers.getall("Content-Encoding", ())).strip().lower()


async def read_document(ask: PartnerRequest) -> bytes:
    """One JSON document within its limit. Raises RefusedError."""
    media_kind(ask, JSON)
    if _encoding(ask) not in _PLAIN:
        raise refused("content-encoding", actual=_encoding(ask), expected="identity")
    content = await ask.content()
    if len(content) > OFFER_BYTES:
        raise refused("body-too-large", expected=OFFER_BYTES)
    return content


@dataclass(frozen=True, slots=True)
class Item:
    """One judged item: the submission of an accepted one, and its problems, in both languages."""

    id: str | None
    problems: Sequence[Stored]
    submission: Submission | None = None
    codes: tuple[str, ...] = ()
    revision: int | None = None
    department: str | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload, received whole and judged. ``count`` is that of a snapshot's last line, ``digest`` of all content."""

    items: Sequence[Item]
    digest: str
    count: int | None = None

    @property
    def refused(self) -> int:
        """How many items are refused."""
        return sum(item.submission is None for item in self.items)

    @property
    def submissions(self) -> list[Submission]:
        """The submissions of the accepted items."""
        return [item.submission for item in self.items if item.submission is not None]


async def receive_batch(ask: PartnerRequest, on: date) -> Upload:
    """The offers and withdrawals of a batch. Raises RefusedError."""
    content, kind = await _content(ask, {**LINES, **JSON})
    items = [judge(schemas.check_submission(raw, on=on), ask.platform) for raw in _documents(content, kind)]
    return Upload(items, _digest(content))


async def receive_snapshot(ask: PartnerRequest, on: date) -> Upload:
    """The offers of a complete set, and the count on its last line. Raises RefusedError."""
    content, kind = await _content(ask, LINES)
    items: list[Item] = []
    count: int | None = None
    for raw in _documents(content, kind):
        if count is not None:  # what looked like the last line was not the last
            raise refused("snapshot-count-missing")
        count = _count(raw)
        if count is not None:
            continue
        verdict = schemas.check(raw, on=on)
        if verdict.document is not None and "withdrawn" in verdict.document:
            raise refused("snapshot-withdrawal", pointer=f"/{len(items)}")
        items.append(judge(verdict, ask.platform))
    return Upload(items, _digest(content), count)


def judge(verdict: schemas.Verdict, platform: str) -> Item:
    """The item of a verdict; accepted if the offer is the platform's own too (IDN-003)."""
    against: Sequence[schemas.Problem] | None = None if verdict.accepted else verdict.problems
    if verdict.id is not None and verdict.id.partition(":")[0] != platform:
        foreign = schemas.problem("not-owner", pointer="/id", expected=f"{platform}:…", actual=verdict.id)
        against = (foreign, *verdict.problems)
    if against is not None:
        codes = tuple(each.code for each in against if each.severity == "error")
        problems = [each.to_json() for each in against]
        return Item(verdict.id, problems, None, codes, verdict.revision, department_in(verdict.document))
    return Item(verdict.id, [each.to_json() for each in verdict.problems], submission_of(verdict))


def submission_of(verdict: schemas.Verdict) -> Submission:
    """The submission of an accepted verdict."""
    if verdict.id is None or verdict.revision is None or verdict.document is None:
        raise ValueError("only an accepted verdict can be submitted")
    return Submission(
        id=verdict.id,
        revision=verdict.revision,
        document=verdict.document,
        offer=verdict.offer,
        territory=verdict.territory,
        expires_on=verdict.expires_on,
        reason=verdict.withdrawal,
    )


async def _content(ask: PartnerRequest, kinds: Mapping[str, Kind]) -> tuple[bytes, Kind]:
    kind = media_kind(ask, kinds)
    encoding = _encoding(ask)
    if encoding not in (*_PLAIN, *_GZIP):
        raise refused("content-encoding", actual=encoding, expected=", ".join(_ENCODINGS))
    sent = await ask.content()
    if len(sent) > MAX_BYTES:
        raise refused("body-too-large", expected=MAX_BYTES)
    return b"".join(_inflated(sent)) if encoding in _GZIP else sent, kind


def _documents(content: bytes, kind: Kind) -> Iterator[bytes]:
    """The documents, checked for their sizes before each is judged."""
    read = number = 0
    try:
        for number, raw in enumerate(_lines(content) if kind == "lines" else split_array(content), start=1):
            read = max(read, content.find(raw, read) + len(raw))
            sent = min(len(content), -(-read // _STEP_BYTES) * _STEP_BYTES)
            if number > _FREE_ITEMS + sent // _LEAST_ITEM_BYTES:
                raise refused("items-too-small", expected=_LEAST_ITEM_BYTES)
            if len(raw) > OFFER_BYTES:
                raise refused("line-too-long", index=number - 1, expected=OFFER_BYTES)
            yield raw
    except UnreadableBatchError as error:
        if error.code == "body-malformed":
            raise refused(error.code, expected="[…]") from error
        if len(content) - read > OFFER_BYTES + 1:  # an item that does not end
            raise refused("line-too-long", index=number, expected=OFFER_BYTES) from error
        raise refused(error.code) from error


def _lines(content: bytes) -> Iterator[bytes]:
    """The lines that are not blank, and blank ones that are too long."""
    return (line for line in content.split(b"\n") if line.strip() or len(line) > OFFER_BYTES)


def _inflated(content: bytes) -> Iterator[bytes]:
    """The concatenated members of a gzip, inflated within the ratio (ERR-005). Raises RefusedError."""
    member, members, out, began = zlib.decompressobj(_WINDOW), 1, 0, False
    for start in range(0, len(content), _STEP_BYTES):
        block = content[start : start + _STEP_BYTES]
        sent = start + len(block)
        while block:
            if member.eof:
                member, members = zlib.decompressobj(_WINDOW), members + 1
                if members > _FREE_MEMBERS + sent // _MEMBER_BYTES:
                    raise refused("gzip-members", expected=_MEMBER_BYTES)
            try:
                piece = member.decompress(block, _PIECE_BYTES)
            except zlib.error:
                raise refused("body-malformed", expected="gzip") from None
            began, out = True, out + len(piece)
            if out > max(_FREE_BYTES, INFLATE_RATIO * sent):
                raise refused("inflates-too-much", expected=INFLATE_RATIO)
            if out > MAX_BYTES:
                raise refused("body-too-large", expected=MAX_BYTES)
            yield piece
            block = member.unused_data if member.eof else member.unconsumed_tail
    while not member.eof:
        piece = member.decompress(b"", _PIECE_BYTES) if began else b""
        if not piece:
            raise refused("body-truncated")
        yield piece


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=20).hexdigest()


def _count(raw: bytes) -> int | None:
    """The number in ``{"count": N}``; None for any other line."""
    if len(raw) > _COUNT_LINE_BYTES or b'"count"' not in raw:
        return None
    try:
        line: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(line, dict) or line.keys() != {"count"} or type(line["count"]) is not int or line["count"] < 0:
        return None
    return line["count"]
