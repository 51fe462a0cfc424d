"""The pages of public offers, over HTTP: who sees what, and when."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from demo.generator import generate
from gateway.partners.onboarding import DEFAULT_SCOPES
from gateway.protocol.paris_time import paris_date
from gateway.protocol.partner import Partner, PublicAgreement
from tests.harness import until
from tests.pages.partner.seeded import publish
from tests.pages.site import PageHarness, opened

CANARY = "zanzibar"
OFFERS = 60
BRETAGNE = Partner(platform="bretagne", name="Bretagne – IDÉO", scopes=DEFAULT_SCOPES)
NORMANDIE = Partner(platform="normandie", name="Normandie", scopes=DEFAULT_SCOPES)
HTML = {"Accept": "text/html", "Accept-Language": "fr"}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[PageHarness]:
    """Bretagne agrees, Normandie does not."""
    async with opened(tmp_path) as site:
        site.client.session.headers.pop("Cookie", None)
        partners = site.harness.federation.partners
        await partners.save(replace(BRETAGNE, public=PublicAgreement(since="2020-01-01", agreement="1")))
        await partners.save(NORMANDIE)
        yield site


def documents(site: PageHarness, slug: str) -> list[dict[str, Any]]:
    today = date.fromisoformat(paris_date(site.harness.federation.clock()))
    found = [dict(one.document) for one in generate(3, slug, OFFERS, today, wrong=0)]
    for one in found:
        one.pop("redistribution", None)
        one.pop("restrictions", None)
    return found


async def put(site: PageHarness, slug: str, offers: list[dict[str, Any]]) -> None:
    await publish(site, slug, offers)
    federation = site.harness.federation
    assert await federation.offers.reached(await federation.log.ends("offers"), 10)


async def get(site: PageHarness, path: str) -> tuple[int, str]:
    answer = await site.client.get(path, headers=HTML)
    return answer.status, await answer.text()


async def test_an_offer_is_listed_and_has_a_page(site: PageHarness) -> None:
    offers = documents(site, "bretagne")
    await put(site, "bretagne", offers)
    status, text = await get(site, "/offres")
    assert 200 == status
    assert f"{OFFERS} offres" in text
    assert "Page 1 sur 2" in text
    assert '<details class="more" id="criteria">' in text, "words, department and level come first"
    assert '<details class="more" id="criteria" open>' in (await get(site, "/offres?sector=s1"))[1]
    assert 'data-label="Niveau"' in text
    assert "noindex" in (await site.client.get("/offres", headers=HTML)).headers["X-Robots-Tag"]
    status, text = await get(site, f"/offres/{offers[0]['id']}")
    assert 200 == status
    assert offers[0]["employer"]["name"].replace("&", "&amp;").replace("'", "&#39;") in text
    assert f'href="/en/offers/{offers[0]["id"]}"' in text
    status, text = await get(site, f"/en/offers/{offers[0]['id']}")
    assert (200, True) == (status, "Report this offer" in text)


async def test_what_is_not_public_is_in_no_byte(site: PageHarness) -> None:
    """[RTE-015] [RTE-016]: neither listed nor found, nor counted."""
    hidden = documents(site, "bretagne")[:4]
    wishes: tuple[dict[str, Any], ...] = (
        {"redistribution": {"mask_employer": True}},
        {"redistribution": {"national": False}},
        {"restrictions": {"qpv": True}},
        {"restrictions": {"schools": ["0750655E"]}},
    )
    for one, wish in zip(hidden, wishes, strict=True):
        one |= {"title": f"Atelier {CANARY}", **wish}
    unagreed = documents(site, "normandie")[:1]
    unagreed[0]["title"] = f"Atelier {CANARY}"
    listed = documents(site, "bretagne")[4:5]
    listed[0]["employer"] = {**listed[0]["employer"], "siret": "73282932000074", "website": f"https://{CANARY}.example"}
    listed[0]["location"] = {**listed[0]["location"], "street": f"1 rue {CANARY}"}
    await put(site, "bretagne", [*hidden, *listed])
    await put(site, "normandie", unagreed)
    for path in ("/offres", f"/offres?q={CANARY}", "/en/offers", "/", f"/offres/{listed[0]['id']}"):
        status, text = await get(site, path)
        assert 200 == status
        assert CANARY not in text.replace(f'value="{CANARY}"', "").replace(f"q={CANARY}", "")
    empty = (await get(site, f"/offres?q={CANARY}"))[1]
    assert '<a href="/offres">Effacer les filtres</a>' in empty
    assert "Élargissez la recherche. Cherchez aussi sur" in empty.replace("\u00a0", " ")
    never = await get(site, "/offres/bretagne:never")
    assert 404 == never[0]
    assert '<a class="button main" href="/offres">Chercher une autre offre</a>' in never[1]
    for one in (*hidden, *unagreed):
        assert never == await get(site, f"/offres/{one['id']}")


async def test_what_has_ended_is_as_what_never_was(site: PageHarness) -> None:
    """[RTE-015]: withdrawn, or its agreement ended: the same bytes, on the next request."""
    offers = documents(site, "bretagne")[:2]
    await put(site, "bretagne", offers)
    never = await get(site, "/offres/bretagne:never")
    one, other = (f"/offres/{offer['id']}" for offer in offers)
    headers = {"Authorization": "Bearer bretagne", "Prefer": "wait=20"}
    assert 200 == (await get(site, one))[0]
    answer = await site.client.delete(f"/v1/offers/{offers[0]['id']}?revision=99999999", headers=headers)
    assert 200 <= answer.status < 300, await answer.text()

    async def is_gone(path: str) -> bool:
        return never == await get(site, path)

    await until(lambda: is_gone(one), seconds=10)
    assert 200 == (await get(site, other))[0]
    await site.harness.federation.partners.change("bretagne", lambda present: replace(present or BRETAGNE, public=None))
    assert never == await get(site, other)
    assert "Aucune plateforme n’ouvre encore" in (await get(site, "/offres"))[1]


@pytest.mark.parametrize(
    "query", ["page=0", "page=21", "page=x", "order=none", "department=zz", "sector=s99", "level=terminale", "page="]
)
async def test_an_unknown_value_is_refused(site: PageHarness, query: str) -> None:
    assert 400 == (await get(site, f"/offres?{query}"))[0]


async def test_filters_and_order_are_kept_by_the_pager_and_by_the_language(site: PageHarness) -> None:
    await put(site, "bretagne", documents(site, "bretagne"))
    _, text = await get(site, "/offres?order=title&page=2&other=1")
    assert "/offres?order=title&amp;page=1" in text
    assert "/en/offers?order=title&amp;page=2" in text
    assert "other=1" not in text
    _, text = await get(site, "/en/offers?level=seconde&department=35")
    assert re.search(
        r'<h2 id="found-heading">\d+ offers? – <span lang="fr">Ille-et-Vilaine</span>, <span lang="fr">seconde', text
    )


async def test_many_search_at_once(site: PageHarness) -> None:
    await put(site, "bretagne", documents(site, "bretagne"))
    answers = await asyncio.gather(*(get(site, f"/offres?q=a&page={1 + number % 2}") for number in range(20)))
    assert {200, 429, 503} >= {status for status, _ in answers}
    assert 200 in {status for status, _ in answers}


async def test_the_home_page_says_how_many_of_the_live_offers_everybody_may_read(site: PageHarness) -> None:
    """Its number is that of the list, to which it leads."""
    offers = documents(site, "bretagne")
    offers[0]["redistribution"] = {"mask_employer": True}
    await put(site, "bretagne", offers)
    await put(site, "normandie", documents(site, "normandie"))
    home = unescape((await get(site, "/"))[1])
    assert f"<b>{2 * OFFERS}</b>" in home
    assert f'offres en ligne, <a href="/offres">dont {OFFERS - 1} ouvertes à tous</a>' in home
    assert re.search(r'<a href="/departements/(22|29|35|56)" tabindex="-1"', home)
    assert f">{OFFERS - 1} offres</h2>" in (await get(site, "/offres"))[1]


async def test_the_home_page_without_public_offers_leads_to_the_platforms(site: PageHarness) -> None:
    await put(site, "normandie", documents(site, "normandie"))
    home = unescape((await get(site, "/"))[1])
    assert "Les offres se trouvent sur la plateforme de votre Région" in home
    assert "ouvertes à tous" not in home


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        ("stages@region.example", r"mailto:stages@region\.example\?subject=Signalement%20de%20l%E2%80%99offre%20breta"),
        ("https://region.example/contact", r"https://region\.example/contact\""),
        (None, r"https://stages\.ideo\.bretagne\.bzh/\""),
    ],
)
async def test_an_offer_is_reported_where_somebody_reads_it(tmp_path: Path, contact: str | None, expected: str) -> None:
    """At the operator's contact, and without one at the site that has the offer, never at a page without an address."""
    async with opened(tmp_path, contact=contact) as site:
        agreed = replace(BRETAGNE, public=PublicAgreement(since="2020-01-01", agreement="1"))
        await site.harness.federation.partners.save(agreed)
        offers = documents(site, "bretagne")[:1]
        await put(site, "bretagne", offers)
        text = (await get(site, f"/offres/{offers[0]['id']}"))[1]
        assert re.search(f'<a href="{expected}[^>]*>Signaler cette offre', text)
        help_page = (await get(site, "/aide"))[1]
        assert ("n’a pas encore donné d’adresse" in help_page) == (contact is None)
