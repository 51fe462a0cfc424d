"""Offers that the site can never process, and withdrawals that fail: they do not delay other offers."""

import asyncio
from typing import Any

import pytest

from demo.national_site.fault import CallFault
from gateway.protocol.delivery_order import Reconcile
from tests.national.connector.conftest import Make
from tests.national.connector.harness import ConnectorHarness, document, eventually, part_of, row_of

pytestmark = pytest.mark.slow

ONE = "bretagne:1"
HOUR = 3_600_000


@pytest.mark.parametrize("call", ["create", "update", "withdraw"])
async def test_offers_that_always_fail_do_not_keep_sound_ones_out(make_harness: Make, call: str) -> None:
    """Twelve of them, so that five failures in a row come again and again."""
    harness = await make_harness(speed=500.0)
    bad = [f"bretagne:bad-{number}" for number in range(12)]
    if call == "create":
        harness.simulator.faults.poison(*bad)
        await harness.start(*(document(one) for one in bad))
    else:
        await harness.deliver(*(document(one) for one in bad))
        harness.simulator.faults.poison(*bad)
        if call == "update":
            await harness.publish(*(document(one, revision=2, title="Autre titre") for one in bad))
        else:
            await harness.withdraw(*bad)
    answered = harness.simulator.answered
    await eventually(lambda: sum(answered[method, 500] for method in ("DELETE", "PATCH", "POST")) >= 6)
    sound = [f"bretagne:{number}" for number in range(5)]
    began = harness.time.clock()
    await harness.publish(*(document(one) for one in sound))
    await eventually(lambda: set(sound) <= set(harness.live()))
    assert harness.time.clock() - began < HOUR // 6
    harness.simulator.faults.heal()
    if call == "withdraw":
        await eventually(
            lambda found: {part.state for one in bad if (part := found[one].part("lycee"))} == {"withdrawn"},
            of=harness.deliveries,
            seconds=60,
        )
        assert set(sound) == set(harness.live())


async def test_no_delivery_is_given_up_during_an_outage(make_harness: Make) -> None:
    """Reads succeed, every write fails for hours: no offer is the cause."""
    harness = await make_harness(speed=6_000.0)
    for method in ("POST", "PATCH", "DELETE"):
        harness.simulator.faults.order(CallFault("status", method, status=500, times=100_000))
    ids = [f"bretagne:{number}" for number in range(3)]
    await harness.start(*(document(one) for one in ids))
    began = harness.time.clock()
    await eventually(lambda: harness.time.clock() >= began + 12 * HOUR)
    assert ["pending"] * 3 == [
        part.state for one in (await harness.deliveries()).values() for part in [one.part("lycee")] if part is not None
    ]
    harness.simulator.faults.clear()
    await harness.until_states(dict.fromkeys(ids, "delivered"))


@pytest.mark.parametrize("number", [1, 5])
@pytest.mark.parametrize("call", ["create", "update"])
async def test_offers_that_always_fail_end_by_themselves_without_other_traffic(
    make_harness: Make, number: int, call: str
) -> None:
    """The site answers reads and other writes: within half a day it is not called down, and the offers are refused
    until the next day.
    """
    harness = await make_harness(speed=6_000.0)
    bad = [f"bretagne:{one}" for one in range(number)]
    if call == "update":
        await harness.deliver(*(document(one) for one in bad))
    harness.simulator.faults.poison(*bad)
    began = harness.time.clock()
    await harness.publish(*(document(one, revision=2, title="Autre titre") for one in bad))
    if call == "create":
        await harness.start()
    await harness.until_states(dict.fromkeys(bad, "refused"))
    assert 2 * HOUR < harness.time.clock() - began < 12 * HOUR
    assert {("national-given-up",)} == {
        tuple(problem["code"] for problem in (await part_of(harness, one)).problems) for one in bad
    }
    await eventually(lambda note: note.get("down") is False, of=harness.note)
    harness.simulator.faults.heal()
    await harness.until_states(dict.fromkeys(bad, "delivered"))
    assert harness.time.clock() - began < 50 * HOUR


@pytest.mark.parametrize("number", [1, 8])
async def test_an_account_without_calls_left_is_neither_down_nor_failing(make_harness: Make, number: int) -> None:
    """Its platform delivers by itself from then on: no call of its offers can show that the site is up again."""
    harness = await make_harness(speed=2_000.0)
    harness.simulator.faults.order(CallFault("status", "POST", status=500, times=100_000))
    harness.simulator.faults.order(CallFault("status", "DELETE", status=500, times=100_000))
    await harness.start(*(document(f"bretagne:{one}") for one in range(number)))
    await eventually(lambda note: "error" in note, of=harness.note)
    if number > 1:
        await eventually(lambda note: note.get("down") is True, of=harness.note)
    await harness.save("bretagne", national_delivery="self")
    harness.simulator.faults.clear()
    await eventually(lambda note: note["down"] is False and "error" not in note, of=harness.note)


async def test_a_delivery_that_was_given_up_is_tried_again_on_the_next_day(make_harness: Make) -> None:
    harness = await make_harness(speed=12_000.0)
    harness.simulator.faults.poison(ONE)
    await harness.start(document(ONE))
    keep_alive = asyncio.create_task(others(harness))
    try:
        await eventually(lambda part: part.state == "refused", of=lambda: harness.part(ONE), seconds=60)
        part = await part_of(harness, ONE)
        assert ["national-given-up"] == [problem["code"] for problem in part.problems]
        assert part.until is not None
        harness.simulator.faults.heal()
        await eventually(lambda part: part.state == "delivered", of=lambda: harness.part(ONE), seconds=60)
    finally:
        keep_alive.cancel()
        await asyncio.gather(keep_alive, return_exceptions=True)


async def others(harness: ConnectorHarness) -> None:
    for number in range(10, 10_000):
        await harness.publish(document(f"bretagne:{number}"))
        await asyncio.sleep(0.02)


async def test_a_forbidden_deletion_is_repeated_until_it_is_certain(make_harness: Make) -> None:
    harness = await delivered(make_harness, speed=6_000.0)
    harness.simulator.faults.order(CallFault("forbidden", "DELETE", times=12))
    await harness.withdraw(ONE)
    await harness.until_problem("national-deletion-forbidden")
    assert {ONE} == set(harness.live())
    await harness.publish(document("bretagne:2"))
    await harness.until_states({ONE: "withdrawn", "bretagne:2": "delivered"}, seconds=60)
    assert {"bretagne:2"} == set(harness.live())


async def delivered(make_harness: Make, **options: Any) -> ConnectorHarness:
    harness = await make_harness(**options)
    await harness.deliver(document(ONE))
    return harness


async def test_the_site_may_fail_to_find_a_postcode_now_and_find_it_later(make_harness: Make) -> None:
    harness = await make_harness()
    harness.simulator.faults.order(CallFault("geocoder", "POST", times=2))
    await harness.deliver(document(ONE))


async def test_two_rows_of_one_remote_id_are_seen_and_a_withdrawal_ends_both(make_harness: Make) -> None:
    harness = await delivered(make_harness)
    twice(harness)
    answer = await harness.order(Reconcile())
    assert {"count": 1, "remote_ids": [ONE]} == answer["doubled"]
    await harness.withdraw(ONE)
    await harness.until_states({ONE: "withdrawn"})
    assert {} == harness.live()


async def test_an_update_of_a_doubled_row_names_it_and_ends_once_the_rows_are_repaired(make_harness: Make) -> None:
    harness = await delivered(make_harness, speed=6_000.0)
    twice(harness)
    await harness.publish(document(ONE, revision=2, title="Autre titre"))
    await harness.until_states({ONE: "refused"})
    part = await part_of(harness, ONE)
    assert [("national-doubled", ONE)] == [(problem["code"], problem["actual"]) for problem in part.problems]
    assert part.until is not None
    harness.simulator.stock.unknown.dead_names_are_taken = False
    harness.simulator.discard(harness.simulator.stock.named(ONE)[1])
    await harness.until_states({ONE: "delivered"})


async def test_a_row_that_no_deletion_reaches_is_reported(make_harness: Make) -> None:
    """A database that answers a remote id with its oldest row hides the second one behind the dead first one."""
    harness = await delivered(make_harness)
    twice(harness)
    harness.simulator.stock.oldest_first = True
    await harness.withdraw(ONE)
    await harness.until_states({ONE: "withdrawn"})
    answer = await harness.order(Reconcile(repair=True))
    assert (1, 0) == (answer["extra"]["count"], answer["deleted"])


async def test_a_repair_leaves_one_row_of_a_doubled_offer(make_harness: Make) -> None:
    harness = await delivered(make_harness)
    twice(harness)
    await harness.order(Reconcile(repair=True))
    await eventually(lambda: [f"{ONE}~2"] == [row.remote_id for row in harness.simulator.stock.rows if row.kept])
    await harness.until_states({ONE: "delivered"})


def twice(harness: ConnectorHarness) -> None:
    """A second creation that came at the same time: the site checks before it inserts, and has no unique index."""
    row = row_of(harness.simulator, ONE)
    harness.simulator.publish_on_site(
        **{name: getattr(row, name) for name in ("owner", "remote_id", "title", "zipcode", "city", "sector", "weeks")},
        description=row.description,
        employer_name=row.employer_name,
        street=row.street,
        grades=row.grades,
        permalink=row.permalink,
    )


async def test_going_back_after_a_refused_update_is_sent_again(make_harness: Make) -> None:
    """The site wrote the weeks of the refused update before it refused it."""
    harness = await delivered(make_harness, start=1_799_000_000_000)
    row = row_of(harness.simulator, ONE)
    before = row.weeks
    row.weeks = (*before, "2027-W26")
    harness.simulator.faults.order(CallFault("refused", "PATCH"))
    await harness.publish(document(ONE, revision=2, weeks=["2027-W24", "2027-W25", "2027-W26"]))
    await harness.until_states({ONE: "refused"})
    await harness.publish(document(ONE, revision=3))
    await harness.until_states({ONE: "delivered"})
    assert before == row_of(harness.simulator, ONE).weeks


@pytest.mark.parametrize(
    ("status", "page"),
    [
        (403, "<html>blocked by the firewall</html>"),
        (404, "<html>no such page</html>"),
        (400, "bad request"),
        (200, "<html>sign in</html>"),
        (302, ""),
    ],
)
async def test_an_answer_of_a_proxy_withdraws_nothing_and_is_reported(
    make_harness: Make, status: int, page: str
) -> None:
    harness = await delivered(make_harness, speed=2_000.0)
    harness.simulator.faults.order(CallFault("foreign", None, status=status, page=page, times=100_000))
    await harness.withdraw(ONE)
    await eventually(lambda note: "error" in note, of=harness.note)
    assert {ONE} == set(harness.live())
    assert "pending" == (await part_of(harness, ONE)).state
    note = await harness.note()
    assert note["step"]
    harness.simulator.faults.clear()
    await harness.until_states({ONE: "withdrawn"}, seconds=60)
    assert {} == harness.live()


@pytest.mark.parametrize("looked", [False, True], ids=["at once", "after a look in the index"])
async def test_a_creation_that_arrives_after_its_withdrawal_is_withdrawn(make_harness: Make, *, looked: bool) -> None:
    """The request had no answer, the index does not list the offer, and no deletion finds it yet."""
    harness = await make_harness(speed=100.0)
    harness.simulator.faults.order(CallFault("late", "POST", after=0.4))
    await harness.start(document(ONE))
    answered, faults = harness.simulator.answered, harness.simulator.faults
    await eventually(lambda: answered["GET", 200] > 0 if looked else not faults.is_ordered("late"))
    await harness.withdraw(ONE)
    assert [] == harness.simulator.stock.rows, "the creation has arrived already"
    await harness.until_states({ONE: "withdrawn"})
    await asyncio.sleep(0.5)
    assert 1 == len(harness.simulator.stock.rows)
    assert {} == harness.live()


async def test_a_creation_that_arrives_after_a_lookup_is_found_and_not_repeated(make_harness: Make) -> None:
    """Where the remote ids of deleted offers are free again, a second row would be beyond the reach of any deletion."""
    harness = await make_harness(speed=100.0)
    harness.simulator.faults.order(CallFault("late", "POST", after=0.4))
    await harness.deliver(document(ONE))
    assert (1, 0) == (len(harness.simulator.stock.rows), harness.simulator.answered["POST", 201])


async def test_an_offer_that_the_index_lacks_is_looked_up_once_across_restarts(make_harness: Make) -> None:
    harness = await make_harness(speed=100.0)
    harness.simulator.faults.order(CallFault("reset", "POST"))
    await harness.start(document(ONE))
    await eventually(lambda: harness.simulator.answered["GET", 200] > 0)
    await asyncio.sleep(0.3)  # 30 s of the site's time, for the answer to be written down
    looks = harness.simulator.answered["GET", 200]
    await harness.stop()
    await harness.start()
    await harness.until_states({ONE: "delivered"})
    assert (1, looks) == (len(harness.simulator.stock.rows), harness.simulator.answered["GET", 200])


async def test_a_replica_without_the_outbox_first_looks_up_creations_of_unknown_outcome(make_harness: Make) -> None:
    """They are on the first page of the index only until others are created."""
    harness = await make_harness()
    harness.simulator.faults.order(CallFault("hang", "POST", done=True))
    await harness.start(document("bretagne:z"))
    await eventually(lambda: harness.simulator.row("bretagne:z") is not None)
    await harness.stop()
    others = [f"bretagne:{number}" for number in range(100)]
    await harness.publish(*(document(other) for other in others))
    reads = harness.simulator.answered["GET", 200]
    await harness.start(folder="another replica")
    await harness.until_states(dict.fromkeys([*others, "bretagne:z"], "delivered"))
    assert 101 == len(harness.simulator.stock.rows)
    assert (0, 1) == (harness.simulator.answered["POST", 409], harness.simulator.answered["GET", 200] - reads)
