"""Taking over a region that pushed by its own account, and reconciling afterwards: nothing twice, nothing lost."""

from functools import partial
from typing import Any

import pytest

from adapters.national.delivery.order import Adopt, Reconcile
from gateway.demo.national_site.stock import Row
from tests.national.conftest import Make
from tests.national.harness import Bench, document, eventually, part_of, row_of

JUNE = ("2027-W24", "2027-W25")
OWN: dict[str, Any] = {"names": {"bretagne": ["bretagne"], "shared": ["*"]}}


def pushed(
    bench: Bench,
    remote_id: str,
    *,
    account: str = "bretagne",
    permalink: str | None = None,
    grades: tuple[str, ...] = ("seconde",),
    weeks: tuple[str, ...] = JUNE,
    **fields: Any,
) -> Row:
    """An offer that the region pushed itself."""
    row: dict[str, Any] = {
        "owner": bench.operators[account],
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
    return bench.simulator.publish_on_site(**row)


async def region(make_bench: Make, count: int, *, speed: float = 6_000.0) -> Bench:
    """A region with ``count`` offers there: half known by name, half by address; two more offers here, three there."""
    bench = await make_bench(speed=speed, **OWN)
    await bench.save("bretagne", national_delivery="self")
    documents = []
    for number in range(count):
        named = number % 2 == 0
        one = document(f"bretagne:{number}", **({"national_remote_id": f"old-{number}"} if named else {}))
        documents.append(one)
        pushed(bench, f"old-{number}", permalink="https://elsewhere.example/x" if named else one["apply_url"])
    documents += [document("bretagne:new-1"), document("bretagne:new-2", levels=["troisieme"], weeks=["2027-W20"])]
    for number in range(3):
        pushed(bench, f"extra-{number}", permalink=f"https://stages.example.bzh/offres/gone-{number}")
    await bench.publish(*documents)
    await bench.start()
    return bench


async def test_a_dry_run_says_what_matches_lacks_and_is_extra_and_changes_nothing(make_bench: Make) -> None:
    bench = await region(make_bench, 40)
    before = bench.live()
    answer = await bench.order(Adopt("bretagne"), account="bretagne")
    assert 40 == answer["matched"]
    assert ["bretagne:new-1 lycee", "bretagne:new-2 college"] == sorted(answer["missing"]["offers"])
    assert ["extra-0", "extra-1", "extra-2"] == sorted(answer["extra"]["remote_ids"])
    assert before == bench.live()
    assert {} == await bench.deliveries()


async def test_a_region_with_500_offers_is_taken_over(make_bench: Make) -> None:
    bench = await region(make_bench, 500)
    answer = await bench.order(Adopt("bretagne", apply=True), account="bretagne", seconds=60)
    assert (500, 3, True) == (answer["matched"], answer["deleted"], answer["applied"])
    expected = {f"bretagne:{number}": "delivered" for number in (*range(500), "new-1", "new-2")}
    await bench.until_states(expected, seconds=100)
    names = {f"old-{number}" for number in range(500)} | {"bretagne:new-1", "bretagne:new-2"}
    assert dict.fromkeys(names, "Découverte d'un atelier") == bench.live()
    assert (502 - 500, 500, 3) == (
        bench.simulator.answered["POST", 201],
        bench.simulator.answered["PATCH", 200],
        bench.simulator.answered["DELETE", 200],
    )
    parts = [delivery.current()[0] for delivery in (await bench.deliveries()).values()]
    assert 500 == sum(part.adopted for part in parts)
    assert {"bretagne"} == {part.account for part in parts}
    await bench.partners.catch_up()
    partner = bench.partners.get("bretagne")
    assert partner is not None
    assert "gateway" == partner.national_delivery
    again = await bench.order(Adopt("bretagne", apply=True), account="bretagne", seconds=60)
    assert (502, 0) == (again["matched"], again["deleted"])


async def test_a_takeover_that_is_cut_off_goes_on_with_the_next_owner(make_bench: Make) -> None:
    bench = await region(make_bench, 200, speed=60.0)  # the order is to be taken up again within its hour
    placed = await bench.place(Adopt("bretagne", apply=True), account="bretagne")
    for number in range(4):
        pages = bench.calls("GET") + bench.calls("PATCH") + bench.calls("DELETE")
        await eventually(partial(went_on, bench, pages + 5))
        await bench.stop()
        await bench.start(folder=f"disk-{number % 2}")
    answer = await bench.answer(placed, seconds=60)
    assert answer["applied"]
    expected = {f"bretagne:{number}": "delivered" for number in (*range(200), "new-1", "new-2")}
    await bench.until_states(expected, seconds=100)
    names = {f"old-{number}" for number in range(200)} | {"bretagne:new-1", "bretagne:new-2"}
    assert dict.fromkeys(names, "Découverte d'un atelier") == bench.live()


async def went_on(bench: Bench, calls: int) -> bool:
    return bench.calls("GET") + bench.calls("PATCH") + bench.calls("DELETE") >= calls


async def test_more_extras_than_a_fifth_need_their_number(make_bench: Make) -> None:
    bench = await region(make_bench, 4)
    for number in range(20):
        pushed(bench, f"more-{number}")
    answer = await bench.order(Adopt("bretagne", apply=True), account="bretagne")
    assert ("shrinks-too-much", 23) == (answer["error"], answer["would_delete"])
    assert {} == await bench.deliveries()
    answer = await bench.order(Adopt("bretagne", apply=True, confirm=23), account="bretagne")
    assert 23 == answer["deleted"]


async def test_an_account_that_serves_others_takes_nobody_over(make_bench: Make) -> None:
    bench = await make_bench(platforms=("bretagne", "occitanie"))
    await bench.save("bretagne", national_delivery="self")
    await bench.start()
    assert "account-shared" == (await bench.order(Adopt("bretagne", apply=True)))["error"]


async def test_the_parts_of_a_mixed_offer_are_matched_by_their_levels(make_bench: Make) -> None:
    bench = await make_bench(speed=6_000.0, **OWN)
    await bench.save("bretagne", national_delivery="self")
    mixed = document("bretagne:1", levels=["troisieme", "seconde"], weeks=["2027-W10", *JUNE])
    pushed(bench, "old", permalink=mixed["apply_url"])
    await bench.publish(mixed)
    await bench.start()
    answer = await bench.order(Adopt("bretagne", apply=True), account="bretagne")
    assert (1, ["bretagne:1 college"]) == (answer["matched"], answer["missing"]["offers"])
    await bench.until_states({"bretagne:1 college": "delivered", "bretagne:1 lycee": "delivered"})
    assert {"old", "bretagne:1~c"} == set(bench.live())


async def test_a_name_that_the_sites_addresses_do_not_reach_is_said_to_be_so(make_bench: Make) -> None:
    bench = await make_bench(speed=6_000.0, **OWN)
    await bench.save("bretagne", national_delivery="self")
    await bench.publish(document("bretagne:1", national_remote_id="a.b"))
    pushed(bench, "a.b")
    await bench.start()
    answer = await bench.order(Adopt("bretagne", apply=True), account="bretagne")
    assert ["a.b"] == answer["unreachable"]["remote_ids"]
    await bench.until_states({"bretagne:1": "refused"})
    part = await part_of(bench, "bretagne:1")
    assert ["national-unreachable"] == [problem["code"] for problem in part.problems]


@pytest.fixture
async def delivered(make_bench: Make) -> Bench:
    bench = await make_bench(speed=6_000.0, rights={"full_access": True})
    ids = [f"bretagne:{number}" for number in range(40)]
    await bench.publish(*(document(one) for one in ids))
    await bench.start()
    await bench.until_states(dict.fromkeys(ids, "delivered"))
    return bench


async def test_a_site_that_is_as_it_should_be_reconciles_without_findings(delivered: Bench) -> None:
    answer = await delivered.order(Reconcile())
    assert (40, 0, 0, 0, 40) == (
        answer["matched"],
        answer["missing"]["count"],
        answer["extra"]["count"],
        answer["differing"]["count"],
        answer["visible"],
    )
    assert all(delivery.current()[0].visible for delivery in (await delivered.deliveries()).values())


async def test_what_is_missing_extra_or_different_there_is_found_and_mended(delivered: Bench) -> None:
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
    await eventually(lambda: mended(delivered))
    assert "moderated" == (await part_of(delivered, "bretagne:1")).state
    assert "stranger" not in delivered.live()


async def mended(bench: Bench) -> bool:
    return bench.live()["bretagne:2"] == "Découverte d'un atelier"
