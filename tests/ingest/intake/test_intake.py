"""Intake on a log in memory: every inbox message becomes one submission or one refusal."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta

import orjson
import pytest

from gateway.ingest.backlog import INBOX_AHEAD, SHARE, Backlog
from gateway.ingest.inboxes import Intake
from gateway.log.port import Output
from gateway.log.positions import Positions
from gateway.partners import Partners
from gateway.protocol.partner import Partner
from gateway.protocol.record import TYPE_PUBLISHED, TYPE_WITHDRAWN, Record, position_record, read_submission
from gateway.protocol.seal import ReceiptIds
from gateway.protocol.submission import Publish, Submission, Withdraw
from gateway.protocol.topic import COMMON, INBOX, POSITIONS, RECEIPTS, REJECTED, SUBMISSIONS, inbox
from tests.harness import OFFER, records_of, running
from tests.harness import until as wait_until
from tests.memory_log import MemoryLog, WriteFault
from tests.protocol.certified import NOW, issued

TODAY = date(2026, 11, 30)
"""The day of ``NOW``."""
BRETAGNE = Partner(platform="bretagne", name="Bretagne", scopes=frozenset({"offers:publish"}), inbox=True)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def message(
    key: str | None = "bretagne:1", value: object = OFFER, kind: str | None = TYPE_PUBLISHED, **headers: str
) -> Record:
    raw = value if isinstance(value, bytes) or value is None else orjson.dumps(value)
    given = {"ce_type": kind, **headers} if kind else headers
    return Record(
        None if key is None else key.encode(), raw, tuple((name, text.encode()) for name, text in given.items())
    )


@pytest.fixture
async def log() -> AsyncIterator[MemoryLog]:
    memory = MemoryLog(clock=lambda: NOW)
    await memory.create_topics([*COMMON, inbox("bretagne")])
    yield memory
    await memory.close()


@asynccontextmanager
async def intake(
    log: MemoryLog, partner: Partner = BRETAGNE, required: date | None = None, backlog: Backlog | None = None
) -> AsyncIterator[asyncio.Task[None]]:
    partners = Partners(log)
    await partners.save(partner)
    ids = ReceiptIds(b"k" * 32)
    backlog = backlog or Backlog(Positions(log))
    work = Intake(log=log, partners=partners, ids=ids, backlog=backlog, require_certificate=required)
    async with running(work.run()) as [task]:
        yield task
    await partners.close()


async def values(log: MemoryLog, topic: str) -> list[bytes]:
    return [record.value or b"" for record in await records_of(log, topic)]


async def until(log: MemoryLog, topic: str, count: int) -> list[bytes]:
    async def there() -> bool:
        return len(await values(log, topic)) >= count

    await wait_until(there)
    return await values(log, topic)


async def submitted(log: MemoryLog) -> Submission:
    """The one submission that the messages become."""
    async with intake(log):
        (value,) = await until(log, SUBMISSIONS, 1)
    return read_submission(value)


async def refused(log: MemoryLog, record: Record) -> list[str]:
    """The codes of the one refusal of this message; the valid one behind it must be submitted."""
    await log.append(INBOX + "bretagne", 1, [record, message("bretagne:2", {**OFFER, "id": "bretagne:2"})])
    assert (await submitted(log)).id == "bretagne:2"
    (rejected,) = await values(log, REJECTED)
    (receipt,) = await values(log, RECEIPTS)
    copy, refusal = orjson.loads(rejected), orjson.loads(receipt)
    codes = [problem["code"] for problem in refusal["problems"]]
    assert (copy["receipt"], copy["place"]) == (refusal["receipt"], refusal["position"])
    assert copy["codes"] == refusal.get("codes", Counter(codes))
    return codes


async def test_a_publication_becomes_a_submission(log: MemoryLog) -> None:
    """[PUB-031]: with its own digest, territory and provenance."""
    await log.append(INBOX + "bretagne", 0, [message(traceparent=TRACE)])
    submission = await submitted(log)
    assert isinstance(submission, Publish)
    assert (submission.publisher, submission.revision, submission.territory["department"]) == ("bretagne", 1, "35")
    assert (submission.provenance, submission.traceparent) == (("bretagne",), TRACE)


@pytest.mark.parametrize(("others", "ahead", "at_once"), [(1, SHARE, 100), (0, INBOX_AHEAD, 500)])
async def test_an_inbox_waits_for_the_relay_while_others_submit(
    log: MemoryLog, others: int, ahead: int, at_once: int
) -> None:
    """[ERR-006] One more commit than the share is on the log; the rest is taken in as the relay decides. An inbox alone
    is read further ahead.
    """
    number = 4_500
    for start in range(0, number, 500):
        ids = [f"bretagne:{one}" for one in range(start, start + 500)]
        await log.append(INBOX + "bretagne", start % 3, [message(one, {**OFFER, "id": one}) for one in ids])
    positions = Positions(log)
    await positions.catch_up()
    backlog = Backlog(positions, clock=lambda: 1_000.0)
    for partition in range(others):
        await backlog.enter("normandie", partition, 1)
    partitions = range(log.partitions)
    async with running(positions.run()), intake(log, backlog=backlog):
        await wait_until(lambda: any(backlog.full("bretagne", one, alone=INBOX_AHEAD) for one in partitions))
        for _ in range(1_000):
            await asyncio.sleep(0)
        waiting = len(await values(log, SUBMISSIONS))
        assert ahead <= waiting <= log.partitions * (ahead + at_once)
        while len(await values(log, SUBMISSIONS)) < number:
            for one, end in enumerate(await log.ends(SUBMISSIONS)):
                await log.append(POSITIONS, one, [position_record(SUBMISSIONS, one, end)])
            await asyncio.sleep(0.01)
    assert number == len(set(await values(log, SUBMISSIONS)))


async def test_a_recreated_inbox_waits_and_holds_no_other_back(log: MemoryLog) -> None:
    """Its position is beyond its end: read from its start, its messages would get receipts of former ones."""
    await log.create_topics([inbox("normandie")])
    owner = await log.own("intake.bretagne", 0)
    await owner.commit([Output(POSITIONS, 0, position_record(INBOX + "bretagne", 0, 99))])
    await owner.close()
    await log.append(INBOX + "bretagne", 0, [message()])
    async with intake(log) as task, intake(log, replace(BRETAGNE, platform="normandie")) as another:
        await log.append(INBOX + "normandie", 0, [message("normandie:1", {**OFFER, "id": "normandie:1"})])
        (value,) = await until(log, SUBMISSIONS, 1)
        await asyncio.sleep(0.1)
        assert (task.done(), another.done()) == (False, False)
    assert read_submission(value).id == "normandie:1"


@pytest.mark.parametrize("text", ["00-1-2-01", "joindre marie@atelier.example", "", "x" * 100_000, TRACE + "-x"])
async def test_a_malformed_trace_context_is_dropped(log: MemoryLog, text: str) -> None:
    """[PUB-007]: it would be passed on to every subscriber."""
    await log.append(INBOX + "bretagne", 0, [message(traceparent=text)])
    submission = await submitted(log)
    assert isinstance(submission, Publish)
    assert submission.traceparent is None


async def test_a_message_that_raises_an_unexpected_error_holds_no_other_back(log: MemoryLog) -> None:
    """[PUB-035]: such a message, which no broker can hold, represents every unknown fault."""
    unheard_of = Record(b"bretagne:1", b"{}", (("ce_type", ()),))  # type: ignore[arg-type]  # no broker holds it
    assert await refused(log, unheard_of) == ["inbox-broke-the-gateway"]


async def test_a_withdrawal_becomes_a_submission(log: MemoryLog) -> None:
    """[PUB-032]."""
    withdrawal = {"id": "bretagne:1", "revision": 2, "reason": "filled"}
    await log.append(INBOX + "bretagne", 0, [message(value=withdrawal, kind=TYPE_WITHDRAWN)])
    submission = await submitted(log)
    assert isinstance(submission, Withdraw)
    assert (submission.reason, submission.revision) == ("filled", 2)


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (message(key=None), "inbox-key"),
        (message(key="not an id"), "inbox-key"),
        (Record(b"\xff\xfe", b"{}", (("ce_type", TYPE_PUBLISHED.encode()),)), "inbox-key"),
        (message(key="bretagne:9"), "inbox-key"),
        (message(key="normandie:1"), "not-owner"),
        (message(value=None), "inbox-null"),
        (message(kind=None), "inbox-type"),
        (message(kind="fr.stages.offer.deleted.v1"), "inbox-type"),
    ],
    ids=["no key", "key no id", "key no text", "key of another offer", "another's key", "null", "no type", "type"],
)
async def test_a_message_out_of_order_is_refused_and_holds_no_other_back(
    log: MemoryLog, record: Record, code: str
) -> None:
    """[PUB-031] [PUB-032] [PUB-033] [PUB-035] [IDN-003]."""
    assert (await refused(log, record))[0] == code


@pytest.mark.parametrize(
    "raw", [b"\xff\xfe", b"not json", b"[]", b"", b'{"id":"bretagne:1"}', b"[" * 10_000, b"x" * 200_000]
)
async def test_bytes_that_are_no_offer_are_refused_and_hold_no_other_back(log: MemoryLog, raw: bytes) -> None:
    """[PUB-035]."""
    assert await refused(log, message(value=raw))


async def test_the_stored_refusal_has_no_personal_data(log: MemoryLog) -> None:
    """[PUB-035] T-17."""
    offer = {**OFFER, "title": "", "description": "Écrire à marie@atelier.example ou au 02 99 12 34 56"}
    await refused(log, message(value=offer))
    (rejected,) = await values(log, REJECTED)
    assert b"marie@" not in rejected
    assert b"99 12" not in rejected
    assert "Écrire à" in orjson.loads(rejected)["body"]


async def test_a_platform_without_the_right_to_publish_is_refused(log: MemoryLog) -> None:
    """[PUB-034]."""
    await log.append(INBOX + "bretagne", 0, [message()])
    async with intake(log, replace(BRETAGNE, scopes=frozenset({"offers:read"}))):
        (rejected,) = await until(log, REJECTED, 1)
    assert orjson.loads(rejected)["codes"] == {"inbox-not-allowed": 1}


async def test_from_the_day_on_a_partner_without_certificate_may_only_withdraw(log: MemoryLog) -> None:
    """[CER-001]: by the day of the append, with all that is wrong besides."""
    withdrawal = {"id": "bretagne:1", "revision": 2, "reason": "filled"}
    poor = message("bretagne:2", {**OFFER, "id": "bretagne:2", "title": ""})
    await log.append(INBOX + "bretagne", 0, [message(), poor, message(value=withdrawal, kind=TYPE_WITHDRAWN)])
    async with intake(log, required=TODAY):
        (taken,) = await until(log, SUBMISSIONS, 1)
    assert isinstance(read_submission(taken), Withdraw)
    problems = [orjson.loads(value)["problems"] for value in await values(log, RECEIPTS)]
    assert [["certificate-missing"], ["certificate-missing", "text-blank"]] == [
        [problem["code"] for problem in one] for one in problems
    ]
    assert problems[0][0]["expected"] == TODAY.isoformat()


@pytest.mark.parametrize(
    ("partner", "required"),
    [(replace(BRETAGNE, certificates=(issued(),)), TODAY), (BRETAGNE, TODAY + timedelta(days=1)), (BRETAGNE, None)],
    ids=["certified", "the day before", "no day"],
)
async def test_offers_are_accepted_from_certified_partners_and_before_the_day(
    log: MemoryLog, partner: Partner, required: date | None
) -> None:
    """[CER-001]."""
    await log.append(INBOX + "bretagne", 0, [message()])
    async with intake(log, partner, required):
        (value,) = await until(log, SUBMISSIONS, 1)
    assert read_submission(value).id == "bretagne:1"


@pytest.mark.parametrize("fault", list(WriteFault))
async def test_each_message_is_submitted_once_whatever_the_outcome_of_the_commit(
    log: MemoryLog, fault: WriteFault
) -> None:
    """[RCP-004]."""
    batch = [message(f"bretagne:{n}", {**OFFER, "id": f"bretagne:{n}"}) for n in range(30)]
    await log.append(INBOX + "bretagne", 0, batch)
    async with intake(log):
        log.inject(fault, fault)
        await until(log, SUBMISSIONS, 30)
        await log.deliver()
    submissions = [read_submission(value) for value in await values(log, SUBMISSIONS)]
    assert len(submissions) == 30
    assert len({one.id for one in submissions}) == len({one.receipt for one in submissions}) == 30


async def test_intake_resumes_at_its_position(log: MemoryLog) -> None:
    """[RCP-004]: a restart takes nothing twice."""
    for number in range(3):
        await log.append(INBOX + "bretagne", 0, [message(f"bretagne:{number}", {**OFFER, "id": f"bretagne:{number}"})])
        async with intake(log):
            await until(log, SUBMISSIONS, number + 1)
    ids = [read_submission(value).id for value in await values(log, SUBMISSIONS)]
    assert sorted(ids) == ["bretagne:0", "bretagne:1", "bretagne:2"]


async def test_a_partner_whose_topic_is_missing_does_not_stop_the_others(log: MemoryLog) -> None:
    """It is served as soon as its topic is there."""
    normandie = Partner(platform="normandie", name="N", scopes=frozenset({"offers:publish"}), inbox=True)
    async with intake(log) as task:
        partners = Partners(log)
        await partners.save(normandie)
        await partners.close()
        await log.append(INBOX + "bretagne", 0, [message()])
        await until(log, SUBMISSIONS, 1)
        assert not task.done()


async def test_messages_that_expired_unread_do_not_stop_an_inbox(log: MemoryLog) -> None:
    """They were never acknowledged; later messages are submitted."""
    async with intake(log):
        await log.append(INBOX + "bretagne", 0, [message()])
        await until(log, SUBMISSIONS, 1)
    for number in range(2, 5):
        await log.append(INBOX + "bretagne", 0, [message(f"bretagne:{number}", {**OFFER, "id": f"bretagne:{number}"})])
    await log.maintain([inbox("bretagne")], now=NOW + 8 * 86_400_000)
    await log.append(INBOX + "bretagne", 0, [message("bretagne:9", {**OFFER, "id": "bretagne:9"})])
    async with intake(log):
        found = await until(log, SUBMISSIONS, 2)
    assert read_submission(found[-1]).id == "bretagne:9"
