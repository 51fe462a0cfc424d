"""Recorded topics are read, and for the same input written byte for byte (problems are compared by code).

The text of a message may change; a key, a header, a member or its order may not change: gateways of two versions
share one log while they are replaced (docs/install.md).
"""

from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

import schemas
from gateway.ingest.backlog import Backlog
from gateway.ingest.idempotency import ClaimTable
from gateway.ingest.inboxes import InboxPartition, Intake
from gateway.ingest.submissions import Submissions, command
from gateway.log.positions import Positions
from gateway.operate.decision_counts import COUNTED, CountedPartition
from gateway.partners import Partners
from gateway.partners.record import changed_record, read_partner
from gateway.protocol.delivery import delivery_record, is_delivery, read_delivery
from gateway.protocol.record import (
    Record,
    StoredRecord,
    offer_record,
    position_record,
    read_offer,
    read_submission,
    submission_record,
)
from gateway.protocol.refused_offers import refused_offer_seal
from gateway.protocol.seal import ReceiptIds
from gateway.protocol.source_run import (
    RunOrder,
    SourceRun,
    order_record,
    read_run,
    run_record,
)
from gateway.protocol.statistics import BROKEN, UNBROKEN, read_counts
from gateway.protocol.submission import Publish, Retire, Withdraw
from gateway.protocol.topic import (
    CONTACTS,
    DELIVERIES,
    FEED,
    INBOX,
    JOINING,
    JOURNAL,
    NOTICES,
    OFFERS,
    OPERATORS,
    PARTNERS,
    POSITIONS,
    PUSHES,
    RECEIPTS,
    REJECTED,
    RELEASES,
    REQUESTS,
    RUNS,
    STATISTICS,
    SUBMISSIONS,
    SUBSCRIPTIONS,
)
from gateway.publish.subscriber_topics import FeedPartition
from gateway.relay import Relay
from tests.harness import running, until
from tests.recordings.recording import TOPICS, Recording
from tests.recordings.replay import ReplayLog

pytestmark = pytest.mark.smoke

NATIVE = "grand-est"
RECORDING = Recording.read()
PARTITIONS = range(RECORDING.about["partitions"])
IDS = ReceiptIds(RECORDING.about["secret"].encode())


def every(topic: str) -> list[StoredRecord]:
    return [one for partition in RECORDING.topics[topic] for one in partition]


def only(*topics: str) -> ReplayLog:
    return ReplayLog({topic: RECORDING.topics[topic] for topic in topics}, partitions=len(PARTITIONS))


def without_words(value: Any) -> Any:
    """A decoded value with every problem in it reduced to its code and its pointer."""
    if isinstance(value, dict):
        if {"code", "severity"} <= value.keys():
            return {"code": value["code"], "pointer": value.get("pointer")}
        return {key: without_words(one) for key, one in value.items()}
    return [without_words(one) for one in value] if isinstance(value, list) else value


NEWER_MEMBERS = {"release", "warned", "department", "withdrawn"}
"""Members that the version which was recorded did not write: it ignores them."""


def comparable(record: Record | StoredRecord) -> tuple[bytes | None, bytes | None, Any]:
    """Key, value and headers; in the value only the words of problems and newer members are left out."""
    value = record.value
    if value is not None and (b'"severity"' in value or b'"release"' in value or b'"warned"' in value):
        body = without_words(orjson.loads(value))
        value = orjson.dumps({name: one for name, one in body.items() if name not in NEWER_MEMBERS})
    return record.key, value, tuple(record.headers)


def same(expected: Sequence[StoredRecord], actual: Sequence[Record]) -> None:
    assert [comparable(one) for one in expected] == [comparable(one) for one in actual]


async def run_until(work: Callable[[], Coroutine[Any, Any, None]], *, done: Callable[[], bool]) -> None:
    async with running(work()) as [task]:
        await until(lambda: done() or task.done())
    assert done()


NEWER = {STATISTICS, JOURNAL, OPERATORS, CONTACTS, NOTICES, JOINING, SUBSCRIPTIONS, PUSHES, RELEASES}
"""Topics that the version which was recorded did not have."""


def test_every_topic_is_in_the_recording() -> None:
    assert {*TOPICS, INBOX + NATIVE, FEED + NATIVE} - NEWER == RECORDING.topics.keys()
    assert all(any(partition) for partition in RECORDING.topics.values())


def test_the_recording_has_what_the_relay_is_asked() -> None:
    kinds = Counter(orjson.loads(one.value or b"{}")["kind"] for one in every(SUBMISSIONS))
    assert {"publish", "withdraw", "retire", "lift"} <= kinds.keys()
    verdicts = {orjson.loads(one.value or b"{}")["verdict"] for one in every(RECEIPTS)}
    assert {"accepted", "duplicate", "stale", "rejected"} <= verdicts


@pytest.mark.parametrize("partition", PARTITIONS)
async def test_the_relay_decides_recorded_submissions_as_it_did(partition: int, tmp_path: Path) -> None:
    log = only(SUBMISSIONS)
    relay = Relay(
        log,
        folder=tmp_path,
        identity=await log.identity(),
        submissions=Submissions(log, ids=IDS, clock=lambda: 0),
        ids=IDS,
        clock=lambda: 0,
        decided=lambda _: None,
    )
    expected_receipts = [
        one
        for one in RECORDING.topics[RECEIPTS][partition]
        if orjson.loads(one.value or b"{}")["position"].startswith(SUBMISSIONS)
    ]
    await run_until(relay.run, done=lambda: len(log.written.get((RECEIPTS, partition), ())) >= len(expected_receipts))
    same(expected_receipts, log.written[RECEIPTS, partition])
    same(RECORDING.topics[OFFERS][partition], log.written[OFFERS, partition])


@pytest.mark.parametrize("partition", PARTITIONS)
async def test_the_intake_settles_recorded_messages_as_it_did(partition: int) -> None:
    log = only(INBOX + NATIVE, PARTNERS)
    partners = Partners(log)
    await partners.catch_up()
    inboxes = Intake(log=log, partners=partners, ids=IDS, backlog=Backlog(Positions(log)))
    intake = InboxPartition(inboxes, NATIVE, partition)
    messages = RECORDING.topics[INBOX + NATIVE][partition]

    def settled() -> list[Record]:
        return [
            one for (topic, _), records in log.written.items() if topic in {SUBMISSIONS, RECEIPTS} for one in records
        ]

    await run_until(intake.run, done=lambda: len(settled()) >= len(messages))
    await partners.close()
    prefix = f"{INBOX}{NATIVE}/{partition}/"
    receipts = {orjson.loads(one.value or b"{}")["receipt"] for one in settled()}
    for target in PARTITIONS:
        submitted = [
            one
            for one in RECORDING.topics[SUBMISSIONS][target]
            if orjson.loads(one.value or b"{}")["receipt"] in receipts
        ]
        same(submitted, log.written.get((SUBMISSIONS, target), []))
        refused = [
            one
            for one in RECORDING.topics[RECEIPTS][target]
            if orjson.loads(one.value or b"{}")["position"].startswith(prefix)
        ]
        same(refused, log.written.get((RECEIPTS, target), []))
    copies = [one for one in every(REJECTED) if orjson.loads(one.value or b"{}")["place"].startswith(prefix)]
    same(copies, [one for (topic, _), records in log.written.items() if topic == REJECTED for one in records])


@pytest.mark.parametrize("partition", PARTITIONS)
async def test_recorded_receipts_are_counted_with_the_departments_of_their_submissions(partition: int) -> None:
    log = only(SUBMISSIONS, RECEIPTS)
    end = (await log.ends(RECEIPTS))[partition]
    done = position_record(COUNTED, partition, end)
    await run_until(
        CountedPartition(log, partition, seal=refused_offer_seal(b"s" * 32), every=0.01).run,
        done=lambda: done in log.written.get((POSITIONS, partition), ()),
    )
    records = [read_counts(one.key, one.value) for one in log.written[STATISTICS, partition]]
    counted = Counter[tuple[str, str | None]]()
    for cell, number in ((cell, n) for record in records if record for cell, n in record.counts.items()):
        if cell.rule in {BROKEN, UNBROKEN}:
            counted["accepted" if cell.verdict == "withdrawn" else cell.verdict, cell.department or None] += number
    assert expected_counts(partition) == counted


def expected_counts(partition: int) -> Counter[tuple[str, str | None]]:
    """By verdict and department, from whole submissions; without the gateway's commands that withdraw nothing."""
    submissions = {
        f"{SUBMISSIONS}/{partition}/{one.offset}": read_submission(one.value or b"")
        for one in RECORDING.topics[SUBMISSIONS][partition]
    }
    found = Counter[tuple[str, str | None]]()
    for one in RECORDING.topics[RECEIPTS][partition]:
        receipt = orjson.loads(one.value or b"{}")
        submission = submissions.get(receipt["position"])
        withdraws = isinstance(submission, Withdraw | Retire) and receipt["verdict"] == "accepted"
        if receipt["publisher"] != "gateway" or withdraws:
            department = submission.territory["department"] if isinstance(submission, Publish) else None
            found[receipt["verdict"], department] += 1
    return found


@pytest.mark.parametrize("partition", PARTITIONS)
async def test_the_feed_of_a_subscriber_is_written_as_it_was(partition: int) -> None:
    began = [[one for one in records if b".began/" in (one.key or b"")] for records in RECORDING.topics[POSITIONS]]
    recorded = {OFFERS: RECORDING.topics[OFFERS], PARTNERS: RECORDING.topics[PARTNERS], POSITIONS: began}
    log = ReplayLog(recorded, partitions=len(PARTITIONS))
    partners = Partners(log)
    await partners.catch_up()
    feed = FeedPartition(log, NATIVE, partition, partners=partners)
    expected = RECORDING.topics[FEED + NATIVE][partition]
    await run_until(feed.run, done=lambda: len(log.written.get((FEED + NATIVE, partition), ())) >= len(expected))
    await partners.close()
    same(expected, log.written[FEED + NATIVE, partition])


def test_a_document_that_was_sent_becomes_the_same_submission() -> None:
    """Documents that publishers sent over HTTP, checked and written again under their former receipts."""
    partners = [read_partner(one.value or b"") for one in every(PARTNERS) if (one.value or b"").startswith(b'{"pla')]
    hosts = {host: partner.platform for partner in partners for host in partner.hosts}
    documents = {
        (one["id"], one.get("revision")): one for many in RECORDING.sent.values() for one in many if "id" in one
    }
    again = 0
    for record in every(SUBMISSIONS):
        submission = read_submission(record.value or b"")
        if not isinstance(submission, Publish | Withdraw):
            continue
        document = documents.get((submission.id, submission.revision))
        if document is None:
            continue
        verdict = schemas.check(orjson.dumps(document), on=date.fromisoformat(RECORDING.about["on"]))
        if not verdict.accepted or verdict.withdrawal is not None:
            continue
        written = submission_record(
            command(
                verdict,
                receipt=submission.receipt,
                publisher=submission.publisher,
                hosts=hosts,
                mark=getattr(submission, "mark", None),
                traceparent=submission.traceparent,
                upload=submission.upload,
            )
        )
        if orjson.loads(written.value or b"")["digest"] != submission.digest:
            continue  # another text of the same revision: what a feed makes of it
        same([record], [written])
        again += 1
    assert again >= 50


def test_submissions_that_are_read_are_written_again_the_same() -> None:
    for record in every(SUBMISSIONS):
        same([record], [submission_record(read_submission(record.value or b""))])


def test_offers_that_are_read_are_written_again_the_same() -> None:
    for record in every(OFFERS):
        if record.key is not None and record.value is not None:
            trace = record.header("traceparent")
            same([record], [offer_record(read_offer(record.key, record.value), traceparent=trace)])


def test_deliveries_that_are_read_are_written_again_the_same() -> None:
    deliveries = [one for one in every(DELIVERIES) if one.value and is_delivery(one.key or b"")]
    assert len(deliveries) > 100
    for record in deliveries:
        same([record], [delivery_record(read_delivery(record.key or b"", record.value or b""))])


def test_partners_that_are_read_are_written_again_the_same() -> None:
    partners = [one for one in every(PARTNERS) if one.value and b"/" not in (one.key or b"")]
    assert len(partners) > 10
    for record in partners:
        same([record], [changed_record(None, read_partner(record.value or b""))])


def test_runs_that_are_read_are_written_again_the_same() -> None:
    runs = 0
    for record in every(RUNS):
        match read_run(record.key, record.value):
            case SourceRun() as run:
                same([record], [run_record(run)])
                runs += 1
            case RunOrder() as order:
                same([record], [order_record(order)])
                runs += 1
    assert runs > 20


def test_a_request_under_a_recorded_key_is_known() -> None:
    claims = ClaimTable()
    for partition in PARTITIONS:
        claims.apply(RECORDING.topics[REQUESTS][partition])
    entry = claims.get("bourgogne-franche-comte recorded-request")
    assert entry is not None
    assert entry.over
