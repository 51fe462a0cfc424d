"""The page of any offer over HTTP: found, seen, moderated with a reason for its publisher alone, and lifted."""

import csv
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.api.app import build_app
from gateway.bootstrap.pages import add_site, page_ports
from gateway.pages.site import PageSite, all_pages
from gateway.protocol.journal import Actor
from gateway.protocol.topic import COMMON, JOURNAL, OFFERS, RECEIPTS, SUBMISSIONS
from gateway.store.offer_search import plain
from tests.harness import RELAY, URL, records_of
from tests.pages.desk import Desk, desk_of, publish
from tests.pages.partner.seeded import OTHER, offers
from tests.pages.signing import OPERATOR, PERSON, SIGNED
from tests.pages.site import PageHarness

pytestmark = pytest.mark.slow

PATH = "/exploitation/offre"
REASON = "Cette adresse n’est pas celle d’un employeur"


@pytest.fixture
async def desk(site: PageHarness) -> Desk:
    """An operator; three offers of each of two platforms."""
    desk = await desk_of(site)
    await site.harness.federation.partners.save(OTHER)
    for platform in (SIGNED.platform, OTHER.platform):
        await publish(site, offers(site, platform, 3))
    await desk.settled()
    return desk


@pytest.fixture
def own(desk: Desk) -> dict[str, Any]:
    """An offer of ``SIGNED``."""
    return offers(desk.site, SIGNED.platform, 3)[0]


async def sequence(desk: Desk, offer_id: str) -> int:
    state = await desk.federation.offers.get(offer_id)
    assert state is not None
    return state.known.sequence


async def moderate(desk: Desk, offer_id: str, *, act: str = "moderate", reason: str = REASON, status: int = 303) -> str:
    """Both forms: the second one has what the first one's answer has."""
    page = await desk.post(PATH, 200, id=offer_id, act=act, reason=reason)
    expected = f'name="sequence" value="{await sequence(desk, offer_id)}"'
    assert expected in page
    return await desk.post(PATH, status, id=offer_id, act=act, reason=reason, sequence=await sequence(desk, offer_id))


async def platform_page(desk: Desk, offer_id: str) -> str:
    """The page of its publisher, with the publisher's session."""
    answer = await desk.site.client.get(f"/plateforme/offre?id={quote(offer_id)}", headers={"Accept": "text/html"})
    return await answer.text()


async def test_an_offer_is_moderated_and_lifted_and_its_publisher_reads_why(desk: Desk, own: dict[str, Any]) -> None:
    """WDR-007: page and receipt of the publisher; the journal has the person, the client, the reason."""
    offer_id = own["id"]
    text = await moderate(desk, offer_id)
    assert "L’offre est retirée" in text
    assert "retirée par l’exploitant" in text
    assert f"{PERSON} ({OPERATOR.platform})" in text
    assert f"Motif\u00a0: {REASON}" in await platform_page(desk, offer_id)
    headers = {"Authorization": f"Bearer {SIGNED.platform}"}
    answer = await desk.site.client.get(f"/v1/receipts?id={quote(offer_id)}&order=newest&limit=1", headers=headers)
    assert {"action": "moderate", "reason": REASON} == (await answer.json())["receipts"][0]["moderation"]
    text = await moderate(desk, offer_id, act="lift", reason="Adresse corrigée")
    assert "Le retrait est levé" in text
    page = await platform_page(desk, offer_id)
    assert "Retrait levé par l’exploitant" in page
    assert "Motif\u00a0: Adresse corrigée" in page
    names = desk.federation.acts.names.state
    assert [
        ("offer.moderate", offer_id, PERSON, OPERATOR.platform, REASON),
        ("offer.lift", offer_id, PERSON, OPERATOR.platform, "Adresse corrigée"),
    ] == [(one.act, one.about, names[one.person or ""].name, one.client, one.why) for one in await desk.entries()]


async def test_a_removal_that_others_read_has_no_reason(desk: Desk, own: dict[str, Any]) -> None:
    """WDR-007, FEED-008: neither the topic of offers nor the feed of another platform."""
    headers = {"Authorization": f"Bearer {OTHER.platform}"}
    before = await (await desk.site.client.get("/v1/changes?territory=all", headers=headers)).json()
    await moderate(desk, own["id"])
    after = await desk.site.client.get(f"/v1/changes?territory=all&cursor={before['cursor']}", headers=headers)
    changes = await after.text()
    assert own["id"] in changes
    assert "employeur" not in changes
    written = {topic.name: await records_of(desk.federation.log, topic.name) for topic in COMMON}
    assert {SUBMISSIONS, RECEIPTS, JOURNAL} == {
        name for name, found in written.items() if any(REASON.encode() in (one.value or b"") for one in found)
    }


async def test_contact_data_is_removed_from_a_reason_and_that_is_said_before_the_act(
    desk: Desk, own: dict[str, Any]
) -> None:
    typed = "Signalé par personne@example.org,\r\n06 12 34 56 78"
    text = await desk.post(PATH, 200, id=own["id"], act="moderate", reason=typed)
    assert "Des coordonnées ont été retirées du motif" in text
    assert 'name="reason" value="Signalé par […],\n[…]"' in text
    assert "example.org" not in text
    assert [] == await desk.entries()
    await moderate(desk, own["id"], reason=typed)
    assert ["Signalé par […],\n[…]"] == [one.why for one in await desk.entries()]
    plain = await desk.post(
        PATH, 200, id=offers(desk.site, SIGNED.platform, 3)[1]["id"], act="moderate", reason="é\r\nè"
    )
    assert "Des coordonnées" not in plain


async def test_asked_twice_it_says_who_did_it_and_writes_nothing(desk: Desk, own: dict[str, Any]) -> None:
    """The same form again, and a new one."""
    fields = {"id": own["id"], "act": "moderate", "reason": REASON, "sequence": await sequence(desk, own["id"])}
    await desk.post(PATH, **fields)
    for again in (fields, {**fields, "sequence": ""}):
        text = await desk.post(PATH, 409, **again)
        assert "Cette offre est déjà retirée" in text
        assert PERSON in text
        assert REASON in text
    await moderate(desk, own["id"], act="lift")
    assert "n’est pas retirée" in await desk.post(PATH, 409, **{**fields, "act": "lift"})
    assert ["offer.moderate", "offer.lift"] == [one.act for one in await desk.entries()]


async def test_what_changed_since_it_was_displayed_is_not_moderated(desk: Desk, own: dict[str, Any]) -> None:
    before = await sequence(desk, own["id"])
    await publish(desk.site, [{**own, "revision": 2, "title": "Un titre d’après"}])
    await desk.settled()
    text = await desk.post(PATH, 409, id=own["id"], act="moderate", reason=REASON, sequence=before)
    assert "L’offre a changé entre-temps" in text
    assert [] == await desk.entries()
    state = await desk.federation.offers.get(own["id"])
    assert state is not None
    assert state.known.published


async def test_a_moderation_needs_a_reason(desk: Desk, own: dict[str, Any]) -> None:
    for reason in ("", " \r\n ", "a\x07b", "x" * 1_001):
        for act in ("moderate", "lift"):
            await desk.post(PATH, 422, id=own["id"], act=act, reason=reason, sequence=await sequence(desk, own["id"]))
    assert [] == await desk.entries()


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"act": "erase"}, 400),
        ({"sequence": "-1"}, 400),
        ({"sequence": "²"}, 400),
        ({"id": "occitanie:never"}, 404),
        ({"id": "no id"}, 404),
        ({"id": ""}, 404),
    ],
)
async def test_a_malformed_form_does_nothing(
    desk: Desk, own: dict[str, Any], fields: dict[str, str], status: int
) -> None:
    await desk.post(PATH, status, **{"id": own["id"], "act": "moderate", "reason": REASON, **fields})
    assert [] == await desk.entries()


@asynccontextmanager
async def impatient(desk: Desk) -> AsyncIterator[Desk]:
    """The same gateway, whose forms wait for a decision only a moment."""
    ports = page_ports(desk.site.harness.settings, desk.federation, URL)
    ports = replace(ports, decision_seconds=0.05)
    app = build_app(desk.site.harness.context())
    add_site(app, PageSite(all_pages(ports), public_url=URL, door=ports.door))
    async with TestClient(TestServer(app)) as client:
        site = PageHarness(desk.site.harness, app, client)
        yield Desk(site, desk.headers["Cookie"])


async def test_what_is_not_decided_in_time_is_said_to_be_queued(desk: Desk, own: dict[str, Any]) -> None:
    """Without a relay; it is decided when one goes on."""
    async with impatient(desk) as hasty:
        await desk.site.harness.stop(RELAY)
        text = await moderate(hasty, own["id"], status=202)
        assert "Pas encore décidé" in text
        assert ["offer.moderate"] == [one.act for one in await desk.entries()]
        before = await desk.federation.log.ends(OFFERS)
        desk.site.harness.start(RELAY)
        while before == await desk.federation.log.ends(OFFERS):
            await desk.federation.receipts.moved(desk.federation.receipts.positions, 1)
        await desk.settled()
        assert "retirée par l’exploitant" in await desk.get(f"{PATH}?id={quote(own['id'])}")


async def test_any_offer_is_found_by_text_town_platform_and_id(desk: Desk, own: dict[str, Any]) -> None:
    """Of every platform; a withdrawn one by its id."""
    everything = await desk.get(PATH)
    assert 6 == everything.count("<small>occitanie:") + everything.count("<small>normandie:")
    assert 3 == (await desk.get(f"{PATH}?platform=normandie")).count("<small>normandie:")
    assert f"<small>{own['id']}</small>" in await desk.get(f"{PATH}?q={quote(own['title'].upper())}")
    await moderate(desk, own["id"])
    found = await desk.get(f"{PATH}?q={quote(own['id'])}")
    assert "retirée par l’exploitant" in found
    assert "Aucune offre ne correspond" in await desk.get(f"{PATH}?q=zzzzz")
    for wrong in ("page=x", "page=0", "page=21", "platform=never", "order=never", "department=never", "sector=x"):
        await desk.get(f"{PATH}?{wrong}", 400)


async def test_a_list_goes_on_over_the_platforms(desk: Desk) -> None:
    """Pages of fifty, each offer once."""
    await publish(desk.site, offers(desk.site, SIGNED.platform, 60))
    await desk.settled()
    seen: list[str] = []
    path: str | None = PATH
    while path is not None:
        text = await desk.get(path)
        seen += [line.partition("</small>")[0] for line in text.split("<small>")[1:]]
        following = re.findall(r'rel="next" href="([^"]+)"', text)
        path = following[0] if following else None
    assert (63, 63) == (len(seen), len(set(seen)))
    assert ">63 offres<" in await desk.get(PATH)


async def test_a_list_is_filtered_put_in_an_order_and_downloaded(desk: Desk) -> None:
    """The file has all of the filter, whatever the page; French heads; a cell that begins like a formula is a text."""
    documents = offers(desk.site, SIGNED.platform, 60)
    documents[9]["title"] = "=1+1"
    await publish(desk.site, documents)
    await desk.settled()
    titles = sorted(plain(one["title"]) for one in documents)
    listed = await desk.get(f"{PATH}?platform={SIGNED.platform}&order=title")
    assert ">60 offres<" in listed
    names = re.findall(r'href="/exploitation/offre\?id=[^"]+">([^<]+)<', listed)
    assert titles[:50] == [plain(name) for name in names]
    sector = documents[1]["sector"]
    expected = sorted(one["id"] for one in documents if one["sector"] == sector)
    some = await desk.get(f"{PATH}?platform={SIGNED.platform}&sector={sector}")
    assert expected == sorted(re.findall(r"<small>(occitanie:[^<]+)</small>", some))
    answer = await desk.site.client.get(f"{PATH}?platform={SIGNED.platform}&format=csv", headers=desk.headers)
    heads, *rows = csv.reader((await answer.read()).decode("utf-8-sig").splitlines(), delimiter=";")
    assert ["Identifiant", "Offre", "Employeur"] == heads[:3]
    assert sorted(one["id"] for one in documents) == sorted(row[0] for row in rows)
    assert ["'=1+1"] == [row[1] for row in rows if row[0] == documents[9]["id"]]


async def test_an_offer_is_displayed_whole_with_its_history(desk: Desk, own: dict[str, Any]) -> None:
    text = await desk.get(f"{PATH}?id={quote(own['id'])}")
    for part in (own["title"], own["employer"]["name"], own["location"]["city"], "Acceptée et publiée", "Révision 1"):
        assert part in text
    assert f'"id": "{own["id"]}"' in text
    for unknown in ("occitanie:never", "a b", "é:é"):
        missing = await desk.get(f"{PATH}?id={quote(unknown)}", 404)
        assert (True, True) == (f"ne porte l’identifiant {unknown}" in missing, 'name="q"' in missing)


async def test_a_name_that_was_erased_is_said_to_be_so(desk: Desk, own: dict[str, Any]) -> None:
    await moderate(desk, own["id"])
    await desk.federation.acts.erase_name(PERSON, Actor(client=OPERATOR.platform))
    text = (await desk.get(f"{PATH}?id={quote(own['id'])}")).partition("<main")[2]
    assert "nom effacé" in text
    assert PERSON not in text
