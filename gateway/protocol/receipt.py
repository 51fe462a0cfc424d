"""Receipts: the outcome of a submission, under an id that only its publisher can query."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any, Literal, TypeAlias

import orjson

from gateway.protocol.decide import Accepted, Decision, Duplicate, Rejected, Stale
from gateway.protocol.record import Record, utc
from gateway.protocol.seal import MAC_BYTES, Seal
from gateway.protocol.submission import Lift, Publish, Retire, Submission, Withdraw
from gateway.protocol.upload_id import kind_of

VerdictName: TypeAlias = Literal["accepted", "duplicate", "stale", "rejected"]
_VERDICTS: dict[type[Decision], VerdictName] = {
    Accepted: "accepted",
    Duplicate: "duplicate",
    Stale: "stale",
    Rejected: "rejected",
}
_HEAD = 2 + 6
_PAYLOAD = _HEAD + 8


class ReceiptIds:
    """Mints and reads receipt ids: ``r`` + base64url(partition, time in ms, nonce, tag).

    The tag covers the publisher's slug as well, so that another publisher's id is rejected like a forged one.
    """

    __slots__ = ("_seal",)

    def __init__(self, secret: bytes) -> None:
        self._seal = Seal(secret, purpose="receipt")

    def mint(self, publisher: str, *, partition: int, now: int, nonce: bytes) -> str:
        """A new id; ``nonce`` is 8 random bytes, ``now`` milliseconds since 1970."""
        return self._write(publisher, partition.to_bytes(2) + now.to_bytes(6) + nonce[:8])

    def derive(self, publisher: str, *, partition: int, parts: tuple[Any, ...]) -> str:
        """The id of a command of the gateway: the same parts give the same id, so that resending is harmless."""
        digest = self._seal.mac(orjson.dumps(parts))
        return self._write(publisher, partition.to_bytes(2) + bytes(6) + digest[:8])

    def read(self, text: str, *, publisher: str) -> tuple[int, int] | None:
        """Partition and minting time (0 for derived ids), or None when this publisher never got such an id."""
        if len(text) > 64 or not text.startswith("r"):
            return None
        try:
            raw = urlsafe_b64decode(text[1:].encode("ascii") + b"=" * (-len(text[1:]) % 4))
        except ValueError:
            return None
        if len(raw) != _PAYLOAD + MAC_BYTES or not compare_digest(self._write(publisher, raw[:_PAYLOAD]), text):
            return None
        return int.from_bytes(raw[:2]), int.from_bytes(raw[2:_HEAD])

    def _write(self, publisher: str, payload: bytes) -> str:
        tag = self._seal.mac(payload + publisher.encode())
        return "r" + urlsafe_b64encode(payload + tag).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of schema and rule set that a receipt was given under."""

    schema: str
    rules: str


def receipt_record(
    submission: Submission,
    decision: Decision,
    *,
    publisher: str,
    log_position: str,
    at: int,
    versions: Versions,
    problem: Mapping[str, Any] | None,
) -> Record:
    """A record of ``receipts``: key the offer id, value the receipt document (schema ``receipt``).

    ``log_position`` is the submission's topic, partition and offset (``submissions/partition/offset``), ``problem`` the
    explanation of a stale or rejected verdict.
    """
    problems = submission.problems if isinstance(submission, Publish) else ()
    body: dict[str, Any] = {
        "receipt": submission.receipt,
        "id": submission.id,
        "publisher": publisher,
        "verdict": verdict_name(decision),
        "position": log_position,
        "at": utc(at),
        "schema_version": versions.schema,
        "rules_version": versions.rules,
        "problems": problems if problem is None else (problem, *problems),
    }
    match submission:
        case Publish() | Withdraw():
            body["revision"] = submission.revision
            body["digest"] = submission.digest
        case Retire() | Lift():
            body["revision"] = submission.if_revision
    match submission:
        case Publish(upload=upload) | Withdraw(upload=upload) | Retire(upload=upload) if upload is not None:
            body[kind_of(upload)] = upload
    match decision:
        case Accepted():
            body["sequence"] = decision.sequence
            body["created"] = decision.created
        case Duplicate():
            body["sequence"] = decision.known.sequence
        case Stale(known=known) | Rejected(known=known) if known is not None:
            body["current"] = {"revision": known.revision, "sequence": known.sequence}
    return Record(submission.id.encode(), orjson.dumps(body))


def refusal_record(
    *,
    receipt: str,
    publisher: str,
    log_position: str,
    at: int,
    versions: Versions,
    problems: Sequence[Mapping[str, Any]],
    about: Mapping[str, Any],
) -> Record:
    """The receipt of an inbox message that was refused and never became a submission. ``problems`` are the first ones.
    ``about`` has the other known members: the offer's ``id`` and ``revision``, ``codes`` and ``message`` as in the
    schema.
    """
    body: dict[str, Any] = {
        "receipt": receipt,
        "publisher": publisher,
        "verdict": "rejected",
        "position": log_position,
        "at": utc(at),
        "schema_version": versions.schema,
        "rules_version": versions.rules,
        "problems": list(problems),
    }
    body.update((name, value) for name, value in about.items() if value is not None)
    return Record((about.get("id") or publisher).encode(), orjson.dumps(body))


def verdict_name(decision: Decision) -> VerdictName:
    """The verdict of a decision, as the protocol names it."""
    return _VERDICTS[type(decision)]
