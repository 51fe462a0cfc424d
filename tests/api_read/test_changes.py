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
from tests.api_read.house import Answer, House
from tests.views.world import offer_of


def told(answer: Answer) -> list[tuple[str, str]]:
    return sorted((change["op"], change["id"]) for change in answer.body["changes"])


async def follow(house: House, cursor: str, who: str = "rennes", more: str = "") -> Answer:
    return await house.get(f"/v1/changes?cursor={quote(cursor)}{more}", who)


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["type"].rpartition(":")[2]


async def test_a_reader_from_the_start_gets_the_live_offers_and_then_the_changes(house: House) -> None:
    """FEED-001, FEED-003, FEED-006, FEED-010."""
    await house.publish(offer_of("bretagne:1"))
    await house.publish(offer_of("bretagne:2"))
    await house.withdraw("bretagne:2")
    await house.publish(offer_of("bretagne:75"), department="75")
    first = await house.get("/v1/changes")
    assert (told(first), first.body["more"]) == ([("upsert", "bretagne:1")], False)
    empty = await follow(house, first.body["cursor"])
    assert (told(empty), empty.body["more"]) == ([], False)
    await house.publish(offer_of("bretagne:1"), department="75")
    await house.publish(offer_of("bretagne:3"))
    await house.withdraw("bretagne:75")
    then = await follow(house, empty.body["cursor"])
    assert told(then) == [("removal", "bretagne:1"), ("removal", "bretagne:75"), ("upsert", "bretagne:3")]
    reasons = {change["id"]: change.get("reason") for change in then.body["changes"]}
    assert (reasons["bretagne:1"], reasons["bretagne:75"]) == ("out-of-scope", "filled")


async def test_a_page_is_as_its_schema_says(house: House) -> None:
    """FEED-008 among others."""
    await house.publish(offer_of("bretagne:1"))
    page = await house.get("/v1/changes")
    await house.withdraw("bretagne:1")
    for answer in (page, await follow(house, page.body["cursor"])):
        assert [error.message for error in schemas.validator("changes-page").iter_errors(answer.body)] == []
    assert page.headers["Cache-Control"] == "no-store"


async def test_nothing_is_said_of_what_was_never_shareable(house: House) -> None:
    """FEED-007, RTE-002, RTE-003."""
    start = (await house.get("/v1/changes")).body["cursor"]
    await house.publish(offer_of("bretagne:hidden", redistribution={"regions": False}))
    await house.publish(offer_of("bretagne:echo"), passed=("rennes",))
    await house.withdraw("bretagne:hidden")
    await house.withdraw("bretagne:echo")
    assert told(await follow(house, start)) == []


async def test_what_stops_being_shareable_is_removed(house: House) -> None:
    """RTE-006."""
    await house.publish(offer_of("bretagne:1"))
    start = (await house.get("/v1/changes")).body["cursor"]
    await house.publish(offer_of("bretagne:1", redistribution={"regions": False}))
    assert told(await follow(house, start)) == [("removal", "bretagne:1")]


async def test_pages_of_any_size_give_the_same(house: House) -> None:
    for number in range(20):
        await house.publish(offer_of(f"bretagne:{number}"))
    found: list[tuple[str, str]] = []
    page = await house.get("/v1/changes?limit=3")
    while True:
        assert len(page.body["changes"]) <= 3
        found += told(page)
        if not page.body["more"]:
            break
        page = await follow(house, page.body["cursor"], more="&limit=3")
    assert sorted(found) == sorted(("upsert", f"bretagne:{number}") for number in range(20))


async def test_a_long_poll_answers_as_soon_as_there_is_something(house: House) -> None:
    start = (await house.get("/v1/changes")).body["cursor"]
    poll = asyncio.create_task(follow(house, start, more="&wait=30"))
    await house.publish(offer_of("bretagne:elsewhere", redistribution={"regions": False}))
    assert not poll.done()
    await house.publish(offer_of("bretagne:1"))
    answer = await asyncio.wait_for(poll, 5)
    assert told(answer) == [("upsert", "bretagne:1")]


async def test_a_long_poll_that_finds_nothing_ends_with_a_cursor(house: House) -> None:
    """FEED-003."""
    start = (await house.get("/v1/changes")).body["cursor"]
    answer = await follow(house, start, more="&wait=0.05")
    assert (told(answer), answer.body["more"], answer.body["cursor"] != "") == ([], False, True)


@pytest.mark.parametrize("wait", ["31", "-1", "nan", "soon"])
async def test_nobody_waits_longer_than_thirty_seconds(house: House, wait: str) -> None:
    assert code(await house.get(f"/v1/changes?wait={wait}")) == (400, "parameter-invalid")


async def test_a_forged_cursor_and_another_filters_are_the_readers_mistake(house: House) -> None:
    """FEED-004, FEED-005."""
    cursor = (await house.get("/v1/changes")).body["cursor"]
    assert code(await follow(house, "AAAA" + cursor[4:])) == (400, "cursor-forged")
    assert code(await follow(house, cursor, more="&level=seconde")) == (400, "cursor-filter")
    assert (await follow(house, cursor, more="&department=35")).status == 200, "the default, asked for by name"


def sealed(house: House, **changed: Any) -> str:
    cursor = cursors.start(
        end=house.context.offers.positions,
        now=house.clock.at,
        asked=Filter(department=frozenset({"35"})),
        reader=Reader("rennes"),
        log=house.context.identity,
    )
    fields = {name: getattr(cursor, name) for name in Cursor.__slots__} | changed
    return cursors.write(Cursor(**fields), house.context.cursors)


async def test_a_cursor_that_cannot_be_resumed_without_loss_asks_for_a_new_start(house: House) -> None:
    """FEED-009: another reader's, another log's, one beyond the log, one that slept for seven days."""
    await house.publish(offer_of("bretagne:1"))
    resync = (410, "resync-required")
    assert (await follow(house, sealed(house))).status == 200
    assert code(await follow(house, sealed(house), "bretagne", "&department=35")) == resync
    assert code(await follow(house, sealed(house, log="another"))) == resync
    assert code(await follow(house, sealed(house, positions=(10_000, 0, 0)))) == resync
    assert code(await follow(house, sealed(house, fresh=house.clock.at - FRESH_MS - 1))) == resync


async def test_standing_at_the_end_keeps_a_cursor_fresh(house: House) -> None:
    """FEED-009: a reader that comes every few days goes on for ever; one that never gets to the end does not."""
    for number in range(6):
        await house.publish(offer_of(f"bretagne:{number}"))
    diligent, slow = sealed(house), sealed(house)
    for _ in range(3):
        house.clock.at += 4 * DAY_MS
        async with asyncio.timeout(10):
            while house.context.offers.fresh != house.clock.at:
                await asyncio.sleep(0.01)
        diligent = (await follow(house, diligent)).body["cursor"]
        answer = await follow(house, slow, more="&limit=1")
        slow = answer.body.get("cursor", slow)
    assert code(answer) == (410, "resync-required")
    assert (await follow(house, diligent)).status == 200


@pytest.mark.parametrize("slept", [False, True])
async def test_a_cursor_ahead_of_this_replica_waits_for_it(house: House, *, slept: bool) -> None:
    """The log holds more than this view has applied: another replica was further, and a broker slept."""
    await house.publish(offer_of("bretagne:1"))
    old = await house.log.ends(OFFERS)
    await house.hold_back()
    await house.publish(offer_of("bretagne:2"), wait=False)
    elsewhere = sealed(house, positions=await house.log.ends(OFFERS), fresh=house.clock.at - DAY_MS)
    if slept:
        house.log.told[OFFERS] = old
    poll = asyncio.create_task(follow(house, elsewhere))
    assert not await house.context.offers.moved(house.context.offers.positions, 0.1)
    assert not poll.done()
    house.log.words = 0
    house.go_on()
    answer = await asyncio.wait_for(poll, 10)
    assert (answer.status, told(answer), answer.body["more"]) == (200, [], False)
    await house.publish(offer_of("bretagne:3"))
    assert told(await follow(house, answer.body["cursor"])) == [("upsert", "bretagne:3")]
