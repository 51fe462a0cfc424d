"""A batch judged in one pass over texts equals the verdicts of its items, one by one."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.log.port import Output
from gateway.protocol.decide import Accepted, Decision, Duplicate, Rejected, Stale, decide
from gateway.protocol.identity import GATEWAY
from gateway.protocol.record import (
    OfferState,
    Record,
    StoredRecord,
    offer_record,
    read_submission,
    submission_record,
    utc,
)
from gateway.protocol.submission import Forget, Known, Lift, Publish, Retire, Submission, Withdraw
from gateway.protocol.topic import OFFERS, RECEIPTS
from gateway.relay.batch import Batch, judge, offer_ids
from schemas import RELEASE, problem

NOW = 1_796_000_000_000
IDS = st.sampled_from(["bretagne:1", "bretagne:2"])
REVISIONS = st.integers(1, 3)
DIGESTS = st.sampled_from(["aa", "bb"])
TEXTS = st.sampled_from(["Stage", 'l\'"offer"', ',"offer":{"title":"x"}', "é\u2028"])
TRACES = st.sampled_from([None, "00-a-b-01"])
SUBMISSIONS = st.one_of(
    st.builds(
        Publish,
        receipt=st.just("r1"),
        publisher=st.sampled_from(["bretagne", "normandie"]),
        id=IDS,
        revision=REVISIONS,
        digest=DIGESTS,
        offer=st.builds(lambda text, number: {"title": text, "seats": number}, TEXTS, st.floats(0.5, 9.5)),
        audiences=st.sampled_from([(), ("regions",), ("national", "regions")]),
        territory=st.just({"department": "35", "region": "53"}),
        expires_on=st.sampled_from(["2026-01-01", "2027-06-27"]),
        problems=st.sampled_from([(), ({"code": "x", "actual": {"a": 1, "offer": {"offer": 1}}},)]),
        provenance=st.sampled_from([("bretagne",), ("bretagne", "normandie")]),
        mark=st.sampled_from([None, 3]),
        traceparent=TRACES,
        release=st.sampled_from([None, "1.1-2027.02"]),
    ),
    st.builds(
        Withdraw,
        receipt=st.just("r2"),
        publisher=st.just("bretagne"),
        id=IDS,
        revision=REVISIONS,
        reason=st.just("filled"),
        digest=DIGESTS,
        traceparent=TRACES,
    ),
    st.builds(
        Retire,
        receipt=st.just("r3"),
        id=IDS,
        if_revision=REVISIONS,
        reason=st.sampled_from(["absent", "moderated"]),
        before=st.sampled_from([None, 5]),
    ),
    st.builds(Lift, receipt=st.just("r4"), id=IDS, if_revision=REVISIONS),
    st.builds(Forget, receipt=st.just("r5"), id=IDS, if_sequence=st.just(NOW)),
)


@given(st.lists(SUBMISSIONS, max_size=12))
def test_a_batch_is_decided_like_its_single_submissions(submissions: list[Submission]) -> None:
    """Also where a text, or a key within a problem, looks like the beginning of the offer."""
    records = [_stored(offset, submission_record(one)) for offset, one in enumerate(submissions)]
    batch = Batch()
    judge(batch, records[:5], partition=1, known={})
    judge(batch, records[5:], partition=1, known={})
    expected, standing = _one_by_one(records)
    assert [_plain(output) for output in batch.outputs] == expected
    assert {key: known for key, known in batch.changes.items() if known is not None} == standing
    assert sum(batch.verdicts.values()) == len(submissions)
    assert offer_ids(records) == {one.id for one in submissions}


@pytest.mark.parametrize(("key", "value"), [(None, b"{}"), (b"bretagne:1", None)])
def test_a_record_that_the_gateway_did_not_write_stops_the_relay(key: bytes | None, value: bytes | None) -> None:
    """Nothing is skipped in silence."""
    record = StoredRecord(7, NOW, key, value)
    with pytest.raises(ValueError, match="at offset 7"):
        judge(Batch(), [record] if offer_ids([record]) else [], partition=0, known={})


def _stored(offset: int, record: Record) -> StoredRecord:
    return StoredRecord(offset, NOW + offset, record.key, record.value, record.headers)


def _plain(output: Output) -> tuple[str, int, bytes | None, Any, object]:
    record = output.record
    value = None if record.value is None else orjson.loads(record.value)
    return output.topic, output.partition, record.key, value, record.headers


def _one_by_one(records: list[StoredRecord]) -> tuple[list[Any], dict[str, Known]]:
    outputs: list[Output] = []
    standing: dict[str, Known] = {}
    for record in records:
        submission = read_submission(record.value or b"")
        publisher = getattr(submission, "publisher", GATEWAY)
        decision = decide(
            submission,
            publisher=publisher,
            known=standing.get(submission.id),
            now=record.appended_at,
            position=record.offset,
        )
        if isinstance(decision, Accepted):
            outputs.append(Output(OFFERS, 1, _change(submission, decision.known)))
            standing.pop(submission.id, None)
            if decision.known is not None:
                standing[submission.id] = decision.known
        receipt = orjson.dumps(_receipt(submission, decision, publisher, record))
        outputs.append(Output(RECEIPTS, 1, Record(record.key, receipt)))
    return [_plain(output) for output in outputs], standing


def _change(submission: Submission, known: Known | None) -> Record:
    if known is None:
        return Record(submission.id.encode(), None)
    offer, territory = getattr(submission, "offer", None), getattr(submission, "territory", None)
    warned = tuple({one["code"]: None for one in getattr(submission, "problems", ())})
    state = OfferState(submission.id, known, offer, territory, getattr(submission, "release", None), warned)
    return offer_record(state, traceparent=getattr(submission, "traceparent", None))


def _receipt(submission: Submission, decision: Decision, publisher: str, record: StoredRecord) -> dict[str, Any]:
    release = getattr(submission, "release", None) or RELEASE
    explained = [problem(decision.code).to_json()] if isinstance(decision, (Stale, Rejected)) else []
    body = {
        "receipt": submission.receipt,
        "id": submission.id,
        "publisher": publisher,
        "verdict": type(decision).__name__.lower(),
        "position": f"submissions/1/{record.offset}",
        "at": utc(record.appended_at),
        "schema_version": release.split("-")[0],
        "rules_version": release.split("-")[1],
        "release": release,
        "problems": [*explained, *getattr(submission, "problems", ())],
        "revision": getattr(submission, "revision", None) or getattr(submission, "if_revision", None),
        "digest": getattr(submission, "digest", None),
        "department": getattr(submission, "territory", {}).get("department"),
    }
    match decision:
        case Accepted(sequence=sequence, created=created):
            reason = submission.reason if isinstance(submission, (Withdraw, Retire)) else None
            body |= {"sequence": sequence, "created": created, "withdrawn": reason}
        case Duplicate(known=known):
            body["sequence"] = known.sequence
        case Stale(known=known) | Rejected(known=known) if known is not None:
            body["current"] = {"revision": known.revision, "sequence": known.sequence}
    return {name: item for name, item in body.items() if item is not None}
