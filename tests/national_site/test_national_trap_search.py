"""Traps 1 and 2: the offers that the index and the search return, and those that they omit."""

from adapters.national.site.answer import RightMissing, outcome_of
from adapters.national.site.client import NationalSite
from gateway.demo.national_site.simulator import NationalSimulator
from gateway.demo.national_site.stock import Operator
from tests.national_site.site_fixtures import (
    NAME,
    at,
    deliver,
    index,
    made_there,
    offer_of,
    page_of,
    ready,
    row_of,
    search,
)
from tests.national_site.stepped_time import SteppedTime


async def test_trap_1_the_index_lists_only_ones_own_offers(site: NationalSite, simulator: NationalSimulator) -> None:
    await deliver(site, ready(offer_of()))
    simulator.publish_on_site(**made_there())
    assert [NAME] == await index(site)
    assert ["Une semaine à la mairie", ready(offer_of()).body["title"]] == await search(site)


async def test_trap_1_others_offers_need_a_right(site: NationalSite, operator: Operator) -> None:
    operator.full_access = False
    assert RightMissing() == outcome_of(await site.search(1))


async def test_trap_2_search_hides_full_ended_and_autumn_offers(
    site: NationalSite, simulator: NationalSimulator, time: SteppedTime
) -> None:
    await deliver(site, ready(offer_of()))
    row = row_of(simulator)
    row.full = True
    simulator.publish_on_site(**made_there(title="En automne", weeks=("2026-W48", "2026-W49"), grades=("troisieme",)))
    simulator.publish_on_site(**made_there(title="L'an prochain", weeks=("2027-W40", "2028-W3"), grades=("troisieme",)))
    simulator.publish_on_site(**made_there(title="En hiver", weeks=("2027-W3",), grades=("troisieme",)))
    assert ["En hiver", "L'an prochain"] == await search(site)
    assert [NAME] == await index(site)  # absent from search is not withdrawn
    time.now = at("2027-01-22T12:00:00")
    assert ["L'an prochain"] == await search(site)


async def test_trap_2_an_offer_that_search_does_not_return_is_unknown(
    site: NationalSite, simulator: NationalSimulator
) -> None:
    simulator.publish_on_site(**made_there(city="Le Bouscat", max_candidates=5, handicap_accessible=False))
    (listed,) = page_of(await site.search(1)).listed
    assert "Le bouscat" == listed.city
    assert f"{simulator.url}/offres-de-stage/1" == listed.apply_url
    assert not hasattr(listed, "seats")
    assert not listed.accessible
