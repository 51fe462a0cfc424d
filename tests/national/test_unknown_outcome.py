"""When the site fails, hangs or is cut off, and when the connector is: nothing is lost, nothing is there twice."""

import asyncio
from typing import Any, cast

import pytest

from adapters.national.delivery.order import Replay
from gateway.demo.national_site.fault import Fault, Kind
from gateway.demo.national_site.stock import Row
from gateway.log.memory import Fault as LogFault
from gateway.log.memory import MemoryLog
from gateway.protocol.topic import COMMON, OFFERS
from tests.national.conftest import Make
from tests.national.harness import Bench, document, eventually
from tests.slept import SleptLog

ONE = "bretagne:1"


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("kind", ["hang", "reset", "garbage", "status"])
async def test_a_creation_of_unknown_outcome_is_there_once(make_bench: Make, kind: Kind, *, done: bool) -> None:
    bench = await make_bench()
    bench.answer_seconds = 0.5
    bench.simulator.faults.order(Fault(kind, "POST", done=done))
    await bench.publish(document(ONE), document("bretagne:2"))
    await bench.start()
    await bench.until_states({ONE: "delivered", "bretagne:2": "delivered"})
    assert {ONE, "bretagne:2"} == set(bench.live())


@pytest.mark.parametrize("done", [False, True])
async def test_an_unknown_creation_that_is_withdrawn_meanwhile_is_gone(make_bench: Make, *, done: bool) -> None:
    bench = await make_bench()
    bench.answer_seconds = 0.5
    bench.simulator.faults.order(Fault("hang", "POST", done=done))
    await bench.publish(document(ONE))
    await bench.start()
    await eventually(lambda: attempted(bench, ONE))
    await bench.withdraw(ONE)
    await bench.until_states({ONE: "withdrawn"})
    assert {} == bench.live()


async def attempted(bench: Bench, offer_id: str) -> bool:
    part = await bench.part(offer_id)
    return part is not None and part.attempt is not None


@pytest.mark.parametrize("done", [False, True])
async def test_an_unknown_deletion_is_gone_through_with_before_the_offer_comes_back(
    make_bench: Make, *, done: bool
) -> None:
    bench = await make_bench()
    bench.answer_seconds = 0.5
    await bench.publish(document(ONE))
    await bench.start()
    await bench.until_states({ONE: "delivered"})
    bench.simulator.faults.order(Fault("hang", "DELETE", done=done))
    await bench.withdraw(ONE)
    await eventually(lambda: attempted(bench, ONE))
    await bench.publish(document(ONE, revision=3))
    await bench.until_states({ONE: "delivered"})
    assert {f"{ONE}~2"} == set(bench.live())


async def test_an_offer_that_the_site_cannot_deal_with_is_given_up_and_can_be_replayed(make_bench: Make) -> None:
    bench = await make_bench(speed=6_000.0)
    await bench.publish(document(ONE))
    bench.simulator.faults.order(Fault("status", "PATCH", status=500, times=100))
    await bench.start()
    await bench.until_states({ONE: "delivered"})
    await bench.publish(document(ONE, revision=2, title="Nouveau titre"))
    keep_alive = asyncio.create_task(others(bench))
    try:
        await eventually(lambda: gave_up(bench, ONE), seconds=60)
    finally:
        keep_alive.cancel()
        await asyncio.gather(keep_alive, return_exceptions=True)
    bench.simulator.faults.clear()
    assert 1 == (await bench.order(Replay()))["replayed"]
    await eventually(lambda: titled(bench, "Nouveau titre"))


async def others(bench: Bench) -> None:
    """New offers all the time: the site is not down."""
    for number in range(10, 10_000):
        await bench.publish(document(f"bretagne:{number}"))
        await asyncio.sleep(0.02)


async def gave_up(bench: Bench, offer_id: str) -> bool:
    part = await bench.part(offer_id)
    return part is not None and [one["code"] for one in part.problems] == ["national-given-up"]


async def titled(bench: Bench, title: str) -> bool:
    return bench.live().get(ONE) == title


async def test_a_site_that_is_down_for_hours_costs_few_calls_and_no_offer(make_bench: Make) -> None:
    bench = await make_bench(speed=6_000.0)
    bench.simulator.faults.order(Fault("status", None, status=503, times=60))
    await bench.publish(*(document(f"bretagne:{number}") for number in range(30)))
    await bench.start()
    await bench.until_states({f"bretagne:{number}": "delivered" for number in range(30)}, seconds=90)
    assert {f"bretagne:{number}" for number in range(30)} == set(bench.live())


async def test_a_wrong_password_stops_the_calls_and_says_what_to_do(make_bench: Make) -> None:
    bench = await make_bench(speed=6_000.0)
    operator = bench.operators["shared"]
    right, operator.password = operator.password, "another one"
    await bench.publish(document(ONE))
    await bench.start()
    await eventually(lambda: logged_in_vain(bench))
    operator.password = right
    await bench.until_states({ONE: "delivered"})
    assert 1 == bench.calls("POST") - sum(
        n for (m, s), n in bench.simulator.answered.items() if m == "POST" and s != 201
    )


async def logged_in_vain(bench: Bench) -> bool:
    return bench.simulator.answered["POST", 401] > 0


async def test_nothing_is_lost_or_doubled_when_the_connector_is_cut_off_again_and_again(make_bench: Make) -> None:
    bench = await make_bench(speed=6_000.0)
    ids = [f"bretagne:{number}" for number in range(300)]
    await bench.publish(*(document(one) for one in ids))
    for pause in (0.3, 0.5, 0.7, 0.9):
        await bench.start()
        await asyncio.sleep(pause)
        await bench.stop()
    await bench.withdraw(*ids[:50])
    await bench.start(folder="another-disk")  # what it knows is rebuilt from the log alone
    await bench.until_states(dict.fromkeys(ids[:50], "withdrawn") | dict.fromkeys(ids[50:], "delivered"), seconds=90)
    assert set(ids[50:]) == set(bench.live())


@pytest.mark.parametrize("fault", list(LogFault))
async def test_a_commit_that_fails_changes_nothing_for_the_site(make_bench: Make, fault: LogFault) -> None:
    bench = await make_bench()
    assert isinstance(bench.log, MemoryLog)
    ids = [f"bretagne:{number}" for number in range(20)]
    await bench.publish(*(document(one) for one in ids))
    await bench.start()
    await eventually(lambda: some_live(bench))
    bench.log.inject(fault, fault)
    await bench.until_states(dict.fromkeys(ids, "delivered"))
    await bench.log.deliver()
    assert set(ids) == set(bench.live())


async def some_live(bench: Bench) -> bool:
    return len(bench.live()) > 2


async def test_a_second_owner_takes_over_and_nothing_is_there_twice(make_bench: Make) -> None:
    bench = await make_bench()
    ids = [f"bretagne:{number}" for number in range(60)]
    await bench.publish(*(document(one) for one in ids))
    await bench.start()
    await eventually(lambda: some_live(bench))
    first = bench.tasks[0]
    await bench.start(folder="second")
    await bench.until_states(dict.fromkeys(ids, "delivered"))
    assert set(ids) == set(bench.live())
    assert not first.done() or first.exception() is not None


@pytest.mark.parametrize("disk", ["the-same", "another"])
async def test_a_broker_that_slept_does_not_make_the_next_owner_withdraw_what_is_live(
    make_bench: Make, disk: str
) -> None:
    """It tells where ``offers`` ended when it fell asleep: what came since would seem to be gone with its marker."""
    log = SleptLog()
    await log.create_topics(COMMON)
    log.told[OFFERS] = await log.ends(OFFERS)
    bench = await make_bench(log)
    ids = [f"bretagne:{number}" for number in range(30)]
    await bench.publish(*(document(one) for one in ids))
    await bench.start(folder="the-same")
    await bench.until_states(dict.fromkeys(ids, "delivered"))
    await bench.stop()
    await bench.publish(document("bretagne:30"))
    await bench.start(folder=disk)
    await bench.until_states(dict.fromkeys([*ids, "bretagne:30"], "delivered"))
    assert 0 == bench.calls("DELETE")


@pytest.mark.parametrize("live", [False, True])
async def test_a_taken_remote_id_is_replaced_where_the_index_has_an_item_without_name(
    make_bench: Make, *, live: bool
) -> None:
    """The item may be the offer itself or another one: only a deletion leaves at most one of both."""
    bench = await make_bench()
    taken = made_before(bench, ONE)
    nameless = taken if live else made_before(bench, "bretagne:2")
    if not live:
        bench.simulator.discard(taken)
    nameless.remote_id = cast("Any", 5)  # the site's own index still finds the row by its first name
    await bench.publish(document(ONE))
    await bench.start()
    await bench.until_states({ONE: "delivered"})
    assert taken.discarded_at is not None
    assert {f"{ONE}~2"} == set(bench.live()) - {"5"}


async def test_a_taken_remote_id_is_replaced_where_the_index_changes_during_every_walk(make_bench: Make) -> None:
    bench = await make_bench()
    bench.simulator.discard(made_before(bench, ONE))
    for number in range(40):
        made_before(bench, f"other:{number}")

    async def change() -> None:
        for number in range(40, 10_000):
            made_before(bench, f"other:{number}")
            await asyncio.sleep(0.005)

    changing = asyncio.create_task(change())
    try:
        await bench.publish(document(ONE))
        await bench.start()
        await bench.until_states({ONE: "delivered"})
    finally:
        changing.cancel()
        await asyncio.gather(changing, return_exceptions=True)
    assert f"{ONE}~2" in bench.live()


def made_before(bench: Bench, remote_id: str) -> Row:
    """A row of the account that no delivery on the log knows."""
    fields = {"title": "Avant", "employer_name": "Atelier", "zipcode": "35000", "city": "Rennes", "sector": "s5"}
    weeks = ("2027-W24", "2027-W25")
    return bench.simulator.publish_on_site(
        owner=bench.operators["shared"], remote_id=remote_id, grades=("seconde",), weeks=weeks, **fields
    )
