"""Acts on a selection over HTTP: one reason, one confirmation, an outcome and an entry for each."""

import re
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from gateway.pages.selection.chosen import MAX_CHOSEN
from gateway.protocol.source_run import Pause, RunOrder, read_run
from gateway.protocol.topic import RUNS
from tests.harness import records_of
from tests.pages.desk import Desk, desk_of, publish
from tests.pages.feeds import FAILING, profile_of
from tests.pages.partner.seeded import OTHER, offers
from tests.pages.signing import OPERATOR, PERSON, SIGNED
from tests.pages.site import PageHarness

pytestmark = pytest.mark.slow

PATH, LIST = "/exploitation/selection", "/exploitation/offre"
REASON = "Ces adresses ne sont pas celles d’un employeur"
SECOND = "bretagne"


@pytest.fixture
async def desk(site: PageHarness) -> Desk:
    """An operator; five offers of each of two platforms; two feeds, which nothing reads."""
    desk = await desk_of(site)
    partners = desk.federation.partners
    await partners.save(OTHER)
    await partners.save(replace(SIGNED, platform=SECOND, name=SECOND, profile=profile_of(SECOND).document))
    for platform in (SIGNED.platform, OTHER.platform):
        await publish(site, offers(site, platform, 5))
    await desk.settled()
    return desk


def ids(desk: Desk) -> list[str]:
    """Some offers of both platforms."""
    return [one["id"] for platform in (SIGNED.platform, OTHER.platform) for one in offers(desk.site, platform, 3)]


def items(page: str) -> list[str]:
    return re.findall(r'name="item" value="([^"]+)"', page)


async def state(desk: Desk, offer_id: str) -> str | None:
    found = await desk.federation.offers.get(offer_id)
    assert found is not None
    return found.known.reason


async def test_ticked_offers_are_moderated_and_lifted_each_with_an_entry(desk: Desk) -> None:
    chosen = ids(desk)
    page = await desk.post(PATH, 200, act="moderate", id=chosen)
    assert "Retirer 6 offres\u202f?" in page
    assert [] == await desk.entries()
    text = await desk.post(PATH, 200, act="moderate", item=items(page), reason=REASON)
    assert "6 offres retirées sur 6" in text
    assert ["moderated"] * 6 == [await state(desk, one) for one in chosen]
    assert [("offer.moderate", one, PERSON, OPERATOR.platform, REASON) for one in chosen] == await desk.acts()
    listed = await desk.get(f"{LIST}?state=moderated")
    assert 6 == listed.count('name="id" value="')
    page = await desk.post(PATH, 200, act="lift", id=chosen[:2])
    assert "2 retraits levés sur 2" in await desk.post(PATH, 200, act="lift", item=items(page), reason="Corrigé")
    assert 8 == len(await desk.entries())
    assert 4 == (await desk.get(f"{LIST}?state=moderated")).count('name="id" value="')


async def test_a_form_that_is_sent_again_does_nothing_twice(desk: Desk) -> None:
    page = await desk.post(PATH, 200, act="moderate", id=ids(desk))
    fields: dict[str, Any] = {"act": "moderate", "item": items(page), "reason": REASON}
    await desk.post(PATH, 200, **fields)
    text = await desk.post(PATH, 200, **fields)
    assert "0 offre retirée sur 6" in text
    assert 6 == text.count("déjà retirée par l’exploitant")
    assert 6 == len(await desk.entries())


async def test_a_partial_outcome_says_which_and_why(desk: Desk) -> None:
    """One offer is changed while the confirmation is open, one was moderated before, one never was."""
    chosen = ids(desk)[:3]
    first = await desk.post(PATH, 200, act="moderate", id=chosen[:1])
    await desk.post(PATH, 200, act="moderate", item=items(first), reason=REASON)
    page = await desk.post(PATH, 200, act="moderate", id=[*chosen, f"{SIGNED.platform}:never"])
    assert "Pour 2 lignes du tableau" in page
    changed = offers(desk.site, SIGNED.platform, 3)[1]
    await publish(desk.site, [{**changed, "revision": 2, "title": "Un titre d’après"}])
    await desk.settled()
    text = await desk.post(PATH, 200, act="moderate", item=items(page), reason=REASON)
    assert "1 offre retirée sur 4" in text
    rows = re.findall(r"<tr role=\"row\">.*?</tr>", text, re.DOTALL)
    for offer_id, why in (
        (chosen[0], "déjà retirée"),
        (chosen[1], "changée entre-temps"),
        (chosen[2], "fait"),
        (f"{SIGNED.platform}:never", "jamais acceptée"),
    ):
        assert [True] == [why in row for row in rows if f"id={quote(offer_id)}" in row], offer_id
    assert ["moderated", None, "moderated"] == [await state(desk, one) for one in chosen]


async def test_more_than_two_hundred_are_refused_with_the_number(desk: Desk) -> None:
    text = await desk.post(PATH, 422, act="moderate", id=[f"occitanie:{number}" for number in range(MAX_CHOSEN + 1)])
    assert "201 lignes choisies\u00a0: c’est trop" in text
    assert "200 lignes au plus" in text
    assert "Rien n’est choisi" in await desk.post(PATH, 422, act="moderate")
    await publish(desk.site, offers(desk.site, SIGNED.platform, MAX_CHOSEN))
    await desk.settled()
    assert "205 lignes choisies" in await desk.post(PATH, 422, every="moderate")
    assert [] == await desk.entries()


async def test_two_hundred_that_a_search_finds_are_moderated(desk: Desk) -> None:
    await publish(desk.site, offers(desk.site, SIGNED.platform, MAX_CHOSEN))
    await desk.settled()
    listed = await desk.get(f"{LIST}?platform={SIGNED.platform}&order=title")
    assert "Retirer les 200 offres trouvées" in listed
    page = await desk.post(PATH, 200, every="moderate", platform=SIGNED.platform, order="title")
    assert MAX_CHOSEN == len(set(items(page)))
    text = await desk.post(PATH, 200, act="moderate", item=items(page), reason=REASON)
    assert "200 offres retirées sur 200" in text
    assert MAX_CHOSEN == len(await desk.entries())


async def test_a_reason_is_one_for_all_and_has_no_contact_data(desk: Desk) -> None:
    page = await desk.post(PATH, 200, act="moderate", id=ids(desk))
    fields: dict[str, Any] = {"act": "moderate", "item": items(page)}
    assert "Donnez un motif" in await desk.post(PATH, 422, **fields, reason=" ")
    text = await desk.post(PATH, 422, **fields, reason="Signalé par personne@example.org")
    assert "Des coordonnées ont été retirées du motif" in text
    assert ">Signalé par […]</textarea>" in text
    assert "example.org" not in text
    assert items(page) == items(text)
    assert [] == await desk.entries()


async def test_feeds_are_paused_resumed_and_run_together(desk: Desk) -> None:
    chosen = [FAILING, SECOND]
    page = await desk.post(PATH, 200, act="pause", id=chosen)
    assert "Suspendre 2 flux\u202f?" in page
    fields: dict[str, Any] = {"act": "pause", "item": items(page), "reason": "Maintenance"}
    assert "2 flux suspendus sur 2" in await desk.post(PATH, 200, **fields)
    assert "0 flux suspendu sur 2" in await desk.post(PATH, 200, **fields)
    page = await desk.post(PATH, 200, act="run", id=chosen)
    run = re.findall(r'name="run" value="([^"]+)"', page)
    assert "0 lecture demandée sur 2" in await desk.post(PATH, 200, act="run", item=items(page), run=run)
    page = await desk.post(PATH, 200, act="resume", id=chosen)
    assert "2 flux repris sur 2" in await desk.post(PATH, 200, act="resume", item=items(page))
    page = await desk.post(PATH, 200, act="run", id=chosen)
    run = re.findall(r'name="run" value="([^"]+)"', page)
    assert "2 lectures demandées sur 2" in await desk.post(PATH, 200, act="run", item=items(page), run=run)
    assert "0 lecture demandée sur 2" in await desk.post(PATH, 200, act="run", item=items(page), run=run)
    found = [read_run(record.key, record.value) for record in await records_of(desk.federation.log, RUNS)]
    assert (4, 2) == (
        sum(isinstance(one, Pause) for one in found),
        sum(isinstance(one, RunOrder) for one in found),
    )
    assert ["feed.pause"] * 2 + ["feed.resume"] * 2 + ["feed.run"] * 2 == [one.act for one in await desk.entries()]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"act": "erase", "id": "occitanie:1"}, 400),
        ({"act": "moderate", "id": "no id"}, 400),
        ({"act": "moderate", "item": "x occitanie:1", "reason": REASON}, 400),
        ({"act": "pause", "id": "inconnue"}, 404),
        ({"every": "pause"}, 400),
        ({"every": "moderate", "sector": "never"}, 400),
        ({"act": "run", "item": f"0 {FAILING}", "run": "x"}, 400),
    ],
)
async def test_a_form_that_no_page_has_does_nothing(desk: Desk, fields: dict[str, str], status: int) -> None:
    await desk.post(PATH, status, **fields)
    assert [] == await desk.entries()


async def test_a_platform_that_has_no_feed_any_more_has_an_outcome_of_its_own(desk: Desk) -> None:
    assert "n’a plus de flux" in await desk.post(PATH, 200, act="pause", id="occitanie")
    assert [] == await desk.entries()


async def test_its_address_leads_to_the_list(desk: Desk) -> None:
    """As the change of language does, which keeps the act."""
    for query, path in (("", LIST), ("?act=run", "/exploitation")):
        assert f'<a class="button main" href="{path}">' in await desk.get(PATH + query)
