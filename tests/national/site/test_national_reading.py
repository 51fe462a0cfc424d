"""Reading the site's pages: recorded ones, odd values, and differences from the sent offer."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from adapters.national.mapping.deliverability import Ready
from adapters.national.mapping.week import parse_spans, parse_week
from adapters.national.site.answer import SiteAnswer
from adapters.national.site.client import HttpSite
from adapters.national.site.reading import Listed, SearchPage, Unreadable, differences, read_page
from demo.national_site.simulator import NationalSimulator
from tests.national.site.harness import OLD_TOKEN, offer_of, ready


def page_of(body: Any) -> SearchPage:
    page = read_page(SiteAnswer(200, body))
    assert page is not None
    return page


@pytest.mark.samples
def test_the_recorded_index_is_read(samples: Path) -> None:
    page = page_of(recorded(samples, "index"))
    assert (2, 1, 1, ()) == (page.total, page.pages, page.number, page.unreadable)
    first = page.listed[0]
    assert (20, "4", "Stage de 3eme - 4", ("troisieme",)) == (first.number, first.remote_id, first.title, first.levels)
    assert ("s25", "https://google.fr", 39) == (first.sector, first.permalink, len(first.weeks))
    assert ("2023-W36", "2024-W22") == (first.weeks[0], first.weeks[-1])


@pytest.mark.samples
def test_an_offer_made_on_the_site_applies_at_its_own_page_without_the_readers_query(samples: Path) -> None:
    page = page_of(recorded(samples, "search"))
    assert (31, 2, 2) == (page.total, page.pages, page.number)
    assert (None, None) == (page.listed[0].remote_id, page.listed[0].permalink)
    assert "http://www.example.com/offres-de-stage/6" == page.listed[0].url


@pytest.mark.samples
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("weeks", "toute l'année"),
        ("weeks", "du 31/02/2025 au 04/03/2025"),
        ("weeks", None),
        ("id", "6"),
        ("title", None),
        ("grades", None),
        ("sector", 25),
        ("url", "http://[broken"),
        ("url", None),
    ],
)
def test_an_item_that_cannot_be_read_is_named_and_hides_no_other(field: str, value: Any, samples: Path) -> None:
    body = recorded(samples, "index")
    body["internshipOffers"][0][field] = value
    page = page_of(body)
    assert ["3"] == [item.remote_id for item in page.listed]
    (odd,) = page.unreadable
    assert ("4", None if field == "id" else 20) == (odd.remote_id, odd.number)


def test_items_that_are_no_objects_are_counted_too() -> None:
    frame = {"totalInternshipOffers": 1, "totalPages": 1, "currentPage": 1}
    page = page_of({"pagination": frame, "internshipOffers": ["text"]})
    assert (Unreadable(None, None, "not an object"),) == page.unreadable


@pytest.mark.parametrize(
    "answer",
    [
        SiteAnswer(401, {"code": "UNAUTHORIZED", "error": "access denied"}),
        SiteAnswer(200, "<html><body>maintenance</body></html>"),
        SiteAnswer(200, {"pagination": {}, "internshipOffers": []}),
        SiteAnswer(200, {"pagination": None, "internshipOffers": None}),
        SiteAnswer(200, {"internshipOffers": []}),
        SiteAnswer(200, []),
    ],
)
def test_an_answer_that_is_no_page_is_none(answer: SiteAnswer) -> None:
    assert read_page(answer) is None


@pytest.mark.samples
def test_a_sector_that_is_not_on_the_list_is_unknown(samples: Path) -> None:
    body = recorded(samples, "search")
    body["internshipOffers"][0]["sector"] = "Astronomie"
    assert page_of(body).listed[0].sector is None


def test_weeks_are_read_as_the_site_writes_them() -> None:
    assert "2025-W01" == parse_week("2025-W1")
    assert [None] * 3 == [parse_week("2025-W54"), parse_week("2025W1"), parse_week("2020-Wsem9-23")]
    assert ("2025-W25", "2025-W26") == parse_spans("du 23/06/2025 au 27/06/2025, du 16/06/2025 au 20/06/2025")
    assert ("2025-W01",) == parse_spans("du 30/12/2024 au 03/01/2025")
    assert () == parse_spans("")


async def read_back(site: HttpSite) -> Listed:
    page = read_page(await site.index(1))
    assert page is not None
    return page.listed[0]


async def test_a_sent_offer_is_read_back_without_difference(site: HttpSite) -> None:
    for number, offer in enumerate((offer_of(), offer_of(location={"city": "Saint-Malo", "postal_code": "35400"}))):
        sent = ready(offer)
        await site.create(sent.named(f"bretagne:{number}"))
        assert [] == differences(sent, await read_back(site))


async def test_an_offer_sent_by_the_old_interface_is_read_back_without_difference(site: HttpSite) -> None:
    sent = ready(offer_of(weeks=["2027-W25"]), one_week=True)
    assert 201 == (await site.create(sent.named("bretagne:1"))).status
    assert [] == differences(sent, await read_back(site))
    assert OLD_TOKEN not in repr(site)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("title", lambda listed: replace(listed, title="Autre")),
        ("description", lambda listed: replace(listed, description="Autre")),
        ("employer_name", lambda listed: replace(listed, employer_name="Autre")),
        ("employer_description", lambda listed: replace(listed, employer_description=None)),
        ("employer_website", lambda listed: replace(listed, employer_website=None)),
        ("street", lambda listed: replace(listed, street="N/A")),
        ("zipcode", lambda listed: replace(listed, zipcode="35200")),
        ("city", lambda listed: replace(listed, city="Brest")),
        ("latitude", lambda listed: replace(listed, latitude=48.2)),
        ("longitude", lambda listed: replace(listed, longitude=None)),
        ("sector_uuid", lambda listed: replace(listed, sector=None)),
        ("permalink", lambda listed: replace(listed, permalink=None)),
        ("is_public", lambda listed: replace(listed, is_public=True)),
        ("handicap_accessible", lambda listed: replace(listed, accessible=False)),
        ("rep", lambda listed: replace(listed, rep=True)),
        ("qpv", lambda listed: replace(listed, qpv=True)),
        ("weeks", lambda listed: replace(listed, weeks=("2027-W24",))),
        ("grades", lambda listed: replace(listed, levels=("troisieme",))),
    ],
)
async def test_each_field_that_differs_is_named(field: str, change: Callable[[Listed], Listed], site: HttpSite) -> None:
    sent = ready(offer_of())
    await site.create(sent.named("bretagne:1"))
    assert [field] == differences(sent, change(await read_back(site)))


async def test_coordinates_that_differ_minimally_are_equal(site: HttpSite, simulator: NationalSimulator) -> None:
    sent = ready(offer_of())
    await site.create(sent.named("bretagne:1"))
    listed = await read_back(site)
    assert [] == differences(sent, replace(listed, latitude=48.110000001))
    unplaced = Ready(
        {name: value for name, value in sent.body.items() if name != "coordinates"}, sent.weeks, sent.levels
    )
    assert [] == differences(unplaced, replace(listed, latitude=1.0))
    assert 1 == len(simulator.stock.rows)


def recorded(samples: Path, name: str) -> Any:
    return orjson.loads((samples / "national-v2" / "internship_offers" / name / "success.json").read_bytes())
