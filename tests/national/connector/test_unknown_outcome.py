"""The site or the connector fails, hangs or is cut off: no offer is lost, none exists twice."""

import asyncio
from typing import Any, cast

import pytest

from demo.national_site.fault import CallFault, Kind
from demo.national_site.stock import SiteOffer
from gateway.protocol.delivery_order import Replay
from gateway.protocol.topic import COMMON, OFFERS
from tests.memory_log import MemoryLog, WriteFault
from tests.national.connector.conftest import Make
from tests.national.connector.harness import ConnectorHarness, codes_of, document, eventually
from tests.stale_ends import StaleEndsLog

pytestmark = pytest.mark.slow

ONE = "bretagne:1"


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("kind", ["hang", "reset", "garbage", "status"])
async def test_a_creation_of_unknown_outcome_exists_once(make_harness: Make, kind: Kind, *, done: bool) -> None:
    harness = await make_harness()
    harness.answer_seconds = 0.5
    harness.simulator.faults.order(CallFault(kind, "POST", done=done))
    await harness.start(document(ONE), document("bretagne:2"))
    await harness.until_states({ONE: "delivered", "bretagne:2": "delivered"})
    assert {ONE, "bretagne:2"} == set(harness.live())


@pytest.mark.parametrize("done", [False, True])
async def test_a_creation_of_unknown_outcome_that_is_withdrawn_meanwhile_is_deleted(
    make_harness: Make, *, done: bool
) -> None:
    harness = await make_harness()
    harness.answer_seconds = 0.5
    harness.simulator.faults.order(CallFault("hang", "POST", done=done))
    await harness.start(document(ONE))
    await eventually(lambda part: part.attempt is not None, of=lambda: harness.part(ONE))
    await harness.withdraw(ONE)
    await harness.until_states({ONE: "withdrawn"})
    assert {} == harness.live()


@pytest.mark.parametrize("done", [False, True])
async def test_a_deletion_of_unknown_outcome_is_completed_before_the_offer_is_created_again(
    make_harness: Make, *, done: bool
) -> None:
    harness = await make_harness()
    harness.answer_seconds = 0.5
    await harness.deliver(document(ONE))
    harness.simulator.faults.order(CallFault("hang", "DELETE", done=done))
    await harness.withdraw(ONE)
    await eventually(lambda part: part.attempt is not None, of=lambda: harness.part(ONE))
    await harness.publish(document(ONE, revision=3))
    await harness.until_states({ONE: "delivered"})
    assert {f"{ONE}~2"} == set(harness.live())


async def test_an_offer_that_always_fails_at_the_site_is_given_up_and_can_be_replayed(make_harness: Make) -> None:
    harness = await make_harness(speed=6_000.0)
    await harness.publish(document(ONE))
    harness.simulator.faults.order(CallFault("status", "PATCH", status=500, times=100))
    await harness.start()
    await harness.until_states({ONE: "delivered"})
    await harness.publish(document(ONE, revision=2, title="Nouveau titre"))
    keep_alive = asyncio.create_task(others(harness))
    try:
        await eventually(lambda part: codes_of(part) == ["national-given-up"], of=lambda: harness.part(ONE), seconds=60)
    finally:
        keep_alive.cancel()
        await asyncio.gather(keep_alive, return_exceptions=True)
    harness.simulator.faults.clear()
    assert 1 == (await harness.order(Replay()))["replayed"]
    await eventually(lambda: harness.live().get(ONE) == "Nouveau titre")


async def others(harness: ConnectorHarness) -> None:
    """New offers all the time: the site is not down."""
    for number in range(10, 10_000):
        await harness.publish(document(f"bretagne:{number}"))
        await asyncio.sleep(0.02)


async def test_a_site_that_is_down_for_hours_costs_few_calls_and_no_offer(make_harness: Make) -> None:
    harness = await make_harness(speed=6_000.0)
    harness.simulator.faults.order(CallFault("status", None, status=503, times=60))
    await harness.start(*(document(f"bretagne:{number}") for number in range(30)))
    await harness.until_states({f"bretagne:{number}": "delivered" for number in range(30)}, seconds=90)
    assert {f"bretagne:{number}" for number in range(30)} == set(harness.live())


async def test_a_wrong_password_stops_the_calls_and_gives_the_remedy(make_harness: Make) -> None:
    harness = await make_harness(speed=6_000.0)
    operator = harness.operators["shared"]
    right, operator.password = operator.password, "another one"
    await harness.start(document(ONE))
    await eventually(lambda: harness.simulator.answered["POST", 401] > 0)
    operator.password = right
    await harness.until_states({ONE: "delivered"})
    assert 1 == harness.calls("POST") - sum(
        n for (m, s), n in harness.simulator.answered.items() if m == "POST" and s != 201
    )


async def test_nothing_is_lost_or_doubled_when_the_connector_is_cut_off_again_and_again(make_harness: Make) -> None:
    harness = await make_harness(speed=6_000.0)
    ids = [f"bretagne:{number}" for number in range(300)]
    await harness.publish(*(document(one) for one in ids))
    for pause in (0.3, 0.5, 0.7, 0.9):
        await harness.start()
        await asyncio.sleep(pause)
        await harness.stop()
    await harness.withdraw(*ids[:50])
    await harness.start(folder="another-disk")  # its state is rebuilt from the log alone
    await harness.until_states(dict.fromkeys(ids[:50], "withdrawn") | dict.fromkeys(ids[50:], "delivered"), seconds=90)
    assert set(ids[50:]) == set(harness.live())


@pytest.mark.parametrize("fault", list(WriteFault))
async def test_a_commit_that_fails_changes_nothing_for_the_site(make_harness: Make, fault: WriteFault) -> None:
    harness = await make_harness()
    assert isinstance(harness.log, MemoryLog)
    ids = [f"bretagne:{number}" for number in range(20)]
    await harness.start(*(document(one) for one in ids))
    await eventually(lambda: len(harness.live()) > 2)
    harness.log.inject(fault, fault)
    await harness.until_states(dict.fromkeys(ids, "delivered"))
    await harness.log.deliver()
    assert set(ids) == set(harness.live())


async def test_a_second_owner_takes_over_and_no_offer_exists_twice(make_harness: Make) -> None:
    harness = await make_harness()
    ids = [f"bretagne:{number}" for number in range(60)]
    await harness.start(*(document(one) for one in ids))
    await eventually(lambda: len(harness.live()) > 2)
    first = harness.tasks[0]
    await harness.start(folder="second")
    await harness.until_states(dict.fromkeys(ids, "delivered"))
    assert set(ids) == set(harness.live())
    assert not first.done() or first.exception() is not None


@pytest.mark.parametrize("disk", ["the-same", "another"])
async def test_a_stale_broker_does_not_make_the_next_owner_withdraw_live_offers(make_harness: Make, disk: str) -> None:
    """It reports the end of ``offers`` at its suspension: later offers would seem to be gone with their markers."""
    log = StaleEndsLog()
    await log.create_topics(COMMON)
    log.stale_ends[OFFERS] = await log.ends(OFFERS)
    harness = await make_harness(log)
    ids = [f"bretagne:{number}" for number in range(30)]
    await harness.publish(*(document(one) for one in ids))
    await harness.start(folder="the-same")
    await harness.until_states(dict.fromkeys(ids, "delivered"))
    await harness.stop()
    await harness.publish(document("bretagne:30"))
    await harness.start(folder=disk)
    await harness.until_states(dict.fromkeys([*ids, "bretagne:30"], "delivered"))
    assert 0 == harness.calls("DELETE")


@pytest.mark.parametrize("live", [False, True])
async def test_a_taken_remote_id_is_replaced_where_the_index_has_an_item_without_name(
    make_harness: Make, *, live: bool
) -> None:
    """The item may be the offer itself or another one: only a deletion leaves at most one of both."""
    harness = await make_harness()
    taken = made_before(harness, ONE)
    nameless = taken if live else made_before(harness, "bretagne:2")
    if not live:
        harness.simulator.discard(taken)
    nameless.remote_id = cast("Any", 5)  # the site's own index still finds the row by its first name
    await harness.deliver(document(ONE))
    assert taken.discarded_at is not None
    assert {f"{ONE}~2"} == set(harness.live()) - {"5"}


async def test_a_taken_remote_id_is_replaced_where_the_index_changes_during_every_walk(make_harness: Make) -> None:
    harness = await make_harness()
    harness.simulator.discard(made_before(harness, ONE))
    for number in range(40):
        made_before(harness, f"other:{number}")

    async def change() -> None:
        for number in range(40, 10_000):
            made_before(harness, f"other:{number}")
            await asyncio.sleep(0.005)

    changing = asyncio.create_task(change())
    try:
        await harness.deliver(document(ONE))
    finally:
        changing.cancel()
        await asyncio.gather(changing, return_exceptions=True)
    assert f"{ONE}~2" in harness.live()


def made_before(harness: ConnectorHarness, remote_id: str) -> SiteOffer:
    """A row of the account that no delivery on the log knows."""
    fields = {"title": "Avant", "employer_name": "Atelier", "zipcode": "35000", "city": "Rennes", "sector": "s5"}
    weeks = ("2027-W24", "2027-W25")
    return harness.simulator.publish_on_site(
        owner=harness.operators["shared"], remote_id=remote_id, grades=("seconde",), weeks=weeks, **fields
    )
