"""Offers made at the national site enter the federation, change and leave with it; echoes of ours never do."""

from dataclasses import replace
from typing import Any

from adapters.national.site.accounts import Search
from gateway.protocol.record import OfferState
from gateway.protocol.topic import COMMON, OFFERS
from tests.national.conftest import Make
from tests.national.harness import Bench, document, document_of, eventually
from tests.slept import SleptLog

JUNE = ("2027-W24", "2027-W25")
MADE: dict[str, Any] = {
    "title": "Stage au théâtre",
    "description": "Découvrir les métiers du spectacle.",
    "employer_name": "Théâtre municipal",
    "employer_description": "Une scène de ville.",
    "employer_website": "http://theatre.example.org",
    "street": "1 place de la Comédie",
    "zipcode": "59000",
    "city": "Lille",
    "coordinates": (50.63, 3.06),
    "sector": "s5",
    "grades": ("seconde",),
    "weeks": JUNE,
}


async def scanned(make_bench: Make, *, right: bool = True, others: bool = False, **options: Any) -> Bench:
    bench = await make_bench(speed=6_000.0, rights={"full_access": right}, **options)
    bench.accounts = replace(bench.accounts, search=Search("shared", minutes=60, others=others))
    bench.relay()
    return bench


def national(offers: dict[str, OfferState]) -> dict[str, OfferState]:
    """The live offers from the site."""
    return {key: state for key, state in offers.items() if key.startswith("national:") and state.offer is not None}


async def test_an_offer_made_at_the_site_is_imported_with_its_territory(make_bench: Make) -> None:
    """[RTE-001]: a Region that asks for Lille will find it."""
    bench = await scanned(make_bench)
    row = bench.simulator.publish_on_site(**MADE)
    await bench.start()
    await eventually(lambda: imported(bench, 1))
    state = (await bench.offers())[f"national:{row.id}"]
    assert state.territory is not None
    assert ("59", "32") == (state.territory["department"], state.territory["region"])
    assert f"https://1eleve1stage.education.gouv.fr/offres-de-stage/{row.id}" == document_of(state)["apply_url"]
    assert ("national",) == state.known.provenance
    assert "website" not in document_of(state)["employer"]  # without https it would have cost the whole offer
    assert "seats" not in document_of(state)


async def test_an_address_that_cannot_be_read_costs_only_its_own_offer(make_bench: Make) -> None:
    """Anybody may type one at the site: it must not stop the gateway of all the others."""
    bench = await scanned(make_bench, others=True)
    bench.simulator.publish_on_site(**MADE, permalink="https://[stage")
    bench.simulator.publish_on_site(**MADE)
    await bench.start()
    await eventually(lambda: imported(bench, 1))


async def imported(bench: Bench, count: int) -> bool:
    return len(national(await bench.offers())) == count


async def test_a_scan_that_finds_nothing_new_submits_nothing(make_bench: Make) -> None:
    bench = await scanned(make_bench)
    bench.simulator.publish_on_site(**MADE)
    await bench.start()
    await eventually(lambda: imported(bench, 1))
    before = await bench.offers()
    pages = bench.calls("GET")
    await eventually(lambda: asked(bench, pages + 3))
    assert {key: one.known for key, one in before.items()} == {
        key: one.known for key, one in (await bench.offers()).items()
    }


async def asked(bench: Bench, number: int) -> bool:
    return bench.calls("GET") >= number


async def test_a_change_there_is_a_higher_revision_here(make_bench: Make) -> None:
    bench = await scanned(make_bench)
    row = bench.simulator.publish_on_site(**MADE)
    await bench.start()
    await eventually(lambda: imported(bench, 1))
    first = (await bench.offers())[f"national:{row.id}"]
    row.title = "Deux semaines au théâtre"
    await eventually(lambda: titled(bench, row.id, "Deux semaines au théâtre"))
    assert first.known.revision < (await bench.offers())[f"national:{row.id}"].known.revision


async def titled(bench: Bench, number: int, title: str) -> bool:
    state = (await bench.offers())[f"national:{number}"]
    return state.offer is not None and state.offer["title"] == title


async def test_what_is_gone_for_two_complete_scans_is_withdrawn_and_may_come_back(make_bench: Make) -> None:
    """[WDR-004]."""
    bench = await scanned(make_bench)
    row = bench.simulator.publish_on_site(**MADE)
    bench.simulator.publish_on_site(**MADE)
    await bench.start()
    await eventually(lambda: imported(bench, 2))
    row.full = True
    await eventually(lambda: imported(bench, 1))
    assert "absent" == (await bench.offers())[f"national:{row.id}"].known.reason
    row.full = False
    await eventually(lambda: imported(bench, 2))


async def test_what_search_hides_by_its_season_is_not_withdrawn(make_bench: Make) -> None:
    bench = await scanned(make_bench)
    await bench.publish(
        document("national:7001", levels=["troisieme"], weeks=["2027-W46"]),
        document("national:7002", levels=["troisieme"], weeks=["2027-W20"]),
    )
    await bench.start()
    await eventually(lambda: imported(bench, 1))
    pages = bench.calls("GET")
    await eventually(lambda: asked(bench, pages + 3))
    assert {"national:7001"} == set(national(await bench.offers()))


async def test_a_search_that_shows_nothing_any_more_withdraws_nothing(make_bench: Make) -> None:
    bench = await scanned(make_bench)
    rows = [bench.simulator.publish_on_site(**MADE) for _ in range(15)]
    await bench.start()
    await eventually(lambda: imported(bench, 15))
    for row in rows:
        row.full = True
    await eventually(lambda: kept(bench, 15))
    assert 15 == len(national(await bench.offers()))


async def kept(bench: Bench, number: int) -> bool:
    return bool((await bench.note()).get("search", {}).get("kept_by_guard") == number)


async def test_our_own_offers_come_back_as_echoes_and_are_not_imported(make_bench: Make) -> None:
    """[RTE-003]."""
    bench = await scanned(make_bench, others=True)
    await bench.save("bretagne", hosts=("stages.example.bzh",))
    await bench.publish(document("bretagne:1"))
    bench.simulator.publish_on_site(**MADE)
    bench.simulator.publish_on_site(**MADE, permalink="https://stages.example.bzh/offres/by-itself")
    bench.simulator.publish_on_site(**MADE, permalink="https://partner.example.org/offres/7")
    await bench.start()
    await bench.until_states({"bretagne:1": "delivered"})
    await eventually(lambda: imported(bench, 2))
    pages = bench.calls("GET")
    await eventually(lambda: asked(bench, pages + 3))
    addresses = {document_of(one)["apply_url"] for one in national(await bench.offers()).values()}
    assert {
        "https://1eleve1stage.education.gouv.fr/offres-de-stage/1",
        "https://partner.example.org/offres/7",
    } == addresses


async def test_a_broker_that_slept_does_not_make_the_sites_own_of_what_is_ours(make_bench: Make) -> None:
    """[RTE-003]: it tells where ``offers`` ended when it fell asleep, before an offer that the site shows too."""
    log = SleptLog()
    await log.create_topics(COMMON)
    log.told[OFFERS] = await log.ends(OFFERS)
    bench = await scanned(make_bench, others=True, log=log)
    await bench.publish(document("bretagne:1"))
    bench.simulator.publish_on_site(**MADE)
    bench.simulator.publish_on_site(**MADE, permalink="https://stages.example.bzh/offres/1")
    await bench.start()
    pages = bench.calls("GET")
    await eventually(lambda: asked(bench, pages + 3))
    log.words = 0
    await eventually(lambda: imported(bench, 1))
    assert {"https://1eleve1stage.education.gouv.fr/offres-de-stage/1"} == {
        document_of(one)["apply_url"] for one in national(await bench.offers()).values()
    }


async def test_without_the_right_to_search_the_note_says_so(make_bench: Make) -> None:
    bench = await scanned(make_bench, right=False)
    await bench.start()
    await eventually(lambda: noted(bench, "waiting-for-right"))


async def noted(bench: Bench, state: str) -> bool:
    return bool((await bench.note()).get("search", {}).get("state") == state)
