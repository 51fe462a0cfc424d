"""Idempotency keys: the same request sent again runs once."""

import asyncio
from pathlib import Path

import pytest

from gateway.errors import UnknownOutcomeError
from gateway.ingest.idempotency import (
    ANSWER_BYTES,
    KEPT_MS,
    LEASE_MS,
    UNRENEWED_MS,
    Claim,
    Kept,
    Requests,
    Reused,
    Running,
)
from gateway.protocol.identity import partition_of
from gateway.protocol.record import Record
from gateway.protocol.topic import COMMON, REQUESTS, SUBMISSIONS
from tests.api.write.gateway_harness import GatewayHarness, Log, ndjson, offer, opened
from tests.clock import START, ManualClock

KEY = {"Idempotency-Key": "4f1c8f0e"}


async def test_a_repeated_batch_gets_the_stored_answer(gateway: GatewayHarness) -> None:
    """PUB-041: same status, same receipts; nothing is queued twice, however it is compressed."""
    lines = ndjson(offer(1), offer(2))
    first = await gateway.batch(lines, headers=KEY)
    again = await gateway.batch(lines, headers=KEY, zipped=True)
    assert (again.status, again.raw) == (first.status, first.raw)
    assert (False, "true") == ("Idempotency-Replayed" in first.headers, again.headers["Idempotency-Replayed"])
    assert 2 == len(await gateway.submitted())


async def test_a_refusal_is_repeated_too(gateway: GatewayHarness) -> None:
    """PUB-041: the answer to the same mistake is the same."""
    lines = ndjson(offer(1, sector="x"))
    first = await gateway.batch(lines, headers=KEY)
    again = await gateway.batch(lines, headers=KEY)
    assert (again.status, again.raw) == (422, first.raw)
    assert "batch-refused" == again.code


async def test_a_key_is_good_for_one_content(gateway: GatewayHarness) -> None:
    """PUB-043: 422 for other content, and for the same content at another address."""
    await gateway.batch(ndjson(offer(1)), headers=KEY)
    other = await gateway.batch(ndjson(offer(2)), headers=KEY)
    assert (422, "idempotency-reused") == (other.status, other.code)
    elsewhere = await gateway.batch(ndjson(offer(1)), query="?partial=true", headers=KEY)
    assert "idempotency-reused" == elsewhere.code


async def test_a_key_is_a_partners_own(gateway: GatewayHarness) -> None:
    """PUB-041: two partners may choose the same."""
    await gateway.batch(ndjson(offer(1)), headers=KEY)
    answer = await gateway.batch(ndjson(offer(1, platform="normandie")), who="normandie", headers=KEY)
    assert 202 == answer.status


async def test_marks_take_a_key_as_well(gateway: GatewayHarness) -> None:
    """PUB-041: every POST does."""
    headers = {"Idempotency-Key": "mark"}
    first = await gateway.mark(headers=headers)
    gateway.clock.now += 1
    assert await gateway.mark(headers=headers) == first


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 129])
async def test_a_malformed_key_is_refused(gateway: GatewayHarness, key: str) -> None:
    """PUB-040: 1 to 128 visible ASCII characters."""
    answer = await gateway.batch(ndjson(offer(1)), headers={"Idempotency-Key": key})
    assert (400, "idempotency-key") == (answer.status, answer.code)


async def test_a_request_that_failed_with_5xx_may_be_repeated_at_once(gateway: GatewayHarness) -> None:
    """PUB-045: a 503 is never stored."""
    gateway.log.refusing.add(SUBMISSIONS)
    failed = await gateway.batch(ndjson(offer(1)), headers=KEY)
    assert (503, "batch-interrupted") == (failed.status, failed.code)
    gateway.log.refusing.clear()
    assert 202 == (await gateway.batch(ndjson(offer(1)), headers=KEY)).status


async def test_a_claim_that_cannot_be_written_runs_nothing(gateway: GatewayHarness) -> None:
    """ERR-009: without the claim another replica could not know."""
    gateway.log.refusing.add(REQUESTS)
    failed = await gateway.batch(ndjson(offer(1)), headers=KEY)
    assert (503, "log-unavailable") == (failed.status, failed.code)
    assert [] == await gateway.submitted()


async def test_one_of_two_at_the_same_time_runs(tmp_path: Path) -> None:
    """PUB-042: the other gets 409 with Retry-After while the first runs."""
    async with opened(tmp_path, working=False) as gateway:
        answers = await asyncio.gather(*(gateway.batch(ndjson(offer(1)), headers=KEY) for _ in range(4)))
        assert {answer.status for answer in answers} <= {202, 409}
        assert 1 == [answer.status for answer in answers if "Idempotency-Replayed" not in answer.headers].count(202)
        assert 1 == len(await gateway.submitted())


BRIEF_MS = 6_000


class Replicas:
    """Three replicas on one log; the leases of ``brief`` are short."""

    def __init__(self, log: Log, clock: ManualClock) -> None:
        self.clock = clock
        self.log = log
        self.first, self.second = Requests(log), Requests(log)
        self.brief = Requests(log, lease_ms=BRIEF_MS)

    async def run(self, claim: Claim) -> None:
        """A request of ``brief`` that never ends by itself."""
        async with self.brief.held(claim):
            await asyncio.Event().wait()

    async def renewed(self) -> None:
        """Wait for one more record on the topic."""
        before = sum(await self.log.ends(REQUESTS))
        async with asyncio.timeout(10):
            while sum(await self.log.ends(REQUESTS)) == before:
                await asyncio.sleep(0.005)


@pytest.fixture
async def replicas() -> Replicas:
    clock = ManualClock()
    log = Log(clock=clock)
    await log.create_topics(COMMON)
    return Replicas(log, clock)


async def test_replicas_agree_on_the_first_request(replicas: Replicas) -> None:
    """PUB-042: the log's order decides."""
    first, second = await asyncio.gather(
        replicas.first.claim("bretagne", "k", "aa"), replicas.second.claim("bretagne", "k", "aa")
    )
    assert [type(first), type(second)] == [Claim, Running]
    assert await replicas.second.claim("bretagne", "k", "bb") == Reused()
    assert isinstance(first, Claim)
    await replicas.first.keep(first, 202, {"X": "1"}, "[]")
    assert await replicas.second.claim("bretagne", "k", "aa") == Kept(202, {"X": "1"}, "[]")
    await replicas.first.close()
    await replicas.second.close()


async def test_a_claim_lapses_with_its_lease(replicas: Replicas) -> None:
    """PUB-044: the process that held it is gone; running again is safe by the revisions."""
    assert isinstance(await replicas.first.claim("bretagne", "k", "aa"), Claim)
    replicas.clock.now = START + LEASE_MS - 1
    assert await replicas.second.claim("bretagne", "k", "aa") == Running()
    replicas.clock.now = START + LEASE_MS
    assert isinstance(await replicas.second.claim("bretagne", "k", "aa"), Claim)


async def test_a_claim_of_an_earlier_version_lapses_after_five_minutes(replicas: Replicas) -> None:
    """PUB-044: earlier versions write no lease and renew nothing."""
    key = b"bretagne k"
    claim = Record(key, b'{"kind":"claim","token":"t","digest":"aa"}')
    await replicas.log.append(REQUESTS, partition_of(key.decode(), replicas.log.partitions), [claim])
    replicas.clock.now = START + UNRENEWED_MS - 1
    assert await replicas.second.claim("bretagne", "k", "aa") == Running()
    replicas.clock.now = START + UNRENEWED_MS
    assert isinstance(await replicas.second.claim("bretagne", "k", "aa"), Claim)


async def test_a_claim_that_is_held_is_renewed(replicas: Replicas) -> None:
    """PUB-044: a request that takes longer than a lease keeps its key."""
    claim = await replicas.brief.claim("bretagne", "k", "aa")
    assert isinstance(claim, Claim)
    async with replicas.brief.held(claim):
        for _ in range(3):
            replicas.clock.now += BRIEF_MS - 1
            await replicas.renewed()
            assert await replicas.second.claim("bretagne", "k", "aa") == Running()
        await replicas.brief.keep(claim, 202, {}, "[]")
    assert await replicas.second.claim("bretagne", "k", "aa") == Kept(202, {}, "[]")


async def test_a_request_ends_when_its_claim_cannot_be_renewed(replicas: Replicas) -> None:
    """PUB-042: before others may claim its key; the partner is answered 503."""
    claim = await replicas.brief.claim("bretagne", "k", "aa")
    assert isinstance(claim, Claim)
    replicas.log.refusing.add(REQUESTS)
    with pytest.raises(UnknownOutcomeError, match="renewed"):
        await replicas.run(claim)


async def test_a_request_ends_when_another_holds_its_key(replicas: Replicas) -> None:
    """PUB-042: a clock that jumps ahead ends a lease, and the former holder stops."""
    claim = await replicas.brief.claim("bretagne", "k", "aa")
    assert isinstance(claim, Claim)
    running = asyncio.create_task(replicas.run(claim))
    replicas.clock.now += BRIEF_MS
    assert isinstance(await replicas.second.claim("bretagne", "k", "aa"), Claim)
    with pytest.raises(UnknownOutcomeError, match="renewed"):
        await running
    await replicas.brief.release(claim)
    assert await replicas.first.claim("bretagne", "k", "aa") == Running()


async def test_an_answer_is_kept_though_its_request_was_released(replicas: Replicas) -> None:
    """PUB-041: a request that was cancelled while its answer was being kept."""
    claim = await replicas.first.claim("bretagne", "k", "aa")
    assert isinstance(claim, Claim)
    await replicas.first.keep(claim, 202, {}, "[]")
    await replicas.first.release(claim)
    assert await replicas.second.claim("bretagne", "k", "aa") == Kept(202, {}, "[]")


async def test_the_late_answer_of_a_lapsed_claim_counts_for_nothing(replicas: Replicas) -> None:
    """PUB-044: the claim that took its place answers."""
    lapsed = await replicas.first.claim("bretagne", "k", "aa")
    replicas.clock.now += LEASE_MS
    fresh = await replicas.second.claim("bretagne", "k", "aa")
    assert isinstance(lapsed, Claim)
    assert isinstance(fresh, Claim)
    await replicas.first.keep(lapsed, 202, {}, "late")
    assert await replicas.first.claim("bretagne", "k", "aa") == Running()


async def test_a_released_claim_is_free(replicas: Replicas) -> None:
    """PUB-045: for any content, at once."""
    claim = await replicas.first.claim("bretagne", "k", "aa")
    assert isinstance(claim, Claim)
    await replicas.first.release(claim)
    assert isinstance(await replicas.second.claim("bretagne", "k", "bb"), Claim)


async def test_an_answer_is_kept_for_two_days(replicas: Replicas) -> None:
    """PUB-041: afterwards the key is free."""
    claim = await replicas.first.claim("bretagne", "k", "aa")
    assert isinstance(claim, Claim)
    await replicas.first.keep(claim, 202, {}, "[]")
    replicas.clock.now += KEPT_MS
    assert isinstance(await replicas.first.claim("bretagne", "k", "bb"), Claim)


async def test_an_answer_too_long_to_keep_is_computed_again(replicas: Replicas) -> None:
    """PUB-045: for the same content; other content is still refused."""
    claim = await replicas.first.claim("bretagne", "k", "aa")
    assert isinstance(claim, Claim)
    await replicas.first.keep(claim, 202, {}, None)
    assert await replicas.second.claim("bretagne", "k", "bb") == Reused()
    assert isinstance(await replicas.second.claim("bretagne", "k", "aa"), Claim)


@pytest.mark.slow
async def test_a_long_answer_comes_whole_both_times(gateway: GatewayHarness) -> None:
    """PUB-045: over HTTP."""
    lines = ndjson(*(offer(number) for number in range(3_000)))
    first = await gateway.batch(lines, headers=KEY)
    again = await gateway.batch(lines, headers=KEY)
    assert len(first.raw) > ANSWER_BYTES
    assert [3_000, 3_000] == [len(answer.body["results"]) for answer in (first, again)]
    assert "Idempotency-Replayed" not in again.headers


@pytest.mark.parametrize("over", ["lapsed", "released", "too long"])
async def test_a_repeated_request_is_marked_as_repeated(replicas: Replicas, over: str) -> None:
    """PUB-045: its effect may be there already."""
    first = await replicas.first.claim("bretagne", "k", "aa")
    assert isinstance(first, Claim)
    assert not first.resumed
    match over:
        case "lapsed":
            replicas.clock.now += LEASE_MS
        case "released":
            await replicas.first.release(first)
        case _:
            await replicas.first.keep(first, 202, {}, None)
    again = await replicas.second.claim("bretagne", "k", "aa")
    assert isinstance(again, Claim)
    assert again.resumed


async def test_other_content_under_a_released_key_is_a_first_request(replicas: Replicas) -> None:
    first = await replicas.first.claim("bretagne", "k", "aa")
    assert isinstance(first, Claim)
    await replicas.first.release(first)
    other = await replicas.second.claim("bretagne", "k", "bb")
    assert isinstance(other, Claim)
    assert not other.resumed


@pytest.mark.slow
async def test_a_snapshot_with_a_long_answer_is_no_stale_one_when_it_is_sent_again(gateway: GatewayHarness) -> None:
    """PUB-022, PUB-045: the same request under its key; under another, its mark is used up."""
    mark = await gateway.mark()
    offers = [offer(number) for number in range(3_000)]
    first = await gateway.snapshot(mark, *offers, headers=KEY)
    again = await gateway.snapshot(mark, *offers, headers=KEY)
    other = await gateway.snapshot(mark, *offers, headers={"Idempotency-Key": "another"})
    assert len(first.raw) > ANSWER_BYTES
    assert [202, 202, 409] == [first.status, again.status, other.status]
    assert ("stale-mark", 0) == (other.code, again.body["withdrawn"])
