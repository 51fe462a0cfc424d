"""The decisions on a batch of submissions: the records to write, and the new known states. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import schemas
from gateway.ingest.submissions import VERSIONS
from gateway.log.port import Output
from gateway.protocol.decide import Accepted, Rejected, Stale, decide
from gateway.protocol.identity import GATEWAY
from gateway.protocol.receipt import receipt_record, verdict_name
from gateway.protocol.record import Record, StoredRecord, change_record, skim_submission
from gateway.protocol.submission import Known, Publish, Submission, Withdraw
from gateway.protocol.topic import OFFERS, RECEIPTS, SUBMISSIONS


@dataclass(slots=True)
class Batch:
    """The outputs of a batch, the number of submissions by verdict and of single offers, and the known states that
    changed since the caller last emptied ``changes``.
    """

    outputs: list[Output] = field(default_factory=list)
    changes: dict[str, Known | None] = field(default_factory=dict)
    verdicts: dict[str, int] = field(default_factory=dict)
    singles: int = 0


def offer_ids(records: Sequence[StoredRecord]) -> set[str]:
    """The offers that these submissions are about. Raises ValueError on a record that the gateway did not write."""
    ids = set()
    for record in records:
        if record.key is None:
            raise ValueError(f"a submission without a key at offset {record.offset}")
        ids.add(record.key.decode())
    return ids


def judge(batch: Batch, records: Sequence[StoredRecord], *, partition: int, known: Mapping[str, Known]) -> None:
    """Decide each submission in order and add the outcome to the batch; later decisions see earlier ones.

    Raises ValueError on a record that the gateway did not write.
    """
    changes, outputs, verdicts = batch.changes, batch.outputs, batch.verdicts
    for record in records:
        if record.value is None:
            raise ValueError(f"a submission without a value at offset {record.offset}")
        submission = skim_submission(record.value)
        if submission.id.encode() != record.key:
            raise ValueError(f"a submission under another key than its offer's at offset {record.offset}")
        offer_id = submission.id
        current = changes[offer_id] if offer_id in changes else known.get(offer_id)
        publisher = _publisher(submission)
        decision = decide(
            submission, publisher=publisher, known=current, now=record.appended_at, position=record.offset
        )
        problem = None
        match decision:
            case Accepted():
                changes[offer_id] = decision.known
                outputs.append(Output(OFFERS, partition, _change(submission, decision.known)))
            case Stale() | Rejected():
                problem = _problem(decision.code)
        receipt = receipt_record(
            submission,
            decision,
            publisher=publisher,
            log_position=f"{SUBMISSIONS}/{partition}/{record.offset}",
            at=record.appended_at,
            versions=VERSIONS,
            problem=problem,
        )
        outputs.append(Output(RECEIPTS, partition, receipt))
        batch.singles += isinstance(submission, Publish | Withdraw) and submission.upload is None
        name = verdict_name(decision)
        verdicts[name] = verdicts.get(name, 0) + 1


def _publisher(submission: Submission) -> str:
    match submission:
        case Publish() | Withdraw():
            return submission.publisher
    return GATEWAY


def _change(submission: Submission, known: Known | None) -> Record:
    if known is None:
        return Record(submission.id.encode(), None)
    match submission:
        case Publish():
            return change_record(
                submission.id,
                known,
                offer=submission.offer,
                territory=submission.territory,
                release=submission.release,
                warned=_warned(submission),
                traceparent=submission.traceparent,
            )
        case Withdraw():
            return change_record(submission.id, known, traceparent=submission.traceparent)
    return change_record(submission.id, known)


def _warned(submission: Publish) -> Sequence[str]:
    """The codes of the warnings of an accepted offer, which has no other problems; each once."""
    return tuple(dict.fromkeys(problem["code"] for problem in submission.problems)) if submission.problems else ()


@cache
def _problem(code: str) -> Mapping[str, Any]:
    return schemas.problem(code).to_json()
