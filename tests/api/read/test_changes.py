"""The changes feed over HTTP."""

import asyncio
from typing import Any
from urllib.parse import quote

import pytest

import schemas
from gateway.protocol import cursor as cursors
from gateway.protocol.cursor import FRESH_MS, Cursor
from gateway.protocol.topic import DAY_MS, OFFERS
from gateway.protocol.visibility import Filter, Reader
from tests.api.read.read_api import Answer, ReadApi
from tests.store.offer_topic import offer_of

pytestmark = pytest.mark.slow


def changes_of(answer: Answer) -> list[tuple[str, str]]:
    return sorted((change["op"], change["id"]) for change in answer.body["changes"])


async def follow(api: ReadApi, cursor: str, who: str = "rennes", more: str = "") -> Answer:
    return await api.get(f"/v1/changes?cursor={quote(cursor)}{more}", who)


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["type"].rpartition(":")[2]


async def test_a_reader_from_the_start_gets_the_live_offers_and_then_the_changes(api: ReadApi) -> None:
    """FEED-001, FEED-003, FEED-006, FEED-010."""
    await api.publish(offer_of("bretagne:1"))
    await api.publish(offer_of("bretagne:2"))
    await api.withdraw("bretagne:2")
    await api.publish(offer_of("bretagne:75"), department="75")
    first = await api.get("/v1/changes")
    assert (changes_of(first), first.body["more"]) == ([("upsert", "bretagne:1")], False)
    empty = await follow(api, first.body["cursor"])
    assert (changes_of(empty), empty.body["more"]) == ([], False)
    await api.publish(offer_of("bretagne:1"), department="75")
    await api.publish(offer_of("bretagne:3"))
    await api.withdraw("bretagne:75")
    then = await follow(api, empty.body["cursor"])
    assert changes_of(then) == [("removal", "bretagne:1"), ("removal", "bretagne:75"), ("upsert", "bretagne:3")]
    reasons = {change["id"]: change.get("reason") for change in then.body["changes"]}
    assert (reasons["bretagne:1"], reasons["bretagne:75"]) == ("out-of-scope", "filled")


async def test_a_page_is_as_its_schema_says(api: ReadApi) -> None:
    """FEED-008 among others."""
    await api.publish(offer_of("bretagne:1"))
    page = await api.get("/v1/changes")
    await api.withdraw("bretagne:1")
    for answer in (page, await follow(api, page.body["cursor"])):
        assert [error.message for error in schemas.validator("changes-page").iter_errors(answer.body)] == []
    assert page.headers["Cache-Control"] == "no-store"


async def test_an_offer_that_was_never_shareable_does_not_appear(api: ReadApi) -> None:
    """FEED-007, RTE-002, RTE-003."""
    start = (await api.get("/v1/changes")).body["cursor"]
    await api.publish(offer_of("bretagne:hidden", redistribution={"regions": False}))
    await api.publish(offer_of("bretagne:echo"), passed=("rennes",))
    await api.withdraw("bretagne:hidden")
    await api.withdraw("bretagne:echo")
    assert changes_of(await follow(api, start)) == []


async def test_an_offer_that_stops_being_shareable_is_removed(api: ReadApi) -> None:
    """RTE-006."""
    await api.publish(offer_of("bretagne:1"))
    start = (await api.get("/v1/changes")).body["cursor"]
    await api.publish(offer_of("bretagne:1", redistribution={"regions": False}))
    assert changes_of(await follow(api, start)) == [("removal", "bretagne:1")]


async def test_pages_of_any_size_give_the_same(api: ReadApi) -> None:
    for number in range(20):
        await api.publish(offer_of(f"bretagne:{number}"))
    found: list[tuple[str, str]] = []
    page = await api.get("/v1/changes?limit=3")
    while True:
        assert len(page.body["changes"]) <= 3
        found += changes_of(page)
        if not page.body["more"]:
            break
        page = await follow(api, page.body["cursor"], more="&limit=3")
    assert sorted(found) == sorted(("upsert", f"bretagne:{number}") for number in range(20))


async def test_a_long_poll_answers_with_the_first_change(api: ReadApi) -> None:
    start = (await api.get("/v1/changes")).body["cursor"]
    poll = asyncio.create_task(follow(api, start, more="&wait=30"))
    await api.publish(offer_of("bretagne:elsewhere", redistribution={"regions": False}))
    assert not poll.done()
    await api.publish(offer_of("bretagne:1"))
    answer = await asyncio.wait_for(poll, 5)
    assert changes_of(answer) == [("upsert", "bretagne:1")]


async def test_a_long_poll_that_finds_nothing_ends_with_a_cursor(api: ReadApi) -> None:
    """FEED-003."""
    start = (await api.get("/v1/changes")).body["cursor"]
    answer = await follow(api, start, more="&wait=0.05")
    assert (changes_of(answer), answer.body["more"], answer.body["cursor"] != "") == ([], False, True)


@pytest.mark.parametrize("wait", ["31", "-1", "nan", "soon"])
async def test_a_long_poll_waits_at_most_thirty_seconds(api: ReadApi, wait: str) -> None:
    assert code(await api.get(f"/v1/changes?wait={wait}")) == (400, "parameter-invalid")


async def test_a_forged_cursor_and_another_filters_cursor_are_client_errors(api: ReadApi) -> None:
    """FEED-004, FEED-005."""
    cursor = (await api.get("/v1/changes")).body["cursor"]
    assert code(await follow(api, "AAAA" + cursor[4:])) == (400, "cursor-forged")
    assert code(await follow(api, cursor, more="&level=seconde")) == (400, "cursor-filter")
    assert (await follow(api, cursor, more="&department=35")).status == 200, "the default, asked for by name"


def sealed(api: ReadApi, **changed: Any) -> str:
    cursor = cursors.start(
        end=api.context.federation.offers.positions,
        now=api.clock.now,
        criteria=Filter(department=frozenset({"35"})),
        reader=Reader("rennes"),
        log=api.context.federation.identity,
    )
    fields = {name: getattr(cursor, name) for name in Cursor.__slots__} | changed
    return cursors.write(Cursor(**fields), api.context.cursors)


async def test_a_cursor_that_cannot_be_resumed_without_loss_asks_for_a_new_start(api: ReadApi) -> None:
    """FEED-009: another reader's, another log's, one beyond the log, one unused for seven days."""
    await api.publish(offer_of("bretagne:1"))
    resync = (410, "resync-required")
    assert (await follow(api, sealed(api))).status == 200
    assert code(await follow(api, sealed(api), "bretagne", "&department=35")) == resync
    assert code(await follow(api, sealed(api, log="another"))) == resync
    assert code(await follow(api, sealed(api, positions=(10_000, 0, 0)))) == resync
    assert code(await follow(api, sealed(api, fresh=api.clock.now - FRESH_MS - 1))) == resync


async def test_reading_at_the_end_keeps_a_cursor_fresh(api: ReadApi) -> None:
    """FEED-009: a subscriber that reaches the end every few days may continue without limit; others may not."""
    for number in range(6):
        await api.publish(offer_of(f"bretagne:{number}"))
    diligent, slow = sealed(api), sealed(api)
    for _ in range(3):
        api.clock.now += 4 * DAY_MS
        async with asyncio.timeout(10):
            while api.context.federation.offers.fresh != api.clock.now:
                await asyncio.sleep(0.01)
        diligent = (await follow(api, diligent)).body["cursor"]
        answer = await follow(api, slow, more="&limit=1")
        slow = answer.body.get("cursor", slow)
    assert code(answer) == (410, "resync-required")
    assert (await follow(api, diligent)).status == 200


@pytest.mark.parametrize("stale", [False, True])
async def test_a_cursor_ahead_of_this_replica_waits_for_it(api: ReadApi, *, stale: bool) -> None:
    """The log holds more than this view has applied: another replica was further, and a broker is stale."""
    await api.publish(offer_of("bretagne:1"))
    old = await api.log.ends(OFFERS)
    await api.hold_back()
    await api.publish(offer_of("bretagne:2"), wait=False)
    elsewhere = sealed(api, positions=await api.log.ends(OFFERS), fresh=api.clock.now - DAY_MS)
    if stale:
        api.log.stale_ends[OFFERS] = old
    poll = asyncio.create_task(follow(api, elsewhere))
    assert not await api.context.federation.offers.moved(api.context.federation.offers.positions, 0.1)
    assert not poll.done()
    api.log.stale_calls = 0
    api.go_on()
    answer = await asyncio.wait_for(poll, 10)
    assert (answer.status, changes_of(answer), answer.body["more"]) == (200, [], False)
    await api.publish(offer_of("bretagne:3"))
    assert changes_of(await follow(api, answer.body["cursor"])) == [("upsert", "bretagne:3")]
