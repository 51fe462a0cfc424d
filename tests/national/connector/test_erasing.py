"""Erasing: the rows that the site keeps of an offer, of all parts and generations, are overwritten."""

from typing import Any

import pytest

from adapters.national.maintenance.offer_orders import NEUTRAL
from demo.national_site.fault import CallFault
from gateway.protocol.delivery_order import Erase, Placed, order_record, read_order
from tests.national.connector.conftest import Make
from tests.national.connector.harness import ConnectorHarness, document, eventually, row_of

pytestmark = pytest.mark.slow

ONE = "bretagne:1"
ORDER = Erase(ONE)
MIXED = {"levels": ["troisieme", "seconde"], "weeks": ["2027-W10", "2027-W24", "2027-W25"]}


async def withdrawn(make_harness: Make, **changes: Any) -> ConnectorHarness:
    """A harness whose site has deleted every part of the offer."""
    harness = await make_harness()
    await harness.start(document(ONE, **changes))
    groups = [f"{ONE} {group}" for group in ("college", "lycee")] if changes else [ONE]
    await harness.until_states(dict.fromkeys(groups, "delivered"))
    await harness.withdraw(ONE)
    await harness.until_states(dict.fromkeys(groups, "withdrawn"))
    return harness


def kept_words(harness: ConnectorHarness) -> dict[str | None, tuple[str | None, ...]]:
    return {row.remote_id: (row.title, row.employer_name, row.street) for row in harness.simulator.stock.rows}


async def test_every_part_of_a_deleted_offer_is_overwritten_and_stays_deleted(make_harness: Make) -> None:
    harness = await withdrawn(make_harness, **MIXED)
    assert {"Atelier du Port"} == {name for _, name, _ in kept_words(harness).values()}
    answer = await harness.order(ORDER)
    assert (2, 0) == (answer["erased"]["count"], answer["kept"]["count"])
    assert dict.fromkeys(answer["erased"]["remote_ids"], (NEUTRAL, NEUTRAL, "Paris")) == kept_words(harness)
    assert {} == harness.live()
    assert answer == await harness.order(ORDER)


async def test_every_generation_is_overwritten(make_harness: Make) -> None:
    harness = await withdrawn(make_harness)
    await harness.publish(document(ONE, revision=3))
    await harness.until_states({ONE: "delivered"})
    await harness.withdraw(ONE)
    await harness.until_states({ONE: "withdrawn"})
    assert 2 == (await harness.order(ORDER))["erased"]["count"]
    assert {(NEUTRAL, NEUTRAL, "Paris")} == set(kept_words(harness).values())


async def test_a_live_offer_is_not_erased(make_harness: Make) -> None:
    harness = await make_harness()
    await harness.deliver(document(ONE))
    assert {"error": "still-there"} == await harness.order(ORDER)
    assert 0 == harness.calls("PATCH")
    assert {"error": "unknown-offer"} == await harness.order(Erase("bretagne:2"))


async def test_an_offer_of_another_owner_at_the_site_is_kept_and_reported(make_harness: Make) -> None:
    harness = await withdrawn(make_harness)
    row_of(harness.simulator, ONE).owner = harness.simulator.add_operator("other@example.org", "x")
    answer = await harness.order(ORDER)
    assert (0, [ONE]) == (answer["erased"]["count"], answer["kept"]["remote_ids"])


async def test_an_erasure_that_is_cut_off_is_done_by_the_next_owner(make_harness: Make) -> None:
    harness = await withdrawn(make_harness)
    harness.simulator.faults.order(CallFault("status", "PATCH", status=500, times=3))
    placed = await harness.submit(ORDER)
    await eventually(lambda: harness.simulator.answered["PATCH", 500] > 0)
    await harness.stop()
    assert "Atelier du Port" == kept_words(harness)[ONE][1]
    harness.simulator.faults.clear()
    await harness.start(folder="another-disk")
    assert 1 == (await harness.answer(placed))["erased"]["count"]
    assert (NEUTRAL, NEUTRAL, "Paris") == kept_words(harness)[ONE]


def test_an_order_to_erase_survives_the_log() -> None:
    placed = Placed("shared", "1", ORDER)
    assert placed == read_order(placed.key, order_record(placed).value or b"")
