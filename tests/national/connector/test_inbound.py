"""Offers made at the national site enter the federation, change and leave with it; echoes of ours never do."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from adapters.national.site.accounts import SearchAccount
from demo.national_site.fault import CallFault
from gateway.protocol.record import OfferState
from gateway.protocol.topic import COMMON, OFFERS
from tests.national.connector.conftest import Make
from tests.national.connector.harness import ConnectorHarness, document, document_of, eventually
from tests.national.site.test_malformed_items import GOOD
from tests.stale_ends import StaleEndsLog

pytestmark = pytest.mark.slow

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


async def scanned(make_harness: Make, *, right: bool = True, others: bool = False, **options: Any) -> ConnectorHarness:
    harness = await make_harness(speed=6_000.0, rights={"full_access": right}, **options)
    harness.accounts = replace(harness.accounts, search=SearchAccount("shared", minutes=60, others=others))
    harness.relay()
    return harness


async def imports(harness: ConnectorHarness, count: int) -> None:
    """Start a connector, and wait until so many offers of the site are there."""
    await harness.start()
    await eventually(lambda offers: len(national(offers)) == count, of=harness.offers)


def national(offers: dict[str, OfferState]) -> dict[str, OfferState]:
    """The live offers from the site."""
    return {key: state for key, state in offers.items() if key.startswith("national:") and state.offer is not None}


async def test_an_offer_made_at_the_site_is_imported_with_its_territory(make_harness: Make) -> None:
    """[RTE-001]: a Region that asks for Lille will find it."""
    harness = await scanned(make_harness)
    row = harness.simulator.publish_on_site(**MADE)
    await imports(harness, 1)
    state = (await harness.offers())[f"national:{row.id}"]
    assert state.territory is not None
    assert ("59", "32") == (state.territory["department"], state.territory["region"])
    assert f"https://1eleve1stage.education.gouv.fr/offres-de-stage/{row.id}" == document_of(state)["apply_url"]
    assert ("national",) == state.known.provenance
    assert "website" not in document_of(state)["employer"]  # without https it would have cost the whole offer
    assert "seats" not in document_of(state)


async def test_an_address_that_cannot_be_read_costs_only_its_own_offer(make_harness: Make) -> None:
    """Any user of the site may enter one: it must not stop the gateway for the others."""
    harness = await scanned(make_harness, others=True)
    harness.simulator.publish_on_site(**MADE, permalink="https://[stage")
    harness.simulator.publish_on_site(**MADE)
    await imports(harness, 1)


@pytest.mark.parametrize("damage", ["1" + "0" * 400, "NaN", '"\\ud800"', "[" * 5_000 + "]" * 5_000])
async def test_a_damaged_item_costs_only_itself_and_the_note_says_why(make_harness: Make, damage: str) -> None:
    harness = await scanned(make_harness)
    items = [{**GOOD, "id": number} for number in (1, 2, 3)]
    frame = {"totalInternshipOffers": 3, "totalPages": 1, "currentPage": 1}
    page = (
        orjson.dumps({"pagination": frame, "internshipOffers": items})
        .decode()
        .replace('"id":2', f'"id":2,"x":{damage}')
    )
    harness.simulator.faults.order(CallFault("foreign", "GET", status=200, page=page, times=10_000))
    await imports(harness, 2)
    await eventually(lambda note: note.get("search", {}).get("state") == "ok", of=harness.note)
    found = (await harness.note())["search"]
    assert (1, True) == (found["unreadable"], found["complete"])
    assert found["first_unreadable"].startswith("number 2: /x")


@pytest.mark.parametrize("address", ["https://[bad/", "https://ex℀mple.fr/", "https://a:99999999999/", "//[", "\\"])
async def test_an_odd_address_is_judged_and_breaks_no_item(make_harness: Make, address: str) -> None:
    harness = await scanned(make_harness, others=True)
    harness.simulator.publish_on_site(**MADE, permalink=address)
    harness.simulator.publish_on_site(**MADE)
    with capture_logs() as logged:
        await imports(harness, 1)
    assert [] == [line for line in logged if line["event"] == "national.import_broke"]
    assert ["url-malformed"] in [line.get("codes") for line in logged if line["event"] == "national.import_refused"]


async def test_a_scan_that_finds_nothing_new_submits_nothing(make_harness: Make) -> None:
    harness = await scanned(make_harness)
    harness.simulator.publish_on_site(**MADE)
    await imports(harness, 1)
    before = await harness.offers()
    pages = harness.calls("GET")
    await eventually(lambda: harness.calls("GET") >= pages + 3)
    assert {key: one.known for key, one in before.items()} == {
        key: one.known for key, one in (await harness.offers()).items()
    }


async def test_a_change_there_is_a_higher_revision_here(make_harness: Make) -> None:
    harness = await scanned(make_harness)
    row = harness.simulator.publish_on_site(**MADE)
    await imports(harness, 1)
    made = f"national:{row.id}"
    first = (await harness.offers())[made]
    row.title = "Deux semaines au théâtre"
    await eventually(lambda offers: document_of(offers[made])["title"] == row.title, of=harness.offers)
    assert first.known.revision < (await harness.offers())[made].known.revision


async def test_an_offer_missing_from_two_complete_scans_is_withdrawn_and_may_come_back(make_harness: Make) -> None:
    """[WDR-004]."""
    harness = await scanned(make_harness)
    row = harness.simulator.publish_on_site(**MADE)
    harness.simulator.publish_on_site(**MADE)
    await imports(harness, 2)
    row.full = True
    await eventually(lambda offers: len(national(offers)) == 1, of=harness.offers)
    assert "absent" == (await harness.offers())[f"national:{row.id}"].known.reason
    row.full = False
    await eventually(lambda offers: len(national(offers)) == 2, of=harness.offers)


async def test_an_offer_that_search_hides_by_its_season_is_not_withdrawn(make_harness: Make) -> None:
    harness = await scanned(make_harness)
    await harness.publish(
        document("national:7001", levels=["troisieme"], weeks=["2027-W46"]),
        document("national:7002", levels=["troisieme"], weeks=["2027-W20"]),
    )
    await imports(harness, 1)
    pages = harness.calls("GET")
    await eventually(lambda: harness.calls("GET") >= pages + 3)
    assert {"national:7001"} == set(national(await harness.offers()))


async def test_a_search_that_shows_nothing_any_more_withdraws_nothing(make_harness: Make) -> None:
    harness = await scanned(make_harness)
    rows = [harness.simulator.publish_on_site(**MADE) for _ in range(15)]
    await imports(harness, 15)
    for row in rows:
        row.full = True
    await eventually(lambda note: note.get("search", {}).get("kept_by_guard") == 15, of=harness.note)
    assert 15 == len(national(await harness.offers()))


async def test_our_own_offers_come_back_as_echoes_and_are_not_imported(make_harness: Make) -> None:
    """[RTE-003]."""
    harness = await scanned(make_harness, others=True)
    await harness.save("bretagne", hosts=("stages.example.bzh",))
    await harness.publish(document("bretagne:1"))
    harness.simulator.publish_on_site(**MADE)
    harness.simulator.publish_on_site(**MADE, permalink="https://stages.example.bzh/offres/by-itself")
    harness.simulator.publish_on_site(**MADE, permalink="https://partner.example.org/offres/7")
    await harness.start()
    await harness.until_states({"bretagne:1": "delivered"})
    await eventually(lambda offers: len(national(offers)) == 2, of=harness.offers)
    pages = harness.calls("GET")
    await eventually(lambda: harness.calls("GET") >= pages + 3)
    addresses = {document_of(one)["apply_url"] for one in national(await harness.offers()).values()}
    assert {
        "https://1eleve1stage.education.gouv.fr/offres-de-stage/1",
        "https://partner.example.org/offres/7",
    } == addresses


async def test_a_stale_broker_does_not_make_our_offers_count_as_the_sites_own(make_harness: Make) -> None:
    """[RTE-003]: it reports the end of ``offers`` at its suspension, before an offer that the site returns too."""
    log = StaleEndsLog()
    await log.create_topics(COMMON)
    log.stale_ends[OFFERS] = await log.ends(OFFERS)
    harness = await scanned(make_harness, others=True, log=log)
    await harness.publish(document("bretagne:1"))
    harness.simulator.publish_on_site(**MADE)
    harness.simulator.publish_on_site(**MADE, permalink="https://stages.example.bzh/offres/1")
    await harness.start()
    pages = harness.calls("GET")
    await eventually(lambda: harness.calls("GET") >= pages + 3)
    log.stale_calls = 0
    await eventually(lambda offers: len(national(offers)) == 1, of=harness.offers)
    assert {"https://1eleve1stage.education.gouv.fr/offres-de-stage/1"} == {
        document_of(one)["apply_url"] for one in national(await harness.offers()).values()
    }


async def test_without_the_right_to_search_the_note_says_so(make_harness: Make) -> None:
    harness = await scanned(make_harness, right=False)
    await harness.start()
    await eventually(lambda note: note.get("search", {}).get("state") == "waiting-for-right", of=harness.note)


async def test_the_note_says_how_often_it_searches_and_keeps_the_last_success(make_harness: Make) -> None:
    """A reader of the note can tell one failed search from six hours of them."""
    harness = await scanned(make_harness)
    await harness.start()
    await eventually(lambda note: note.get("search", {}).get("state") == "ok", of=harness.note)
    found = (await harness.note())["search"]
    assert 60 == found["every_minutes"]
    harness.simulator.faults.order(CallFault("status", "GET", status=500, times=1_000))
    await eventually(lambda note: note.get("search", {}).get("state") == "failed", of=harness.note)
    failed = (await harness.note())["search"]
    assert (60, True) == (failed["every_minutes"], failed["scanned_at"] >= found["scanned_at"])
