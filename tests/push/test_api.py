"""``/v1/subscriptions``: what a platform sets, reads and orders, and how it is refused."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.operate.desk import RefusedActError
from gateway.protocol.journal import Actor, read_entry
from gateway.protocol.push import PushRow, Successes, begin, follow
from gateway.protocol.push_record import attempt_record, progress_record
from gateway.protocol.subscription import ACTS_AN_HOUR, HOUR_MS, OVERLAP_MS, TESTS_AN_HOUR, Subscription
from gateway.protocol.topic import JOURNAL, PUSHES, SUBSCRIPTIONS
from gateway.push.acts import act_on_subscription
from gateway.push.attempts import WINDOW, read_attempts
from gateway.push.book import SubscriptionBook
from gateway.push.signature import consent_code
from tests.api.write.gateway_harness import Answer, GatewayHarness, opened
from tests.api.write.test_openapi import held_to
from tests.clock import START
from tests.harness import SECRET

URL = "https://stages.example.org/in?key=s3cret"
PATH = "/v1/subscriptions/copie"


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[GatewayHarness]:
    async with opened(tmp_path) as found:
        yield found


async def put(
    gateway: GatewayHarness, name: str = "copie", *, url: str = URL, who: str = "bretagne", **more: Any
) -> Answer:
    return await gateway.ask("PUT", f"/v1/subscriptions/{name}", json={"url": url, **more}, who=who)


async def act(gateway: GatewayHarness, action: str, **more: Any) -> Answer:
    return await gateway.ask("POST", f"{PATH}/{action}", **more)


async def stored(gateway: GatewayHarness) -> Subscription:
    book = gateway.context.federation.subscriptions
    await book.catch_up()
    found = book.state.platforms["bretagne"].get("copie")
    assert found is not None
    return found


async def test_a_subscription_is_set_read_changed_and_deleted(gateway: GatewayHarness) -> None:
    """[PSH-001] [PSH-013]"""
    made = await put(gateway, filter={"sector": ["s5"], "region": "53"})
    assert (201, "/v1/subscriptions/copie") == (made.status, made.headers["Location"])
    assert made.body["secret"].startswith("whsec_")
    assert "no-store" in made.headers["Cache-Control"]
    read = await gateway.ask("GET", PATH)
    assert {name: value for name, value in made.body.items() if name != "secret"} == read.body
    assert (URL, {"region": ["53"], "sector": ["s5"]}) == (read.body["url"], read.body["filter"])
    again = await put(gateway, filter={"sector": ["s5"], "region": "53"})
    assert (200, read.body) == (again.status, again.body)
    changed = await put(gateway, filter={"territory": "all"}, rate=60, max_batch=65_536)
    assert ({"territory": "all"}, 60, 65_536) == tuple(changed.body[one] for one in ("filter", "rate", "max_batch"))
    listed = await gateway.ask("GET", "/v1/subscriptions")
    assert [changed.body] == listed.body["subscriptions"]
    for answer, method, path in ((made, "PUT", "{name}"), (read, "GET", "{name}"), (changed, "PUT", "{name}")):
        assert [] == held_to(method, f"/v1/subscriptions/{path}", answer)
    assert [] == held_to("GET", "/v1/subscriptions", listed)
    assert {"name": "copie"} == (await gateway.ask("DELETE", PATH)).body
    assert 404 == (await gateway.ask("GET", PATH)).status
    assert 404 == (await gateway.ask("DELETE", PATH)).status


async def test_another_platform_finds_nothing(gateway: GatewayHarness) -> None:
    """[PSH-001]"""
    await put(gateway)
    for method, path in (("GET", PATH), ("DELETE", PATH), ("POST", f"{PATH}/test"), ("GET", f"{PATH}/attempts")):
        assert 404 == (await gateway.ask(method, path, who="normandie")).status
    assert {"subscriptions": []} == (await gateway.ask("GET", "/v1/subscriptions", who="normandie")).body
    assert 403 == (await gateway.ask("GET", PATH, who="bretagne/offers:publish")).status


async def test_a_platform_has_five(gateway: GatewayHarness) -> None:
    """[PSH-001]"""
    for number in range(5):
        assert 201 == (await put(gateway, f"copie-{number}")).status
    refused = await put(gateway)
    assert (409, "subscription-limit") == (refused.status, refused.code)
    assert 201 == (await put(gateway, who="normandie")).status


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "body-malformed"),
        ({"url": 1}, 400, "body-malformed"),
        ({"url": URL, "more": 1}, 400, "body-malformed"),
        ({"url": URL, "rate": 601}, 400, "body-malformed"),
        ({"url": URL, "max_batch": 65_537}, 400, "body-malformed"),
        ({"url": URL, "filter": {"sector": [True]}}, 400, "body-malformed"),
        ({"url": URL, "filter": {"sector": ["s99"]}}, 400, "parameter-invalid"),
        ({"url": URL, "filter": {"secteur": ["s5"]}}, 400, "parameter-unknown"),
        ({"url": "http://example.org/"}, 422, "subscription-invalid"),
        ({"url": "https://example.org:8443/"}, 422, "subscription-invalid"),
        ({"url": "https://a:b@example.org/"}, 422, "subscription-invalid"),
        ({"url": "https://127.0.0.1/"}, 422, "subscription-invalid"),
    ],
)
async def test_what_cannot_be_a_subscription_is_refused(
    gateway: GatewayHarness, body: Any, status: int, code: str
) -> None:
    """[PSH-001]"""
    refused = await gateway.ask("PUT", PATH, json=body)
    assert (status, code) == (refused.status, refused.code)
    assert [] == await gateway.records(SUBSCRIPTIONS)
    assert [] == held_to("PUT", "/v1/subscriptions/{name}", refused)


async def test_a_refusal_says_why_in_french_and_english(gateway: GatewayHarness) -> None:
    texts = []
    for language in ("fr", "en"):
        headers = {"Accept-Language": language, "Content-Type": "application/json"}
        refused = await gateway.ask("PUT", PATH, body=b'{"url": "https://example.org:1/"}', headers=headers)
        texts.append(refused.body["detail"])
    assert "son port est 1" in texts[0]
    assert "its port is 1" in texts[1]


async def test_a_url_is_confirmed_by_the_code_of_its_test_and_another_url_asks_again(gateway: GatewayHarness) -> None:
    """[PSH-002]"""
    made = await put(gateway)
    assert "unconfirmed" == made.body["state"]
    wrong = await act(gateway, "confirm", json={"code": "AAAA"})
    assert (422, "subscription-code") == (wrong.status, wrong.code)
    one = await stored(gateway)
    code = consent_code(SECRET, "bretagne", one)
    right = await act(gateway, "confirm", json={"code": f" {code.lower()} "})
    assert (200, "active") == (right.status, right.body["state"])
    assert [] == held_to("POST", "/v1/subscriptions/{name}/{action}", right)
    other = await put(gateway, url="https://other.example.org/")
    assert "unconfirmed" == other.body["state"]
    assert 422 == (await act(gateway, "confirm", json={"code": code})).status


async def test_another_url_that_is_confirmed_waits_for_no_failures_of_the_former_one(gateway: GatewayHarness) -> None:
    """[PSH-002] [PSH-008]"""
    await put(gateway)
    await act(gateway, "confirm", json={"code": consent_code(SECRET, "bretagne", await stored(gateway))})
    one = await stored(gateway)
    failing = replace(
        begin(one, "L@00", ends=(0, 0, 0), now=START), failures=9, failing_since=START, next_at=START + 20 * HOUR_MS
    )
    partition = gateway.context.federation.subscriptions.partition("bretagne")
    for progress, state in ((failing, "failing"), (replace(failing, stopped="failing"), "disabled")):
        await gateway.log.append(SUBSCRIPTIONS, partition, [progress_record("bretagne", "copie", progress)])
        assert state == (await gateway.ask("GET", PATH)).body["state"]
    await put(gateway, url="https://other.example.org/")
    code = consent_code(SECRET, "bretagne", await stored(gateway))
    assert "active" == (await act(gateway, "confirm", json={"code": code})).body["state"]
    one = await stored(gateway)
    followed = follow(replace(failing, stopped="failing"), one, "L@00", ends=(0, 0, 0), now=START)
    assert (None, 0) == (followed.stopped, followed.next_at)
    await act(gateway, "confirm", json={"code": code})
    assert one.enables == (await stored(gateway)).enables, "a code that is sent twice confirms once"


async def test_eleven_tests_an_hour_are_too_many_also_over_a_deletion(gateway: GatewayHarness) -> None:
    """[PSH-002]"""
    await put(gateway)
    for _ in range(TESTS_AN_HOUR):
        assert 202 == (await act(gateway, "test")).status
    assert TESTS_AN_HOUR == (await stored(gateway)).tests
    await gateway.ask("DELETE", PATH)
    await put(gateway)
    refused = await act(gateway, "test")
    assert (429, "subscription-too-often") == (refused.status, refused.code)
    assert 0 < int(refused.headers["Retry-After"]) <= HOUR_MS // 1_000
    assert [] == held_to("POST", "/v1/subscriptions/{name}/{action}", refused)
    gateway.clock.move(3_601)
    assert 202 == (await act(gateway, "test")).status


async def test_acts_of_an_hour_are_bounded(gateway: GatewayHarness) -> None:
    await put(gateway)
    for _ in range(ACTS_AN_HOUR - 1):
        assert 202 == (await act(gateway, "replay")).status
    assert 429 == (await act(gateway, "replay")).status
    assert 200 == (await put(gateway)).status, "what changes nothing is no act"


async def test_acts_of_an_hour_are_bounded_over_all_replicas(gateway: GatewayHarness) -> None:
    await put(gateway)
    federation = gateway.context.federation
    for _ in range(ACTS_AN_HOUR - 2):
        assert 202 == (await act(gateway, "replay")).status
    partner = federation.partners.get("bretagne")
    assert partner is not None
    desk, other = federation.desk(Actor(client="bretagne")), SubscriptionBook(gateway.log)
    async with other.caught_up_once():
        books = (federation.subscriptions, other)
        acts = [act_on_subscription(desk, book, partner, "copie", "replay", secret=SECRET) for book in books]
        ended = await asyncio.gather(*acts, return_exceptions=True)
    assert ["subscription-too-often"] == [one.refusal for one in ended if isinstance(one, RefusedActError)]
    assert ACTS_AN_HOUR - 1 == (await stored(gateway)).replays


async def test_a_clock_that_was_ahead_bounds_no_acts_once_it_is_right(gateway: GatewayHarness) -> None:
    await put(gateway)
    gateway.clock.move(5 * 24 * 3_600)
    for _ in range(TESTS_AN_HOUR):
        assert 202 == (await act(gateway, "test")).status
    gateway.clock.move(-5 * 24 * 3_600)
    assert 202 == (await act(gateway, "test")).status


async def test_a_key_is_renewed_once_a_day_and_is_in_one_answer(gateway: GatewayHarness) -> None:
    """[PSH-013]"""
    first = (await put(gateway)).body["secret"]
    renewed = await act(gateway, "rotate")
    assert 201 == renewed.status
    assert first != renewed.body["secret"]
    assert [set(), {"ends_at"}] == [set(key) for key in renewed.body["keys"]]
    refused = await act(gateway, "rotate")
    assert (409, "subscription-rotating") == (refused.status, refused.code)
    gateway.clock.now += OVERLAP_MS
    assert 201 == (await act(gateway, "rotate")).status
    log = b"".join(record.value or b"" for record in await gateway.records(SUBSCRIPTIONS))
    assert first.removeprefix("whsec_").encode() not in log


async def test_orders_are_raised_and_a_refused_change_is_skipped_when_there_is_one(gateway: GatewayHarness) -> None:
    """[PSH-009]"""
    await put(gateway)
    for action in ("replay", "enable"):
        assert 202 == (await act(gateway, action)).status
    refused = await act(gateway, "skip")
    assert (409, "subscription-unblocked") == (refused.status, refused.code)
    one = await stored(gateway)
    blocked = replace(begin(one, "L@00", ends=(0, 0, 0), now=1), blocked=("bretagne:1", 7), failures=4)
    partition = gateway.context.federation.subscriptions.partition("bretagne")
    await gateway.log.append(SUBSCRIPTIONS, partition, [progress_record("bretagne", "copie", blocked)])
    document = (await gateway.ask("GET", PATH)).body
    assert ({"offer": "bretagne:1", "sequence": 7}, 4) == (document["blocked"], document["failures"])
    skipped = await act(gateway, "skip")
    assert 202 == skipped.status
    assert "blocked" not in skipped.body
    one = await stored(gateway)
    assert (("bretagne:1", 7), 2, 1) == (one.skip, one.enables, one.replays)
    assert 404 == (await act(gateway, "attempts")).status
    assert 404 == (await act(gateway, "other")).status
    assert 400 == (await act(gateway, "test", json={"code": "x"})).status


async def test_each_act_is_in_the_journal_without_the_query_of_the_url(gateway: GatewayHarness) -> None:
    """[PSH-001]"""
    await put(gateway)
    await act(gateway, "test")
    await gateway.ask("DELETE", PATH)
    entries = [read_entry(record.value or b"") for record in await gateway.records(JOURNAL)]
    assert ["push.set", "push.test", "push.delete"] == [entry.act for entry in entries]
    assert {"bretagne"} == {entry.about for entry in entries}
    assert "https://stages.example.org/in" == entries[0].details["url"]
    assert b"s3cret" not in b"".join(record.value or b"" for record in await gateway.records(JOURNAL))


async def test_attempts_are_read_page_by_page_the_newest_first(gateway: GatewayHarness) -> None:
    """[PSH-012]"""
    await put(gateway)
    own = (await stored(gateway)).id
    partition = gateway.context.federation.subscriptions.partition("bretagne")
    times = range(START, START + (WINDOW + 500) * 1_000, 1_000)
    rows = [PushRow(at=at, pushes=2, changes=3, status=503) for at in times]
    for start in range(0, len(rows), 500):
        records = [attempt_record("bretagne", own, row) for row in rows[start : start + 500]]
        await gateway.log.append(PUSHES, partition, [attempt_record("bretagne", "autre", rows[0]), *records])
    first = await gateway.ask("GET", f"{PATH}/attempts")
    assert [] == held_to("GET", "/v1/subscriptions/{name}/attempts", first)
    second = await gateway.ask("GET", f"{PATH}/attempts?before={first.body['before']}")
    assert "before" not in second.body
    found = [*first.body["attempts"], *second.body["attempts"]]
    assert len(rows) == len(found)
    assert sorted((one["at"] for one in found), reverse=True) == [one["at"] for one in found]
    assert 400 == (await gateway.ask("GET", f"{PATH}/attempts?before=x")).status
    assert ([], None) == await read_attempts(gateway.log, "bretagne", "none", before=0)


async def test_attempts_of_a_deleted_subscription_are_not_those_of_a_later_one_of_its_name(
    gateway: GatewayHarness,
) -> None:
    """[PSH-012]"""
    await put(gateway)
    one = await stored(gateway)
    partition = gateway.context.federation.subscriptions.partition("bretagne")
    success = replace(begin(one, "L@00", ends=(0, 0, 0), now=1), successes=Successes(at=START, pushes=1, changes=1))
    await gateway.log.append(PUSHES, partition, [attempt_record("bretagne", one.id, PushRow(at=START, status=503))])
    await gateway.log.append(SUBSCRIPTIONS, partition, [progress_record("bretagne", "copie", success)])
    assert 2 == len((await gateway.ask("GET", f"{PATH}/attempts")).body["attempts"])
    await gateway.ask("DELETE", PATH)
    await put(gateway)
    assert [] == (await gateway.ask("GET", f"{PATH}/attempts")).body["attempts"]
