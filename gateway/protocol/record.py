"""Records: the bytes on the log, and the conversions between them and the protocol's values. Pure.

Internal topics carry plain JSON. Topics that partners read or write (``inbox``, ``feed``) carry CloudEvents 1.0 in the
binary mode of its Kafka protocol binding (``ce_*`` headers, the data as value).
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import orjson

from gateway.protocol.submission import Forget, Known, Lift, Publish, Retire, Submission, Withdraw
from gateway.protocol.value import from_members, value

Headers = tuple[tuple[str, bytes], ...]
_Read = TypeVar("_Read")


@value(frozen=True, slots=True)
class Record:
    """A record to append: a key, a value (None is a tombstone) and headers."""

    key: bytes | None
    value: bytes | None
    headers: Headers = ()


@value(frozen=True, slots=True)
class StoredRecord:
    """A record read from the log, with its offset and the log's append time (ms since 1970)."""

    offset: int
    appended_at: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    def header(self, name: str) -> str | None:
        """The first header of this name, decoded leniently: headers of an inbox are a partner's input."""
        for key, text in self.headers:
            if key == name:
                return text.decode(errors="replace")
        return None


def fold_by_key(
    known: Mapping[str, _Read], records: Sequence[StoredRecord], read: Callable[[bytes, bytes], _Read]
) -> Mapping[str, _Read]:
    """The values of a compacted topic by key after more records, each as ``read`` returns it. A record without a value,
    or on which ``read`` raises ValueError, takes its key away.
    """
    if not records:
        return known
    kept = dict(known)
    for record in records:
        key = (record.key or b"").decode(errors="replace")
        kept.pop(key, None)
        if record.value is not None:
            with suppress(ValueError):
                kept[key] = read(record.key or b"", record.value)
    return kept


_KINDS: dict[type[Submission], str] = {
    Publish: "publish",
    Withdraw: "withdraw",
    Retire: "retire",
    Lift: "lift",
    Forget: "forget",
}
_NAMED = {name: kind for kind, name in _KINDS.items()}
_OFFER = b',"offer":'
"""The bytes before the offer, which is the last member. No text in the other members can contain them, since quotes are
escaped there. A key within a problem could, and the bytes before that one are not JSON.
"""
_FIELDS = {kind: tuple(spec.name for spec in fields(kind)) for kind in _KINDS}


def submission_record(submission: Submission) -> Record:
    """A submission as a record of ``submissions``: key the offer id, value its fields and ``kind``."""
    if isinstance(submission, Publish):
        return Record(submission.id.encode(), orjson.dumps(_body_of_publish(submission)))
    kind = type(submission)
    members = {name: getattr(submission, name) for name in _FIELDS[kind]}
    body = {"kind": _KINDS[kind], **{name: field for name, field in members.items() if field is not None}}
    return Record(submission.id.encode(), orjson.dumps(body))


def _body_of_publish(submission: Publish) -> dict[str, Any]:
    """The offer comes last in every version, for ``skim_submission``. Members are listed by name, which is fast."""
    body: dict[str, Any] = {
        "kind": "publish",
        "receipt": submission.receipt,
        "publisher": submission.publisher,
        "id": submission.id,
        "revision": submission.revision,
        "digest": submission.digest,
        "audiences": submission.audiences,
        "territory": submission.territory,
        "expires_on": submission.expires_on,
        "problems": submission.problems,
        "provenance": submission.provenance,
    }
    if submission.mark is not None:
        body["mark"] = submission.mark
    if submission.traceparent is not None:
        body["traceparent"] = submission.traceparent
    if submission.upload is not None:
        body["upload"] = submission.upload
    if submission.release is not None:
        body["release"] = submission.release
    body["offer"] = submission.offer
    return body


def read_submission(value: bytes) -> Submission:
    """The inverse of ``submission_record``. Members that a later version has added are ignored; raises ValueError on
    anything else that the gateway did not write.
    """
    return _submission(orjson.loads(value))


def skim_submission(value: bytes) -> Submission:
    """As ``read_submission``, but the offer stays raw JSON, for callers that only forward it."""
    end = value.find(_OFFER)
    if end < 0:
        return read_submission(value)
    try:
        body = orjson.loads(value[:end] + b"}")
    except ValueError:
        return read_submission(value)
    body["offer"] = orjson.Fragment(value[end + len(_OFFER) : -1])
    return _submission(body)


def _submission(body: dict[str, Any]) -> Submission:
    try:
        kind = _NAMED[body.pop("kind", None)]
        return _publish(body) if kind is Publish else from_members(kind, body)
    except (KeyError, TypeError) as error:
        raise ValueError(f"a submission of an unknown kind or with other fields: {error}") from error


def _publish(body: dict[str, Any]) -> Publish:
    """Listed by name: ``**`` compares every name with every other."""
    return Publish(
        receipt=body["receipt"],
        publisher=body["publisher"],
        id=body["id"],
        revision=body["revision"],
        digest=body["digest"],
        offer=body["offer"],
        audiences=tuple(body["audiences"]),
        territory=body["territory"],
        expires_on=body["expires_on"],
        problems=tuple(body["problems"]),
        provenance=tuple(body["provenance"]),
        mark=body.get("mark"),
        traceparent=body.get("traceparent"),
        upload=body.get("upload"),
        release=body.get("release"),
    )


@value(frozen=True, slots=True)
class OfferState:
    """A record of ``offers``: the known state, and for a live offer its document and territory, the release that it was
    judged under (None: an earlier version did not say) and the codes of its warnings.
    """

    id: str
    known: Known
    offer: Mapping[str, Any] | None = None
    territory: Mapping[str, Any] | None = None
    release: str | None = None
    warned: tuple[str, ...] = ()


class OfferOutline(NamedTuple):
    """The parts of a record of ``offers`` that a view indexes: building a state takes longer than parsing its text."""

    revision: int
    sequence: int
    position: int
    provenance: Sequence[str]
    offer: Mapping[str, Any] | None
    territory: Mapping[str, Any] | None
    warned: Sequence[str]
    reason: str | None = None


SCHEMA_URI = "urn:fr:stages:schema:change:1"
SOURCE = "urn:fr:stages:passerelle"
TYPE_PUBLISHED = "fr.stages.offer.published.v1"
TYPE_WITHDRAWN = "fr.stages.offer.withdrawn.v1"


def offer_record(state: OfferState, *, traceparent: str | None = None) -> Record:
    """A record of ``offers``, with everything that a rebuild needs."""
    return change_record(
        state.id,
        state.known,
        offer=state.offer,
        territory=state.territory,
        release=state.release,
        warned=state.warned,
        traceparent=traceparent,
    )


def change_record(
    offer_id: str,
    known: Known,
    *,
    offer: Mapping[str, Any] | orjson.Fragment | None = None,
    territory: Mapping[str, Any] | None = None,
    release: str | None = None,
    warned: Sequence[str] = (),
    traceparent: str | None = None,
) -> Record:
    """As ``offer_record``, from its parts; the offer may be raw JSON."""
    body: dict[str, Any] = {
        "revision": known.revision,
        "digest": known.digest,
        "sequence": known.sequence,
        "position": known.position,
        "appended_at": known.appended_at,
        "provenance": known.provenance,
        "shared": _in_order(known.shared),
        "never": _in_order(known.never),
    }
    if known.reason is not None:
        body["reason"] = known.reason
    if known.expires_on is not None:
        body["expires_on"] = known.expires_on
    if release is not None:
        body["release"] = release
    if warned:
        body["warned"] = warned
    if offer is not None:
        body["territory"] = territory
        body["offer"] = offer
    headers = () if traceparent is None else (("traceparent", traceparent.encode()),)
    return Record(offer_id.encode(), orjson.dumps(body), headers)


@lru_cache(maxsize=1_024)
def _in_order(names: frozenset[str]) -> tuple[str, ...]:
    """Sorted. There are few such sets, each shared by many offers."""
    return tuple(sorted(names))


def read_offer(key: bytes, value: bytes) -> OfferState:
    """The inverse of ``offer_record``; the value must not be a tombstone."""
    body = orjson.loads(value)
    return OfferState(
        key.decode(),
        _known(body),
        body.get("offer"),
        body.get("territory"),
        body.get("release"),
        tuple(body.get("warned", ())),
    )


def read_known(value: bytes) -> Known:
    """As ``read_offer``, but only what the relay decides by."""
    return _known(orjson.loads(value))


def _known(body: Mapping[str, Any]) -> Known:
    return Known(
        revision=body["revision"],
        digest=body["digest"],
        sequence=body["sequence"],
        position=body["position"],
        appended_at=body["appended_at"],
        reason=body.get("reason"),
        expires_on=body.get("expires_on"),
        provenance=tuple(body["provenance"]),
        shared=frozenset(body["shared"]),
        never=frozenset(body["never"]),
    )


def outline_offer(value: bytes) -> OfferOutline:
    """As ``read_offer``, but only the parts that a view indexes."""
    body = orjson.loads(value)
    return OfferOutline(
        body["revision"],
        body["sequence"],
        body["position"],
        body["provenance"],
        body.get("offer"),
        body.get("territory"),
        body.get("warned", ()),
        body.get("reason"),
    )


_FIXED = (("ce_specversion", b"1.0"), ("ce_source", SOURCE.encode()), ("ce_dataschema", SCHEMA_URI.encode()))
_JSON = (("content-type", b"application/json"),)


def event_headers(offer_id: str, sequence: int, *, at: int, published: bool, reason: str | None = None) -> Headers:
    """CloudEvents binary headers of a change: ``ce_id`` is ``{id}:{sequence}``, ``ce_time`` the append time in UTC."""
    kind = TYPE_PUBLISHED if published else TYPE_WITHDRAWN
    headers: Headers = (
        *_FIXED,
        ("ce_id", f"{offer_id}:{sequence}".encode()),
        ("ce_type", kind.encode()),
        ("ce_subject", offer_id.encode()),
        ("ce_time", utc(at).encode()),
        ("ce_sequence", str(sequence).encode()),
        *_JSON,
    )
    if reason is not None:
        headers = (*headers, ("ce_reason", reason.encode()))
    return headers


@lru_cache(maxsize=64)
def utc(milliseconds: int) -> str:
    """An instant as RFC 3339 in UTC with milliseconds, such as ``2027-06-14T08:00:00.000Z``. Records that were appended
    together share it.
    """
    seconds, rest = divmod(milliseconds, 1_000)
    return f"{_utc_second(seconds)}.{rest:03}Z"


def read_utc(instant: str) -> int:
    """The inverse of ``utc``: milliseconds since 1970. Raises ValueError on any other text."""
    return round(datetime.fromisoformat(instant).timestamp() * 1_000)


@lru_cache(maxsize=64)
def _utc_second(seconds: int) -> str:
    """Records of one batch share their seconds, and formatting one costs more than everything else in a header."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def position_key(topic: str, partition: int) -> bytes:
    """The key of an input position on ``positions``."""
    return f"{topic}/{partition}".encode()


def position_record(topic: str, partition: int, position: int) -> Record:
    """The position in a partition of an input topic: the next offset to read."""
    return Record(position_key(topic, partition), str(position).encode())
