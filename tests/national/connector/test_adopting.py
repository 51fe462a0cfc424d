"""Taking over a region that pushed by its own account, and reconciling afterwards: nothing twice, nothing lost."""

from typing import Any

import pytest

from demo.national_site.stock import SiteOffer
from gateway.protocol.delivery_order import Adopt, Reconcile
from tests.national.connector.conftest import Make
from tests.national.connector.harness import ConnectorHarness, document, eventually, part_of, row_of

pytestmark = pytest.mark.slow

JUNE = ("2027-W24", "2027-W25")
OWN: dict[str, Any] = {"names": {"bretagne": ["bretagne"], "shared": ["*"]}}


def pushed(
    harness: ConnectorHarness,
    remote_id: str,
    *,
    account: str = "bretagne",
    permalink: str | None = None,
    grades: tuple[str, ...] = ("seconde",),
    weeks: tuple[str, ...] = JUNE,
    **fields: Any,
) -> SiteOffer:
    """An offer that the region pushed itself."""
    row: dict[str, Any] = {
        "owner": harness.operators[account],
        "remote_id": remote_id,
        "title": "Ancien titre",
        "description": "Observer.",
        "employer_name": "Atelier du Port",
        "employer_description": "Menuiserie.",
        "street": "4 quai Lamennais",
        "zipcode": "35000",
        "city": "Rennes",
        "sector": "s5",
        "permalink": permalink,
        "grades": grades,
        "weeks": weeks,
        **fields,
    }
    return harness.simulator.publish_on_site(**row)


async def region(make_harness: Make, count: int, *, speed: float = 6_000.0) -> ConnectorHarness:
    """A region with ``count`` offers there: half matched by remote id, half by address; two more here, three there."""
    harness = await make_harness(speed=speed, **OWN)
    await harness.save("bretagne", national_delivery="self")
    documents = []
    for number in range(count):
        named = number % 2 == 0
        one = document(f"bretagne:{number}", **({"national_remote_id": f"old-{number}"} if named else {}))
        documents.append(one)
        pushed(harness, f"old-{number}", permalink="https://elsewhere.example/x" if named else one["apply_url"])
    documents += [document("bretagne:new-1"), document("bretagne:new-2", levels=["troisieme"], weeks=["2027-W20"])]
    for number in range(3):
        pushed(harness, f"extra-{number}", permalink=f"https://stages.example.bzh/offres/gone-{number}")
    await harness.start(*documents)
    return harness


async def test_a_dry_run_reports_matching_missing_and_extra_offers_and_changes_nothing(make_harness: Make) -> None:
    harness = await region(make_harness, 40)
    before = harness.live()
    answer = await harness.order(Adopt("bretagne"), account="bretagne")
    assert 40 == answer["matched"]
    assert ["bretagne:new-1 lycee", "bretagne:new-2 college"] == sorted(answer["missing"]["offers"])
    assert ["extra-0", "extra-1", "extra-2"] == sorted(answer["extra"]["remote_ids"])
    assert before == harness.live()
    assert {} == await harness.deliveries()


async def test_a_region_with_500_offers_is_adopted(make_harness: Make) -> None:
    harness = await region(make_harness, 500)
    answer = await harness.order(Adopt("bretagne", apply=True), account="bretagne", seconds=60)
    assert (500, 3, True) == (answer["matched"], answer["deleted"], answer["applied"])
    expected = {f"bretagne:{number}": "delivered" for number in (*range(500), "new-1", "new-2")}
    await harness.until_states(expected, seconds=100)
    names = {f"old-{number}" for number in range(500)} | {"bretagne:new-1", "bretagne:new-2"}
    assert dict.fromkeys(names, "Découverte d'un atelier") == harness.live()
    assert (502 - 500, 500, 3) == (
        harness.simulator.answered["POST", 201],
        harness.simulator.answered["PATCH", 200],
        harness.simulator.answered["DELETE", 200],
    )
    parts = [delivery.current()[0] for delivery in (await harness.deliveries()).values()]
    assert 500 == sum(part.adopted for part in parts)
    assert {"bretagne"} == {part.account for part in parts}
    await harness.partners.catch_up()
    partner = harness.partners.get("bretagne")
    assert partner is not None
    assert "gateway" == partner.national_delivery
    again = await harness.order(Adopt("bretagne", apply=True), account="bretagne", seconds=60)
    assert (502, 0) == (again["matched"], again["deleted"])


async def test_an_interrupted_takeover_continues_with_the_next_owner(make_harness: Make) -> None:
    harness = await region(make_harness, 200, speed=60.0)  # the order is to be taken up again within its hour
    placed = await harness.submit(Adopt("bretagne", apply=True), account="bretagne")
    for number in range(4):
        more = harness.calls("GET", "PATCH", "DELETE") + 5
        await eventually(lambda more=more: harness.calls("GET", "PATCH", "DELETE") >= more)
        await harness.stop()
        await harness.start(folder=f"disk-{number % 2}")
    answer = await harness.answer(placed, seconds=60)
    assert answer["applied"]
    expected = {f"bretagne:{number}": "delivered" for number in (*range(200), "new-1", "new-2")}
    await harness.until_states(expected, seconds=100)
    names = {f"old-{number}" for number in range(200)} | {"bretagne:new-1", "bretagne:new-2"}
    assert dict.fromkeys(names, "Découverte d'un atelier") == harness.live()


async def test_more_extras_than_a_fifth_need_their_number(make_harness: Make) -> None:
    harness = await region(make_harness, 4)
    for number in range(20):
        pushed(harness, f"more-{number}")
    answer = await harness.order(Adopt("bretagne", apply=True), account="bretagne")
    assert ("shrinks-too-much", 23) == (answer["error"], answer["would_delete"])
    assert {} == await harness.deliveries()
    answer = await harness.order(Adopt("bretagne", apply=True, confirm=23), account="bretagne")
    assert 23 == answer["deleted"]


async def test_a_shared_account_adopts_no_platform(make_harness: Make) -> None:
    harness = await make_harness(platforms=("bretagne", "occitanie"))
    await harness.save("bretagne", national_delivery="self")
    await harness.start()
    assert "account-shared" == (await harness.order(Adopt("bretagne", apply=True)))["error"]


async def test_the_parts_of_a_mixed_offer_are_matched_by_their_levels(make_harness: Make) -> None:
    harness = await make_harness(speed=6_000.0, **OWN)
    await harness.save("bretagne", national_delivery="self")
    mixed = document("bretagne:1", levels=["troisieme", "seconde"], weeks=["2027-W10", *JUNE])
    pushed(harness, "old", permalink=mixed["apply_url"])
    await harness.start(mixed)
    answer = await harness.order(Adopt("bretagne", apply=True), account="bretagne")
    assert (1, ["bretagne:1 college"]) == (answer["matched"], answer["missing"]["offers"])
    await harness.until_states({"bretagne:1 college": "delivered", "bretagne:1 lycee": "delivered"})
    assert {"old", "bretagne:1~c"} == set(harness.live())


async def test_a_remote_id_that_the_sites_addresses_do_not_reach_is_reported(make_harness: Make) -> None:
    harness = await make_harness(speed=6_000.0, **OWN)
    await harness.save("bretagne", national_delivery="self")
    await harness.publish(document("bretagne:1", national_remote_id="a.b"))
    pushed(harness, "a.b")
    await harness.start()
    answer = await harness.order(Adopt("bretagne", apply=True), account="bretagne")
    assert ["a.b"] == answer["unreachable"]["remote_ids"]
    await harness.until_states({"bretagne:1": "refused"})
    part = await part_of(harness, "bretagne:1")
    assert ["national-unreachable"] == [problem["code"] for problem in part.problems]


@pytest.fixture
async def delivered(make_harness: Make) -> ConnectorHarness:
    harness = await make_harness(speed=6_000.0, rights={"full_access": True})
    ids = [f"bretagne:{number}" for number in range(40)]
    await harness.deliver(*(document(one) for one in ids))
    return harness


async def test_a_site_that_is_as_it_should_be_reconciles_without_findings(delivered: ConnectorHarness) -> None:
    answer = await delivered.order(Reconcile())
    assert (40, 0, 0, 0, 40) == (
        answer["matched"],
        answer["missing"]["count"],
        answer["extra"]["count"],
        answer["differing"]["count"],
        answer["visible"],
    )
    assert all(delivery.current()[0].visible for delivery in (await delivered.deliveries()).values())


async def test_missing_extra_and_different_offers_at_the_site_are_found_and_repaired(
    delivered: ConnectorHarness,
) -> None:
    site = delivered.simulator
    site.discard(row_of(site, "bretagne:1"))
    row_of(site, "bretagne:2").title = "Changé sur place"
    row_of(site, "bretagne:3").full = True
    pushed(delivered, "stranger", account="shared")
    report = await delivered.order(Reconcile())
    assert ["bretagne:1"] == report["missing"]["remote_ids"]
    assert ["stranger"] == report["extra"]["remote_ids"]
    assert {"bretagne:2": ["title"]} == report["differing"]["fields"]
    assert 38 == report["visible"]
    assert "Changé sur place" == delivered.live()["bretagne:2"]
    assert False is (await part_of(delivered, "bretagne:3")).visible
    repaired = await delivered.order(Reconcile(repair=True))
    assert (True, 1) == (repaired["repaired"], repaired["deleted"])
    await eventually(lambda: delivered.live()["bretagne:2"] == "Découverte d'un atelier")
    assert "moderated" == (await part_of(delivered, "bretagne:1")).state
    assert "stranger" not in delivered.live()
