"""Receipts: the outcome of a submission as a record of ``receipts``. ``seal.ReceiptIds`` mints their ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import orjson

from gateway.protocol.decide import Accepted, Decision, Duplicate, Rejected, Stale
from gateway.protocol.identity import kind_of
from gateway.protocol.record import Record, utc
from gateway.protocol.submission import Lift, Publish, Retire, Submission, Withdraw

VerdictName: TypeAlias = Literal["accepted", "duplicate", "stale", "rejected"]
_VERDICTS: dict[type[Decision], VerdictName] = {
    Accepted: "accepted",
    Duplicate: "duplicate",
    Stale: "stale",
    Rejected: "rejected",
}


@dataclass(frozen=True, slots=True)
class ReceiptVersions:
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
    versions: ReceiptVersions,
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
    versions: ReceiptVersions,
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
