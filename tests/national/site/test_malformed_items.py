"""Items that the site never writes: each is read or skipped with its reason, and no page of them ends the scan."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.national.inbound.offer import document, judge
from adapters.national.site.answer import SiteAnswer
from adapters.national.site.index_walk import Walk, Walker
from adapters.national.site.reading import Listed, Unreadable, read_page
from adapters.national.site.timing import Timing
from tests.national.site.harness import ON

GOOD: dict[str, Any] = {
    "id": 7,
    "title": "Stage au théâtre",
    "description": "Découvrir les métiers du spectacle.",
    "employer_name": "Théâtre municipal",
    "url": "https://1eleve1stage.education.gouv.fr/offres-de-stage/7?utm_source=x",
    "city": "Lille",
    "zipcode": "59000",
    "street": "1 place de la Comédie",
    "date_start": " 14 juin 2027",
    "date_end": "25 juin 2027",
    "latitude": 50.63,
    "longitude": 3.06,
    "sector": "Art et design",
    "handicap_accessible": False,
    "period": 0,
    "weeks": "du 14/06/2027 au 18/06/2027, du 21/06/2027 au 25/06/2027",
    "remote_id": None,
    "is_public": False,
    "employer_website": None,
    "employer_description": None,
    "grades": ["seconde"],
    "permalink": None,
    "rep": False,
    "qpv": False,
}
NAMES = st.sampled_from(sorted(GOOD))
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def page(*items: Any, **frame: Any) -> SiteAnswer:
    counts = {"totalInternshipOffers": len(items), "totalPages": 1, "currentPage": 1, **frame}
    return SiteAnswer(200, {"pagination": counts, "internshipOffers": list(items)})


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(
    st.dictionaries(st.sampled_from(sorted(GOOD)), ANYTHING, min_size=1, max_size=3),
    st.sets(st.sampled_from(sorted(GOOD))),
)
def test_an_item_with_any_values_is_read_or_skipped(changes: dict[str, Any], left_out: set[str]) -> None:
    item = {name: value for name, value in {**GOOD, **changes}.items() if name not in left_out}
    read = read_page(page(item, copy.deepcopy(GOOD)))
    assert read is not None
    assert 2 == len(read.listed) + len(read.unreadable)
    walk = Walk()
    walk.add(read)
    for listed in read.listed:
        judge(document(listed, public_url="https://1eleve1stage.education.gouv.fr"), revision=1, on=ON)


@settings(max_examples=200, deadline=None)
@given(ANYTHING, ANYTHING)
def test_a_page_of_anything_is_a_page_or_none(frame: Any, items: Any) -> None:
    read_page(SiteAnswer(200, {"pagination": frame, "internshipOffers": items}))
    read_page(SiteAnswer(200, items))


@pytest.mark.parametrize("name", ["date_start", "date_end", "weeks", "zipcode", "grades", "url", "latitude"])
def test_a_number_where_the_site_writes_a_text_costs_one_item(name: str) -> None:
    read = read_page(page({**GOOD, name: 20270614 if name != "latitude" else "north"}, {**GOOD, "id": 8}))
    assert read is not None
    assert {8} <= {listed.number for listed in read.listed}


def test_an_unreadable_item_counts_as_present_under_its_number() -> None:
    """Offers of several employers (`Multi`) may lack what others have; they hide no other offer from the scan."""
    walk = Walk()
    read = read_page(page({**GOOD, "employer_name": None}, {**GOOD, "id": 8}))
    assert read is not None
    walk.add(read)
    assert [Unreadable(7, None, "employer_name", named=True)] == list(read.unreadable)
    assert (walk.all_counted, walk.complete) == (True, True)


def test_an_item_without_a_readable_remote_id_leaves_unknown_which_offer_it_is() -> None:
    walk = Walk()
    read = read_page(page({**GOOD, "remote_id": 5}))
    assert read is not None
    walk.add(read)
    assert (walk.all_counted, walk.complete) == (True, False)


async def test_a_site_that_claims_pages_without_end_is_not_followed() -> None:
    requested: list[int] = []

    async def ask(number: int) -> SiteAnswer:
        requested.append(number)
        return page(copy.deepcopy(GOOD), totalPages=10**9, totalInternshipOffers=10**9)

    walk = await Walker(ask, Timing()).all()
    assert [1, 2] == requested
    assert not walk.all_counted


def test_a_good_item_is_read() -> None:
    read = read_page(page(GOOD))
    assert read is not None
    (listed,) = read.listed
    assert isinstance(listed, Listed)
    assert ("2027-W24", "2027-W25") == listed.weeks
