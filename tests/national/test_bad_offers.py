"""Offers that the site can never process, and withdrawals that fail: they keep nothing else from the site."""

import asyncio
from typing import Any

import pytest

from adapters.national.delivery.order import Reconcile
from gateway.demo.national_site.fault import Fault
from tests.national.conftest import Make
from tests.national.harness import Bench, document, eventually, part_of, row_of

ONE = "bretagne:1"
HOUR = 3_600_000


@pytest.mark.parametrize("call", ["create", "update", "withdraw"])
async def test_offers_that_always_fail_do_not_keep_sound_ones_out(make_bench: Make, call: str) -> None:
    """Twelve of them, so that five failures in a row come again and again."""
    bench = await make_bench(speed=2_000.0)
    bad = [f"bretagne:bad-{number}" for number in range(12)]
    if call == "create":
        bench.simulator.faults.poison(*bad)
        await bench.publish(*(document(one) for one in bad))
        await bench.start()
    else:
        await bench.publish(*(document(one) for one in bad))
        await bench.start()
        await bench.until_states(dict.fromkeys(bad, "delivered"))
        bench.simulator.faults.poison(*bad)
        if call == "update":
            await bench.publish(*(document(one, revision=2, title="Autre titre") for one in bad))
        else:
            await bench.withdraw(*bad)
    await eventually(lambda: tripped(bench))
    sound = [f"bretagne:{number}" for number in range(5)]
    began = bench.time.clock()
    await bench.publish(*(document(one) for one in sound))
    await eventually(lambda: holds(bench, sound))
    assert bench.time.clock() - began < HOUR // 6
    bench.simulator.faults.heal()
    if call == "withdraw":
        await eventually(lambda: withdrawn(bench, bad), seconds=60)
        assert set(sound) == set(bench.live())


async def tripped(bench: Bench) -> bool:
    return (
        bench.simulator.answered["DELETE", 500]
        + bench.simulator.answered["PATCH", 500]
        + bench.simulator.answered["POST", 500]
        >= 6
    )


async def holds(bench: Bench, names: list[str]) -> bool:
    return set(names) <= set(bench.live())


async def withdrawn(bench: Bench, ids: list[str]) -> bool:
    found = await bench.deliveries()
    return all(part is not None and part.state == "withdrawn" for part in (found[one].part("lycee") for one in ids))


async def test_an_outage_gives_up_nothing(make_bench: Make) -> None:
    """Reads go on, every write fails for hours: no offer is to blame."""
    bench = await make_bench(speed=6_000.0)
    for method in ("POST", "PATCH", "DELETE"):
        bench.simulator.faults.order(Fault("status", method, status=500, times=100_000))
    ids = [f"bretagne:{number}" for number in range(3)]
    await bench.publish(*(document(one) for one in ids))
    await bench.start()
    began = bench.time.clock()
    await eventually(lambda: passed(bench, began + 12 * HOUR))
    assert ["pending"] * 3 == [
        part.state for one in (await bench.deliveries()).values() for part in [one.part("lycee")] if part is not None
    ]
    bench.simulator.faults.clear()
    await bench.until_states(dict.fromkeys(ids, "delivered"))


async def passed(bench: Bench, until: int) -> bool:
    return bench.time.clock() >= until


async def test_what_was_given_up_is_tried_again_on_the_next_day(make_bench: Make) -> None:
    bench = await make_bench(speed=12_000.0)
    bench.simulator.faults.poison(ONE)
    await bench.publish(document(ONE))
    await bench.start()
    keep_alive = asyncio.create_task(others(bench))
    try:
        await eventually(lambda: has_state(bench, "refused"), seconds=60)
        part = await part_of(bench, ONE)
        assert ["national-given-up"] == [problem["code"] for problem in part.problems]
        assert part.until is not None
        bench.simulator.faults.heal()
        await eventually(lambda: has_state(bench, "delivered"), seconds=60)
    finally:
        keep_alive.cancel()
        await asyncio.gather(keep_alive, return_exceptions=True)


async def others(bench: Bench) -> None:
    for number in range(10, 10_000):
        await bench.publish(document(f"bretagne:{number}"))
        await asyncio.sleep(0.02)


async def has_state(bench: Bench, state: str) -> bool:
    part = await bench.part(ONE)
    return part is not None and part.state == state


async def test_a_forbidden_deletion_is_repeated_until_it_is_certain(make_bench: Make) -> None:
    bench = await delivered(make_bench, speed=6_000.0)
    bench.simulator.faults.order(Fault("forbidden", "DELETE", times=12))
    await bench.withdraw(ONE)
    await eventually(lambda: tells(bench, "national-deletion-forbidden"))
    assert {ONE} == set(bench.live())
    await bench.publish(document("bretagne:2"))
    await bench.until_states({ONE: "withdrawn", "bretagne:2": "delivered"}, seconds=60)
    assert {"bretagne:2"} == set(bench.live())


async def delivered(make_bench: Make, **options: Any) -> Bench:
    bench = await make_bench(**options)
    await bench.publish(document(ONE))
    await bench.start()
    await bench.until_states({ONE: "delivered"})
    return bench


async def tells(bench: Bench, code: str) -> bool:
    part = await bench.part(ONE)
    return part is not None and part.state == "pending" and [code] == [problem["code"] for problem in part.problems]


async def test_the_site_may_fail_to_find_a_postcode_now_and_find_it_later(make_bench: Make) -> None:
    bench = await make_bench()
    bench.simulator.faults.order(Fault("geocoder", "POST", times=2))
    await bench.publish(document(ONE))
    await bench.start()
    await bench.until_states({ONE: "delivered"})


async def test_two_rows_of_one_remote_id_are_seen_and_a_withdrawal_ends_both(make_bench: Make) -> None:
    bench = await delivered(make_bench)
    twice(bench)
    answer = await bench.order(Reconcile())
    assert {"count": 1, "remote_ids": [ONE]} == answer["doubled"]
    await bench.withdraw(ONE)
    await bench.until_states({ONE: "withdrawn"})
    assert {} == bench.live()


async def test_a_row_that_no_deletion_reaches_is_reported(make_bench: Make) -> None:
    """A database that answers a remote id with its oldest row hides the second one behind the dead first one."""
    bench = await delivered(make_bench)
    twice(bench)
    bench.simulator.stock.oldest_first = True
    await bench.withdraw(ONE)
    await bench.until_states({ONE: "withdrawn"})
    answer = await bench.order(Reconcile(repair=True))
    assert (1, 0) == (answer["extra"]["count"], answer["deleted"])


async def test_a_repair_leaves_one_row_of_a_doubled_offer(make_bench: Make) -> None:
    bench = await delivered(make_bench)
    twice(bench)
    await bench.order(Reconcile(repair=True))
    await eventually(lambda: only(bench, f"{ONE}~2"))
    await bench.until_states({ONE: "delivered"})


def twice(bench: Bench) -> None:
    """A second creation that came at the same time: the site checks before it inserts, and has no unique index."""
    row = row_of(bench.simulator, ONE)
    bench.simulator.publish_on_site(
        **{name: getattr(row, name) for name in ("owner", "remote_id", "title", "zipcode", "city", "sector", "weeks")},
        description=row.description,
        employer_name=row.employer_name,
        street=row.street,
        grades=row.grades,
        permalink=row.permalink,
    )


async def only(bench: Bench, name: str) -> bool:
    rows = [row for row in bench.simulator.stock.rows if row.kept]
    return [name] == [row.remote_id for row in rows]


async def test_going_back_after_a_refused_update_is_sent_again(make_bench: Make) -> None:
    """The site wrote the weeks of the refused update before it refused it."""
    bench = await delivered(make_bench, start=1_799_000_000_000)
    row = row_of(bench.simulator, ONE)
    before = row.weeks
    row.weeks = (*before, "2027-W26")
    bench.simulator.faults.order(Fault("refused", "PATCH"))
    await bench.publish(document(ONE, revision=2, weeks=["2027-W24", "2027-W25", "2027-W26"]))
    await bench.until_states({ONE: "refused"})
    await bench.publish(document(ONE, revision=3))
    await bench.until_states({ONE: "delivered"})
    assert before == row_of(bench.simulator, ONE).weeks


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
async def test_a_proxys_answer_withdraws_nothing_and_is_told(make_bench: Make, status: int, page: str) -> None:
    bench = await delivered(make_bench, speed=2_000.0)
    bench.simulator.faults.order(Fault("foreign", None, status=status, page=page, times=100_000))
    await bench.withdraw(ONE)
    await eventually(lambda: failed(bench))
    assert {ONE} == set(bench.live())
    assert "pending" == (await part_of(bench, ONE)).state
    note = await bench.note()
    assert note["step"]
    bench.simulator.faults.clear()
    await bench.until_states({ONE: "withdrawn"}, seconds=60)
    assert {} == bench.live()


async def failed(bench: Bench) -> bool:
    return "error" in await bench.note()


@pytest.mark.parametrize("looked", [False, True], ids=["at once", "after a look in the index"])
async def test_a_creation_that_arrives_after_its_withdrawal_is_withdrawn(make_bench: Make, *, looked: bool) -> None:
    """The request had no answer, the index does not list the offer, and no deletion finds it yet."""
    bench = await make_bench(speed=100.0)
    bench.simulator.faults.order(Fault("late", "POST", after=0.4))
    await bench.publish(document(ONE))
    await bench.start()
    await eventually(lambda: has_begun(bench, looked=looked))
    await bench.withdraw(ONE)
    assert [] == bench.simulator.stock.rows, "the creation has arrived already"
    await bench.until_states({ONE: "withdrawn"})
    await asyncio.sleep(0.5)
    assert 1 == len(bench.simulator.stock.rows)
    assert {} == bench.live()


async def has_begun(bench: Bench, *, looked: bool) -> bool:
    return bench.simulator.answered["GET", 200] > 0 if looked else not bench.simulator.faults.is_ordered("late")


async def test_a_creation_that_arrives_after_a_look_is_found_and_not_made_again(make_bench: Make) -> None:
    """Where the remote ids of deleted offers are free again, a second row would be beyond the reach of any deletion."""
    bench = await make_bench(speed=100.0)
    bench.simulator.faults.order(Fault("late", "POST", after=0.4))
    await bench.publish(document(ONE))
    await bench.start()
    await bench.until_states({ONE: "delivered"})
    assert (1, 0) == (len(bench.simulator.stock.rows), bench.simulator.answered["POST", 201])


async def test_what_the_index_does_not_list_is_looked_for_once_across_restarts(make_bench: Make) -> None:
    bench = await make_bench(speed=100.0)
    bench.simulator.faults.order(Fault("reset", "POST"))
    await bench.publish(document(ONE))
    await bench.start()
    await eventually(lambda: has_begun(bench, looked=True))
    await asyncio.sleep(0.3)  # 30 s of the site's time, for the answer to be written down
    looks = bench.simulator.answered["GET", 200]
    await bench.stop()
    await bench.start()
    await bench.until_states({ONE: "delivered"})
    assert (1, looks) == (len(bench.simulator.stock.rows), bench.simulator.answered["GET", 200])


async def test_a_replica_without_the_outbox_looks_for_creations_without_an_answer_first(make_bench: Make) -> None:
    """They are on the first page of the index only until others are created."""
    bench = await make_bench()
    bench.simulator.faults.order(Fault("hang", "POST", done=True))
    await bench.publish(document("bretagne:z"))
    await bench.start()
    await eventually(lambda: is_made(bench, "bretagne:z"))
    await bench.stop()
    others = [f"bretagne:{number}" for number in range(100)]
    await bench.publish(*(document(other) for other in others))
    reads = bench.simulator.answered["GET", 200]
    await bench.start(folder="another replica")
    await bench.until_states(dict.fromkeys([*others, "bretagne:z"], "delivered"))
    assert 101 == len(bench.simulator.stock.rows)
    assert (0, 1) == (bench.simulator.answered["POST", 409], bench.simulator.answered["GET", 200] - reads)


async def is_made(bench: Bench, remote_id: str) -> bool:
    return bench.simulator.row(remote_id) is not None
