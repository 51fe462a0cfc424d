"""Erasing: nothing of an offer stays readable in what the site keeps of it, in none of its parts and generations."""

from typing import Any

from adapters.national.delivery.order import Erase, Placed, order_record, read_order
from adapters.national.maintenance.offer_orders import NEUTRAL
from gateway.demo.national_site.fault import Fault
from tests.national.conftest import Make
from tests.national.harness import Bench, document, eventually, row_of

ONE = "bretagne:1"
ORDER = Erase(ONE)
MIXED = {"levels": ["troisieme", "seconde"], "weeks": ["2027-W10", "2027-W24", "2027-W25"]}


async def withdrawn(make_bench: Make, **changes: Any) -> Bench:
    """A bench whose site has deleted the offer, every part of it."""
    bench = await make_bench()
    await bench.publish(document(ONE, **changes))
    await bench.start()
    groups = [f"{ONE} {group}" for group in ("college", "lycee")] if changes else [ONE]
    await bench.until_states(dict.fromkeys(groups, "delivered"))
    await bench.withdraw(ONE)
    await bench.until_states(dict.fromkeys(groups, "withdrawn"))
    return bench


def kept_words(bench: Bench) -> dict[str | None, tuple[str | None, ...]]:
    return {row.remote_id: (row.title, row.employer_name, row.street) for row in bench.simulator.stock.rows}


async def test_every_part_of_a_deleted_offer_is_overwritten_and_stays_deleted(make_bench: Make) -> None:
    bench = await withdrawn(make_bench, **MIXED)
    assert {"Atelier du Port"} == {name for _, name, _ in kept_words(bench).values()}
    answer = await bench.order(ORDER)
    assert (2, 0) == (answer["erased"]["count"], answer["kept"]["count"])
    assert dict.fromkeys(answer["erased"]["remote_ids"], (NEUTRAL, NEUTRAL, "Paris")) == kept_words(bench)
    assert {} == bench.live()
    assert answer == await bench.order(ORDER)


async def test_every_generation_is_overwritten(make_bench: Make) -> None:
    bench = await withdrawn(make_bench)
    await bench.publish(document(ONE, revision=3))
    await bench.until_states({ONE: "delivered"})
    await bench.withdraw(ONE)
    await bench.until_states({ONE: "withdrawn"})
    assert 2 == (await bench.order(ORDER))["erased"]["count"]
    assert {(NEUTRAL, NEUTRAL, "Paris")} == set(kept_words(bench).values())


async def test_an_offer_that_is_still_there_is_not_touched(make_bench: Make) -> None:
    bench = await make_bench()
    await bench.publish(document(ONE))
    await bench.start()
    await bench.until_states({ONE: "delivered"})
    assert {"error": "still-there"} == await bench.order(ORDER)
    assert 0 == bench.calls("PATCH")
    assert {"error": "unknown-offer"} == await bench.order(Erase("bretagne:2"))


async def test_what_belongs_to_somebody_else_there_is_kept_and_said_so(make_bench: Make) -> None:
    bench = await withdrawn(make_bench)
    row_of(bench.simulator, ONE).owner = bench.simulator.add_operator("other@example.org", "x")
    answer = await bench.order(ORDER)
    assert (0, [ONE]) == (answer["erased"]["count"], answer["kept"]["remote_ids"])


async def test_an_erasure_that_is_cut_off_is_done_by_the_next_owner(make_bench: Make) -> None:
    bench = await withdrawn(make_bench)
    bench.simulator.faults.order(Fault("status", "PATCH", status=500, times=3))
    placed = await bench.place(ORDER)
    await eventually(lambda: failed_once(bench))
    await bench.stop()
    assert "Atelier du Port" == kept_words(bench)[ONE][1]
    bench.simulator.faults.clear()
    await bench.start(folder="another-disk")
    assert 1 == (await bench.answer(placed))["erased"]["count"]
    assert (NEUTRAL, NEUTRAL, "Paris") == kept_words(bench)[ONE]


async def failed_once(bench: Bench) -> bool:
    return bench.simulator.answered["PATCH", 500] > 0


def test_an_order_to_erase_survives_the_log() -> None:
    placed = Placed("shared", "1", ORDER)
    assert placed == read_order(placed.key, order_record(placed).value or b"")
