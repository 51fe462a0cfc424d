"""The search of the pages over all offers of several platforms."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.federation.offers import search_offers
from gateway.store import OfferView
from tests.store.offer_topic import LOG, PARTITIONS, OfferTopic, offer_of

pytestmark = pytest.mark.slow

PLATFORMS = ("bretagne", "normandie")
EACH = 2_600


@pytest.fixture
async def offers(tmp_path: Path) -> AsyncIterator[OfferView]:
    view = await OfferView.open(tmp_path / "offers.sqlite", log_identity=LOG, partitions=PARTITIONS)
    topic = OfferTopic()
    for slug in PLATFORMS:
        for number in range(EACH):
            topic.publish(offer_of(f"{slug}:{number:04}", title=f"Hôtel {number % 40:02}"))
    await view.apply(topic.chunks())
    yield view
    await view.close()


async def test_one_request_searches_all_offers(offers: OfferView) -> None:
    found = await search_offers(offers, PLATFORMS, "normandie:2599", None, most=100_000)
    assert ["normandie:2599"] == [state.id for state in found.offers]
    assert (2 * EACH, None) == (found.examined, found.further)
    assert 3_000 == (await search_offers(offers, PLATFORMS, "zzzz", None, most=3_000)).examined


async def test_a_search_lists_fifty_and_goes_on(offers: OfferView) -> None:
    after, ids, sizes = None, list[str](), list[int]()
    while not sizes or after is not None:
        found = await search_offers(offers, PLATFORMS, "HOTEL 07", after, most=100_000)
        ids, after = ids + [state.id for state in found.offers], found.further
        sizes.append(len(found.offers))
    assert [50, 50, 30] == sizes
    assert [f"{slug}:{number:04}" for slug in PLATFORMS for number in range(7, EACH, 40)] == sorted(ids)


async def test_a_search_that_takes_long_is_continued_by_the_visitor(offers: OfferView) -> None:
    found = await search_offers(offers, PLATFORMS, "zzzz", None, most=100_000, seconds=0)
    assert 2_000 == found.examined
    assert found.further is not None
    rest = await search_offers(offers, PLATFORMS, "zzzz", found.further, most=100_000)
    assert (2 * EACH - 2_000, None) == (rest.examined, rest.further)
