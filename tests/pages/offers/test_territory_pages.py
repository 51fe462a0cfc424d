"""The pages of Regions and departments: public offers alone, their history by day, their map; the file of a search."""

import csv
import re
from dataclasses import replace
from datetime import date, timedelta
from html import unescape

import pytest

from gateway.federation.open_history import note_open_offers
from gateway.pages.map.outlines import box_of, outlines
from gateway.pages.offers.season import season_of
from gateway.pages.offers.territory import offer_map
from gateway.protocol.paris_time import paris_date
from gateway.protocol.partner import Partner
from gateway.protocol.statistics import CountRecord, count_record, read_counts
from gateway.protocol.topic import STATISTICS
from tests.harness import records_of
from tests.pages.offers.test_public_pages import BRETAGNE, HTML, documents, get, put, site
from tests.pages.site import PageHarness

__all__ = ["site"]
_TODAY = date(2026, 12, 1)


async def settled(site: PageHarness) -> None:
    federation = site.harness.federation
    assert await federation.statistics.reached(await federation.log.ends(STATISTICS), 10)


async def test_the_page_of_a_territory_counts_what_its_list_has(site: PageHarness) -> None:
    """[RTE-015]: masked, restricted and unagreed offers are in no number; each number is that of the list."""
    offers = documents(site, "bretagne")
    offers[0]["redistribution"] = {"mask_employer": True}
    offers[1]["restrictions"] = {"qpv": True}
    await put(site, "bretagne", offers)
    await put(site, "normandie", documents(site, "normandie"))
    region = unescape((await get(site, "/regions/53"))[1])
    head = r'<a (?:lang="fr" )?(?:rel="nofollow" )?href="(/[^"]+)"[^>]*>[^<]*</a>(?: <span[^>]*>\w+</span>)?</th>'
    row = head + r'.*?<td class="n">(\d+)</td>'
    rows = re.findall(row, region, re.DOTALL)
    assert {"level", "sector", "week"} == {facet for address, _ in rows for facet in re.findall(r"&(\w+)=", address)}
    [button] = re.findall(r'href="(/offres\?region=53)">Voir les (\d+) offres', region)
    for address, number in (button, *rows):
        [listed] = re.findall(
            r'<h2 id="found-heading">(\d+) offre|<p class="lead">(\d+) offre', (await get(site, address))[1]
        )
        assert number == "".join(listed), address
    departments = [int(number) for address, number in rows if address.startswith("/departements/")]
    assert sum(departments) == int(button[1])
    for path, way_on in (("/regions/28", "/offres"), ("/departements/14", "/offres?region=28")):
        empty = (await get(site, path))[1]
        assert "Aucune offre n’est ouverte à tous" in empty
        assert f'<a class="button main" href="{way_on}">' in empty
        assert "par jour" not in empty, "a picture of nothing"
    for path in ("/regions/0", "/regions/35a", "/departements/53a", "/departements/00"):
        assert 404 == (await get(site, path))[0]


async def test_a_territory_says_how_many_of_its_live_offers_everybody_may_read(site: PageHarness) -> None:
    """Where it has others, it names the sites that have them."""
    offers = [
        {**one, "location": {"postal_code": "35000", "city": "Rennes"}} for one in documents(site, "bretagne")[:9]
    ]
    offers[0]["redistribution"] = {"mask_employer": True}
    await site.harness.federation.partners.change(
        "bretagne",
        lambda present: replace(present or BRETAGNE, hosts=("stages.example",), territory=frozenset({"35"})),
    )
    await put(site, "bretagne", offers)
    text = unescape((await get(site, "/departements/35"))[1])
    assert "8 offres ouvertes à tous, sur 9 en ligne." in text
    assert '<a href="https://stages.example/" lang="fr">Bretagne – IDÉO</a> ou <a href="https://1eleve1stage' in text
    assert "stages.example" not in (await get(site, "/departements/75"))[1]
    await site.harness.federation.partners.change(
        "bretagne", lambda present: replace(present or BRETAGNE, hosts=("nouveau.example",))
    )
    assert "https://nouveau.example/" in (await get(site, "/departements/35"))[1]


async def test_a_territory_names_no_platform_beside_those_that_everybody_knows(site: PageHarness) -> None:
    """SEC-014: neither a pilot nor one that only reads."""
    pilot = Partner(
        platform="pilote",
        name="Pilote secret",
        scopes=frozenset({"offers:read"}),
        hosts=("pilote.example",),
        territory=frozenset({"35"}),
    )
    await site.harness.federation.partners.save(pilot)
    text = unescape((await get(site, "/departements/35"))[1])
    assert "1eleve1stage" in text
    assert "ilote" not in text


async def test_the_public_offers_of_a_day_are_noted_once(site: PageHarness) -> None:
    """However many processes do it; a day is known by one record, whose numbers are those of public offers."""
    offers = documents(site, "bretagne")
    offers[0]["redistribution"] = {"mask_employer": True}
    await put(site, "bretagne", offers)
    federation = site.harness.federation
    await settled(site)
    assert await note_open_offers(federation)
    await settled(site)
    assert not await note_open_offers(federation)
    found = [read_counts(one.key, one.value) for one in await records_of(federation.log, STATISTICS)]
    [record] = [one for one in found if one is not None and one.open]
    today = paris_date(federation.clock())
    assert len(offers) - 1 == sum(record.open[today].values())
    again = count_record(replace(record, open={today: {"35": 9_999}}))
    await federation.log.append(STATISTICS, 0, [again])
    await settled(site)
    day = date.fromisoformat(today)
    assert {today: len(offers) - 1} == await federation.statistics.open_offers(day, day)
    assert {today: record.open[today].get("35", 0)} == await federation.statistics.open_offers(
        day, day, departments=["35"]
    )
    text = (await get(site, "/departements/35"))[1]
    ready = day + timedelta(days=6)
    assert f"s’affichera ici à partir du {ready.day}" in text


async def test_the_history_of_a_territory_is_on_its_page(site: PageHarness) -> None:
    federation = site.harness.federation
    today = date.fromisoformat(paris_date(federation.clock()))
    days = [(today - timedelta(days=number)).isoformat() for number in (1, 2, 3, 4, 365, 366)]
    past = CountRecord("past", 1, {}, open={day: {"35": number, "75": 900} for number, day in enumerate(days, 41)})
    await federation.log.append(STATISTICS, 0, [count_record(past)])
    await settled(site)
    text = (await get(site, "/departements/35"))[1]
    assert "Compté chaque jour depuis le" in text
    assert '<polyline class="this"' in text
    assert '<polyline class="last"' in text
    assert ">45<" in text  # a year before today
    assert "900" not in text


@pytest.mark.parametrize("gap", [0, 3])
def test_a_season_is_a_line_that_days_without_a_number_interrupt(gap: int) -> None:
    days = [_TODAY - timedelta(days=number) for number in range(1, 60)]
    history = {day.isoformat(): 10 for day in days if not 20 <= (_TODAY - day).days < 20 + gap}
    found = season_of(history, _TODAY, 12)
    assert (0, 2 if gap else 1) == (len(found.lines[0]), len(found.lines[1]))
    assert [0, 10, 20] == [number for _, number in found.numbers]
    assert (min(days), None, (0.0, date(2026, 9, 1))) == (found.since, found.begins, found.months[0])
    assert (_TODAY, 12, None) == found.rows[-1]
    assert found.lines[1][-1].split()[-1] == f"{round(720 * 91 / 366, 1)},{round(200 - 200 * 12 / 20, 1)}"


def test_the_first_of_september_is_a_day_of_its_season() -> None:
    found = season_of({"2026-08-31": 5}, date(2026, 9, 1), 7)
    assert (1, 1) == (len(found.lines[0]), len(found.lines[1]))


def test_a_year_before_is_the_same_day_in_leap_years_too() -> None:
    history = {"2027-06-30": 7, "2027-07-01": 99, "2027-02-28": 4, "2027-03-01": 99, "2028-02-29": 5}
    rows = season_of(history, date(2028, 6, 30), 8).rows
    assert [(date(2028, 2, 29), 5, 4), (date(2028, 6, 30), 8, 7)] == [row for row in rows if row[1] is not None]


async def test_a_day_without_a_public_offer_is_on_file(site: PageHarness) -> None:
    federation = site.harness.federation
    assert await note_open_offers(federation)
    await settled(site)
    day = date.fromisoformat(paris_date(federation.clock()))
    assert {day.isoformat(): 0} == await federation.statistics.open_offers(day, day, departments=["35"])


@pytest.mark.parametrize("days", [0, 1, 5, 6])
def test_a_season_says_from_which_day_on_it_is_a_picture(days: int) -> None:
    """Seven days are the first one; today is counted, whether it is on file or not."""
    history = {(_TODAY - timedelta(days=number)).isoformat(): 10 for number in range(1, days + 1)}
    found = season_of(history, _TODAY, 0)
    assert found.begins == (None if days == 6 else _TODAY + timedelta(days=6 - days))
    assert found.since == _TODAY - timedelta(days=days)
    assert found.begins == season_of({**history, _TODAY.isoformat(): 1}, _TODAY, 0).begins


def test_a_map_of_a_region_has_its_departments_alone_and_classes_of_its_own() -> None:
    found = offer_map({"22": 18, "29": 21, "35": 36, "75": 900}, _TODAY, within=["22", "29", "35", "56"])
    assert [("22", 3), ("29", 3), ("35", 5), ("56", 0)] == [(one.code, one.map_class) for one in found.areas]
    assert 101 == len(offer_map({}, _TODAY).areas)
    for most in range(1, 200):
        bounds = [one.least for one in offer_map({"22": most}, _TODAY, within=["22"]).legend]
        assert sorted({one for one in bounds if one is not None}) == [one for one in bounds if one is not None]


def test_the_box_of_a_region_holds_its_departments() -> None:
    """It is that of their points; a Region overseas has an inset of its own."""
    whole = outlines()["mainland"]
    x, y, width, height = map(int, box_of(frozenset(whole["departments"])).split())
    assert -3 <= x < x + width <= whole["width"] + 3
    assert -3 <= y < y + height <= whole["height"] + 3
    left, top, wide, high = map(int, box_of(frozenset({"22", "29", "35", "56"})).split())
    assert x <= left < left + wide < x + width / 3
    assert y < top < top + high < y + height / 2
    assert "" == box_of(frozenset({"974"}))


async def test_the_map_of_a_search_leads_to_its_departments(site: PageHarness) -> None:
    await put(site, "bretagne", documents(site, "bretagne"))
    text = (await get(site, "/offres"))[1]
    linked = re.findall(r'<a href="/offres\?department=(\w+)" tabindex="-1"', text)
    listed = re.findall(r'<a rel="nofollow" href="/offres\?department=(\w+)">', text)
    assert linked
    assert set(listed) == set(linked)


async def test_a_search_has_a_file_of_its_first_twenty_pages(site: PageHarness) -> None:
    """[RTE-016]: of the members that everybody may see; French heads, no number that spreadsheets cut."""
    offers = documents(site, "bretagne")
    offers[0]["redistribution"] = {"mask_employer": True}
    offers[1]["employer"] = {**offers[1]["employer"], "siret": "73282932000074"}
    await put(site, "bretagne", offers)
    text = unescape((await get(site, "/offres?order=title"))[1])
    [address] = re.findall(r'href="(/offres\?[^"]*format=csv)"', text)
    assert "order=title" in address
    answer = await site.client.get(address, headers=HTML)
    body = (await answer.read()).decode("utf-8-sig")
    heads, *rows = csv.reader(body.splitlines(), delimiter=";")
    assert [
        "Identifiant",
        "Offre",
        "Employeur",
        "Ville",
        "Département",
        "Secteur",
        "Niveau",
        "Semaines",
        "Lien",
    ] == heads
    assert sorted(one["id"] for one in offers[1:]) == sorted(row[0] for row in rows)
    assert "73282932000074" not in body
    assert BRETAGNE.platform in rows[0][0]
    assert 400 == (await get(site, "/offres?format=json"))[0]
