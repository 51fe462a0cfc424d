"""The sender on a log in memory: real views, real posts to endpoints that apply them with the client."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.log.port import Output
from gateway.protocol.push import DEADLINE_MS, GIVEN_UP_MS, PushRow, announce
from gateway.protocol.push_record import progress_record, read_attempt
from gateway.protocol.subscription import MAX_BYTES, rotated
from gateway.protocol.topic import PUSHES, SUBSCRIPTIONS
from gateway.protocol.visibility import Filter
from gateway.push.signature import consent_code, signing_secret
from tests.harness import records_of, until
from tests.memory_log import MemoryLog
from tests.push.endpoint import Endpoint, receiving
from tests.push.push_harness import READER, PushHarness, pushing

KEY = READER.platform, "copie"


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    async with receiving() as found:
        yield found


@pytest.fixture
async def log() -> AsyncIterator[MemoryLog]:
    memory = MemoryLog()
    yield memory
    await memory.close()


@pytest.fixture
async def push(tmp_path: Path, log: MemoryLog) -> AsyncIterator[PushHarness]:
    async with pushing(tmp_path, log) as harness:
        yield harness


async def rows(log: MemoryLog) -> list[PushRow]:
    return [read_attempt(record.value or b"") for record in await records_of(log, PUSHES)]


def generations(endpoint: Endpoint) -> list[int]:
    return list(dict.fromkeys(page["generation"] for page in endpoint.pages))


async def test_offers_and_removals_come_by_themselves(push: PushHarness, endpoint: Endpoint) -> None:
    """[PSH-003]"""
    for number in range(40):
        await push.publish(number)
    await push.subscribe(endpoint)
    await push.equal(endpoint)
    assert 40 == len(endpoint.live())
    await push.withdraw(3)
    await push.publish(7, title="Un autre titre")
    await push.publish(8, redistribution={"mask_employer": True})
    await push.equal(endpoint)
    assert "name" not in endpoint.live()["bretagne:8"]["employer"]
    assert {"changes", "fresh", "more", "generation"} == endpoint.pages[-1].keys()
    assert 1 == len(generations(endpoint))
    assert not endpoint.pages[-1]["more"]


async def test_an_empty_federation_is_said_to_be_complete_once(push: PushHarness, endpoint: Endpoint) -> None:
    await push.subscribe(endpoint)
    await until(lambda: endpoint.pages)
    await push.publish(1)
    await push.equal(endpoint)
    assert [0, 1] == [len(page["changes"]) for page in endpoint.pages]


async def test_a_page_is_as_large_as_the_batch_and_holds_one_change_at_least(
    push: PushHarness, endpoint: Endpoint
) -> None:
    for number in range(60):
        await push.publish(number, description="x" * 400)
    await push.publish(99, description="y" * 4_000)
    await push.subscribe(endpoint, max_batch=3_000)
    await push.equal(endpoint)
    sizes = [(len(page["changes"]), len(str(page["changes"]))) for page in endpoint.pages]
    assert all(number <= 1 or size < 3_300 for number, size in sizes)
    assert max(number for number, _ in sizes) > 1


async def test_pages_of_a_backlog_fill_the_batch_from_the_second_on(push: PushHarness, endpoint: Endpoint) -> None:
    for number in range(300):
        await push.publish(number, description="x" * 400)
    await push.feed()  # the view has all of them
    await push.subscribe(endpoint, max_batch=MAX_BYTES)
    await push.equal(endpoint)
    sizes = [len(orjson.dumps(page["changes"])) for page in endpoint.pages]
    assert [] == [size for size in sizes[1:-1] if not 0.85 * MAX_BYTES < size <= MAX_BYTES]
    assert len(sizes) > 3


async def test_nothing_but_tests_is_pushed_before_the_owner_of_the_url_agrees(
    push: PushHarness, endpoint: Endpoint
) -> None:
    """[PSH-002] [PSH-003]"""
    await push.publish(1)
    one = await push.subscribe(endpoint, confirmed=False)
    one = await push.set(tests=1)
    await until(lambda: endpoint.codes)
    assert [consent_code(push.federation.secret, READER.platform, one)] == endpoint.codes
    await asyncio.sleep(0.3)
    assert [[]] == [page["changes"] for page in endpoint.pages]
    assert {} == endpoint.live()
    await push.set(confirmed=True)
    await push.equal(endpoint)
    assert 1 == len(endpoint.codes), "the order of a test is followed once"


async def test_a_refused_change_is_named_and_the_others_come_once_it_is_skipped(
    tmp_path: Path, log: MemoryLog, endpoint: Endpoint
) -> None:
    """[PSH-009]"""
    endpoint.fault = lambda page: 400 if any(one["id"] == "bretagne:5" for one in page["changes"]) else None
    async with pushing(tmp_path, log, speed=200.0) as push:
        for number in range(30):
            await push.publish(number)
        await push.subscribe(endpoint)
        await until(lambda: (found := push.book.state.progress.get(KEY)) and found.blocked)
        offer, sequence = push.book.state.progress[KEY].blocked or ("", 0)
        assert offer == "bretagne:5"
        assert any(row.offer == offer and row.status == 400 for row in await rows(log))
        await push.set(skip=(offer, sequence), enables=1)
        await until(lambda: 29 == len(endpoint.live()))
        await push.publish(40)
        await until(lambda: 30 == len(endpoint.live()))
        endpoint.fault = lambda _: None
        await push.publish(5, title="Réparée")
        await push.equal(endpoint)


@pytest.mark.parametrize("status", [302, 500, 401])
async def test_a_push_that_fails_is_tried_again_from_where_it_was(
    tmp_path: Path, log: MemoryLog, endpoint: Endpoint, status: int
) -> None:
    """[PSH-004] [PSH-008]"""
    failures = iter([status] * 3)
    endpoint.fault = lambda _: next(failures, None)
    async with pushing(tmp_path, log, speed=200.0) as push:
        await push.publish(1)
        await push.subscribe(endpoint)
        await push.equal(endpoint)
        assert [status] * 3 == [row.status for row in await rows(log)][:3]


async def test_retry_after_is_honoured(push: PushHarness, endpoint: Endpoint) -> None:
    """[PSH-008]"""
    endpoint.fault, endpoint.retry_after = lambda _: 503, "3600"
    await push.publish(1)
    await push.subscribe(endpoint)
    await until(lambda: (found := push.book.state.progress.get(KEY)) and found.failures)
    assert push.book.state.progress[KEY].next_at - push.clock() > 3_000_000
    seen = len(endpoint.pages)
    await asyncio.sleep(0.2)
    assert seen == len(endpoint.pages)


async def test_410_disables_until_the_owner_enables(push: PushHarness, endpoint: Endpoint) -> None:
    endpoint.fault = lambda _: 410
    await push.publish(1)
    await push.subscribe(endpoint)
    await until(lambda: "disabled" in push.counts)
    endpoint.fault, seen = lambda _: None, len(endpoint.pages)
    await asyncio.sleep(0.3)
    assert seen == len(endpoint.pages)
    await push.set(enables=1)
    await push.equal(endpoint)
    assert 1 == len(generations(endpoint))


async def test_an_enabled_subscription_that_was_away_for_a_week_starts_again(
    push: PushHarness, endpoint: Endpoint
) -> None:
    await push.publish(1)
    await push.publish(2)
    await push.subscribe(endpoint)
    await push.equal(endpoint)
    endpoint.fault = lambda _: 410
    await push.withdraw(1)
    await until(lambda: "disabled" in push.counts)
    endpoint.fault = lambda _: None
    push.clock.moved += 2 * GIVEN_UP_MS
    await push.set(enables=1)
    await push.equal(endpoint)
    assert 2 == len(generations(endpoint))


@pytest.mark.parametrize("change", [{"replays": 1}, {"criteria": Filter(sector=frozenset({"s12"})).to_json()}])
async def test_a_replay_or_another_filter_sends_everything_again_and_sweeps(
    push: PushHarness, endpoint: Endpoint, change: dict[str, Any]
) -> None:
    """[PSH-007]"""
    for number in range(5):
        await push.publish(number)
    await push.subscribe(endpoint)
    await push.equal(endpoint)
    endpoint.forgetful["bretagne:99"] = {}  # no page names it
    await push.set(**change)
    await until(lambda: 2 <= len(generations(endpoint)))
    await push.equal(endpoint)
    first, second = generations(endpoint)[:2]
    assert second > first


async def test_a_changed_territory_starts_a_generation(push: PushHarness, endpoint: Endpoint) -> None:
    await push.publish(1)
    await push.subscribe(endpoint)
    await push.equal(endpoint)
    await push.federation.partners.change(READER.platform, lambda _: replace(READER, territory=frozenset({"75"})))
    await until(lambda: {} == endpoint.live() and {} == endpoint.forgetful)
    assert 2 == len(generations(endpoint))


async def test_a_revoked_partner_gets_nothing_more_and_adding_it_again_restores_nothing(
    push: PushHarness, endpoint: Endpoint
) -> None:
    """[PSH-011]"""
    await push.publish(1)
    await push.subscribe(endpoint)
    await push.equal(endpoint)
    await push.federation.partners.change(READER.platform, lambda _: replace(READER, revoked=True))
    await until(lambda: READER.platform not in push.book.state.platforms and not push.book.state.progress)
    seen = len(endpoint.pages)
    await push.publish(2)
    await push.federation.partners.change(READER.platform, lambda _: replace(READER, joined_at=2))
    await asyncio.sleep(0.3)
    assert seen == len(endpoint.pages)


async def test_a_push_that_is_under_way_ends_with_its_membership(push: PushHarness, endpoint: Endpoint) -> None:
    endpoint.seconds = 30
    await push.publish(1)
    await push.subscribe(endpoint)
    await until(lambda: endpoint.pages)
    await push.federation.partners.change(READER.platform, lambda _: replace(READER, revoked=True))
    await until(lambda: READER.platform not in push.book.state.platforms, seconds=10)


async def test_a_new_owner_waits_until_the_push_of_the_former_one_can_no_longer_arrive(
    tmp_path: Path, log: MemoryLog, endpoint: Endpoint
) -> None:
    """[PSH-004]"""
    async with pushing(tmp_path, log) as push:
        await push.publish(1)
        await push.subscribe(endpoint)
        await push.equal(endpoint)
        await push.kill()
        seen = len(endpoint.pages)
        await push.book.catch_up()
        announced = announce(push.book.state.progress[KEY], now=push.clock())
        partition = push.book.partition(READER.platform)
        owner = await log.own("push", partition)
        await owner.commit([Output(SUBSCRIPTIONS, partition, progress_record(*KEY, announced))])
        await push.publish(2)
        push.start()
        await asyncio.sleep(0.5)
        assert seen == len(endpoint.pages)
        push.clock.moved += DEADLINE_MS
        await push.equal(endpoint)
        assert 2 == len(endpoint.live())


async def test_an_owner_whose_view_is_behind_waits_and_starts_no_generation(
    push: PushHarness, endpoint: Endpoint, log: MemoryLog
) -> None:
    await push.publish(1)
    await push.subscribe(endpoint)
    await push.equal(endpoint)
    await push.kill()
    seen = len(endpoint.pages)
    await push.book.catch_up()
    ahead = push.book.state.progress[KEY]
    ahead = replace(ahead, positions=tuple(one + 1 for one in ahead.positions), deadline=None)
    partition = push.book.partition(READER.platform)
    owner = await log.own("push", partition)
    await owner.commit([Output(SUBSCRIPTIONS, partition, progress_record(*KEY, ahead))])
    push.start()
    await asyncio.sleep(0.3)
    assert seen == len(endpoint.pages)
    for number in range(100, 130):
        await push.publish(number)
    await until(lambda: seen < len(endpoint.pages))
    assert 1 == len(generations(endpoint))


async def test_subscriptions_of_a_partition_share_commits_that_are_a_tenth_of_a_second_apart(
    push: PushHarness, log: MemoryLog
) -> None:
    async with receiving() as first, receiving() as second, receiving() as third:
        endpoints = (first, second, third)
        for number, one in enumerate(endpoints):
            await push.subscribe(one, name=f"copie-{number}", max_batch=1_024)
        before = push.clock()
        for number in range(30):
            await push.publish(number)
        await push.equal(*endpoints)
        seconds = (push.clock() - before) / 1_000
        pushes = sum(len(one.pages) for one in endpoints)
        records = [record.appended_at for record in await records_of(log, SUBSCRIPTIONS) if b"/" in (record.key or b"")]
        assert pushes > 30
        assert len(set(records)) <= 10 * (seconds + 2)


async def test_the_result_of_a_push_and_the_next_announcement_are_one_commit(
    push: PushHarness, endpoint: Endpoint, log: MemoryLog
) -> None:
    for number in range(60):
        await push.publish(number)
    await push.subscribe(endpoint, max_batch=2_048)
    await push.equal(endpoint)
    stored = [record for record in await records_of(log, SUBSCRIPTIONS) if b"/" in (record.key or b"")]
    assert len(endpoint.pages) > 10
    assert len(stored) < 1.5 * len(endpoint.pages)


async def test_an_endpoint_that_sleeps_holds_up_no_other(push: PushHarness, endpoint: Endpoint) -> None:
    async with receiving() as sleeping:
        sleeping.seconds = 60
        await push.publish(1)
        await push.subscribe(sleeping, name="lente")
        await until(lambda: sleeping.pages)
        await push.subscribe(endpoint)
        await push.equal(endpoint, seconds=15)


async def test_a_rotation_loses_no_push(push: PushHarness, endpoint: Endpoint) -> None:
    await push.publish(1)
    one = await push.subscribe(endpoint)
    await push.equal(endpoint)
    both = rotated(one, "ab" * 16, now=push.clock())
    await push.set(keys=both.keys)
    await push.publish(2)
    await push.equal(endpoint)
    endpoint.secrets = [signing_secret(push.federation.secret, READER.platform, both, both.keys[0])]
    await push.publish(3)
    await push.equal(endpoint)


async def test_a_subscription_that_is_deleted_and_added_again_reaches_the_same_copy(
    push: PushHarness, endpoint: Endpoint
) -> None:
    await push.publish(1)
    await push.publish(2)
    await push.subscribe(endpoint)
    await push.equal(endpoint)
    await push.book.change(READER.platform, READER.joined_at, lambda own: own.drop("copie"))
    await push.withdraw(1)
    await until(lambda: not push.book.state.progress)
    await push.subscribe(endpoint)
    await push.equal(endpoint)


async def test_no_url_and_no_page_is_logged(
    push: PushHarness, endpoint: Endpoint, capfd: pytest.CaptureFixture[str]
) -> None:
    endpoint.fault = lambda _: 410
    await push.publish(1)
    await push.subscribe(endpoint)
    await until(lambda: "disabled" in push.counts)
    seen = "".join(capfd.readouterr())
    assert "s3cret" not in seen
    assert "menuiserie" not in seen


async def test_without_subscriptions_no_partition_is_owned(push: PushHarness, log: MemoryLog) -> None:
    before = await log.ends(SUBSCRIPTIONS)
    await push.publish(1)
    await asyncio.sleep(0.3)
    assert before == await log.ends(SUBSCRIPTIONS)
    assert {} == push.book.state.progress
