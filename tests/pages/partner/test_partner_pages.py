"""The pages of a platform over HTTP: its own offers, deliveries, keys and figures, and nothing of another's."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from html import unescape
from urllib.parse import quote, unquote, urlsplit

import orjson
import pytest

from gateway.partners.credential import matching_secret, mint_secret
from gateway.protocol.paris_time import paris_date
from gateway.protocol.partner import PublicAgreement
from gateway.protocol.refused_offers import REFUSED
from schemas.rulebook import LANGUAGES, Language
from tests.harness import URL
from tests.pages.feeds import PAUSED, WAITING, add_feeds
from tests.pages.partner.seeded import (
    CANARY,
    HTML,
    OTHER,
    OTHERS_COUNT_DISPLAYED,
    moderate,
    offers,
    publish,
    seed,
    settled,
)
from tests.pages.signing import OPERATOR, SIGNED, cookie_of
from tests.pages.site import PageHarness

pytestmark = pytest.mark.slow

_HREF = re.compile(r'(?:href|action)="(/[^"]*)"')
_TOKEN = re.compile(r'name="token" value="([^"]+)"')
_KNOWN = re.compile(r'name="known" value="([^"]*)"')
OWN = {**HTML, "Origin": URL}
START: Mapping[Language, str] = {"fr": "/plateforme", "en": "/en/platform"}


async def text_of(site: PageHarness, path: str, status: int = 200) -> str:
    answer = await site.client.get(path, headers=HTML)
    assert status == answer.status, path
    return unescape(await answer.text())


@pytest.mark.parametrize("language", LANGUAGES)
async def test_nothing_of_another_platform_is_on_any_page_that_links_lead_to(
    site: PageHarness, language: Language
) -> None:
    """[SEC-014]: a crawler with a session follows every link of the area, with and without a search."""
    await seed(site)
    start = START[language]
    found, waiting = dict[str, str](), [start, f"{start}/offres?q={CANARY}", f"{start}/offers?q={CANARY}"]
    while waiting:
        path = waiting.pop()
        if path in found or not urlsplit(path).path.startswith(start):
            continue
        answer = await site.client.get(path, headers=HTML)
        found[path] = unescape(await answer.text())
        waiting += [unescape(one) for one in _HREF.findall(found[path])]
    assert len(found) > 15
    texts = {path: text.replace(f"q={CANARY}", "").replace(f'value="{CANARY}"', "") for path, text in found.items()}
    for path, text in texts.items():
        assert CANARY not in text, path
        assert OTHERS_COUNT_DISPLAYED.search(text) is None, path
        assert OTHER.name not in text, path


@pytest.mark.parametrize("name", [f"{OTHER.platform}:{CANARY}-0", "normandie:never", "occitanie:never", "a b", "é:é"])
async def test_an_offer_of_another_platform_is_as_one_that_never_was(site: PageHarness, name: str) -> None:
    await seed(site)
    text = await text_of(site, f"/plateforme/offre?id={quote(name)}", 404)
    assert CANARY not in text.replace(f"?id={name}", ""), "in its own address alone"
    assert "Aucune de vos offres ne porte cet identifiant" in text, "the id is not repeated"
    assert 'name="q"' in text


@pytest.mark.parametrize(
    ("language", "phrase"), [("fr", "L’exploitant a suspendu la lecture de votre flux"), ("en", "paused your feed on")]
)
async def test_today_says_that_the_feed_is_paused(site: PageHarness, language: Language, phrase: str) -> None:
    federation = site.harness.federation
    await add_feeds(federation.log, federation.partners, now=federation.clock())
    await settled(site)
    cookies = {one: await cookie_of(federation, one) for one in (PAUSED, WAITING)}
    pages = {
        one: unescape(await (await site.client.get(START[language], headers={**HTML, "Cookie": cookie})).text())
        for one, cookie in cookies.items()
    }
    assert {PAUSED: True, WAITING: False} == {one: phrase in text for one, text in pages.items()}


async def test_today_names_what_needs_the_platform(site: PageHarness) -> None:
    await seed(site)
    text = await text_of(site, "/plateforme")
    assert "<h1>Aujourd’hui\u00a0: 3 choses vous attendent</h1>" in text
    assert "12 offres refusées en sept jours pour la même raison" in text
    axis = text.partition('<p class="axis">')[2].partition("</p>")[0]
    assert ["1er\u00a0novembre", "16\u00a0novembre", "30\u00a0novembre"] == re.findall(r"<span>([^<]+)</span>", axis)
    assert "Une offre refusée par le site national" in text
    assert "Une offre que le site national ne prend pas" in text
    assert "<b>8</b>" in text


def section(text: str, heading: str) -> str:
    """From a heading to the end of its section."""
    return text.partition(heading)[2].partition("</section>")[0]


async def test_today_names_the_offers_that_the_operator_withdrew_and_gave_back(site: PageHarness) -> None:
    """WDR-007, SEC-014: the day, the reason, a link; never who did it, and nothing of another platform."""
    ids = await seed(site)
    assert "Retraits par l’exploitant" not in await text_of(site, "/plateforme")
    for offer_id in ids[4:7]:
        await moderate(site, offer_id, "moderate", f"Adresse fausse de {offer_id}")
    await moderate(site, ids[5], "lift")
    await moderate(site, ids[6], "lift", "Adresse corrigée")
    again = {**offers(site, SIGNED.platform, 8)[6], "revision": 7}
    await publish(site, SIGNED.platform, [again])
    await settled(site)
    text = await text_of(site, "/plateforme")
    assert "Une offre retirée par l’exploitant" in text
    assert "Une offre dont le retrait est levé attend d’être publiée à nouveau" in text
    assert '<a href="#moderations">' in text
    found = section(text, 'id="moderations"')
    assert set(ids[4:7]) == {unquote(one) for one in re.findall(r'href="/plateforme/offre\?id=([^"]+)"', found)}
    rows = [row for row in found.split("<tr")[2:] if row]
    assert [f"Adresse fausse de {offer_id}" in row for offer_id, row in zip((ids[4], *ids[6:4:-1]), rows, strict=True)]
    assert ["<strong>retirée par l’exploitant", "en ligne", "<strong>retrait levé"] == [
        re.findall(r"<strong>[^<]+|en ligne", row)[0] for row in rows
    ]
    assert "Motif\u00a0: Adresse corrigée" in rows[1]
    assert "30\u00a0novembre\u00a02026" in rows[0]
    for one in (OPERATOR.platform, OPERATOR.name, CANARY, OTHER.platform):
        assert one not in found
    english = section(await text_of(site, "/en/platform"), 'id="moderations"')
    assert "<strong>withdrawal lifted</strong></span>, not published again yet" in english


async def test_an_offer_whose_moderation_was_lifted_is_not_called_absent(site: PageHarness) -> None:
    """On its page, in the search and on the operator's page; the publication that follows is one."""
    ids = await seed(site)
    await moderate(site, ids[4], "moderate", "Adresse fausse")
    await moderate(site, ids[4], "lift")
    await settled(site)
    path = f"/plateforme/offre?id={quote(ids[4])}"
    text = await text_of(site, path)
    assert "<strong>retrait levé</strong></span>, pas encore publiée à nouveau" in text
    assert "<strong>Retrait levé par l’exploitant</strong>" in text
    assert "absente" not in text
    assert "hors ligne" in await text_of(site, f"/plateforme/offres?q={quote(ids[4])}")
    headers = {**HTML, "Cookie": await cookie_of(site.harness.federation, OPERATOR.platform)}
    answer = await site.client.get(f"/exploitation/offre?id={quote(ids[4])}", headers=headers)
    assert "<strong>retrait levé</strong></span>, pas encore publiée à nouveau" in unescape(await answer.text())
    await publish(site, SIGNED.platform, [{**offers(site, SIGNED.platform, 8)[4], "revision": 7}])
    await settled(site)
    text = await text_of(site, path)
    assert "en ligne" in text
    assert "Acceptée et publiée" == re.findall(r"<strong>([^<]+)</strong>", text.partition('class="timeline"')[2])[1]


async def test_an_offer_that_was_refused_at_the_door_is_found_with_the_field_at_fault(site: PageHarness) -> None:
    """From what is to do and from the statistics to the page of an offer that was never accepted (PUB-003)."""
    await seed(site)
    headers = {"Authorization": f"Bearer {SIGNED.platform}"}
    blank = {**offers(site, SIGNED.platform, 1)[0], "id": "occitanie:blank", "title": " "}
    for _ in range(2):
        assert 422 == (await site.client.put("/v1/offers/occitanie:blank", json=blank, headers=headers)).status
    unnamed = {**blank, "id": "a b"}
    assert 422 == (await site.client.post("/v1/offers/batch", json=[unnamed], headers=headers)).status
    await site.harness.federation.refusals.flush()
    await settled(site)
    todo = section(await text_of(site, "/plateforme"), 'id="todo-heading"')
    assert '<a href="/plateforme/offre?id=occitanie%3Ablank">occitanie:blank</a> (<code>/title</code>)' in todo
    assert "élément 1 d’un envoi, sans identifiant de sa plateforme (<code>/title</code>)" in todo
    listed = section(await text_of(site, "/plateforme/statistiques"), 'id="newest-heading"')
    assert listed.count("<code>/title</code>") == 2
    assert "Texte vide." in listed
    by_rule = section(await text_of(site, "/plateforme/statistiques"), 'id="rules-heading"')
    assert "<small>Champ en cause\u00a0: <code>/title</code></small>" in by_rule
    assert "<small>Champ en cause\u00a0: <code>/weeks</code></small>" in by_rule
    for path in ("offre?id=occitanie:blank", "offres?q=occitanie:blank", "offres?q=blank&state=gone"):
        text = await text_of(site, f"/plateforme/{path}")
        assert "Refusée dès sa réception" in text
    assert '"/plateforme/statistiques#newest-heading"' in text
    operator = {**HTML, "Cookie": await cookie_of(site.harness.federation, OPERATOR.platform)}
    found = await site.client.get("/exploitation/offre?q=occitanie:blank", headers=operator)
    assert "id=occitanie:blank" in unquote(str(found.url))
    assert "<code>/title</code>" in text


async def test_offers_are_searched_by_title_town_and_id(site: PageHarness) -> None:
    ids = await seed(site)
    assert 8 == (await text_of(site, "/plateforme/offres")).count("<small>occitanie:")
    assert 8 == (await text_of(site, "/en/platform/offers")).count('" lang="fr">')
    by_title = await text_of(site, f"/plateforme/offres?q={quote('UN TITRE d’après')}")
    assert [ids[0]] == re.findall(r"<small>(occitanie:[^<]+)</small>", by_title)
    for query in (ids[3], ids[3].partition(":")[2]):
        found = await text_of(site, f"/plateforme/offres?q={quote(query)}")
        assert f"<small>{ids[3]}</small>" in found
    assert "Aucune offre ne correspond" in await text_of(site, "/plateforme/offres?q=zzzzz")
    for wrong in ("-1", "x", "9" * 30, "²"):
        await text_of(site, f"/plateforme/offres?page={quote(wrong)}", 400)
    answer = await site.client.get("/plateforme/offres?format=csv", headers=HTML)
    text = (await answer.read()).decode("utf-8-sig")
    assert (9, True) == (len(text.splitlines()), CANARY not in text)


async def test_the_counts_of_pages_are_those_of_the_api(site: PageHarness) -> None:
    """Live offers, offers refused in thirty days, and the list of offers."""
    await seed(site)
    headers = {"Authorization": f"Bearer {SIGNED.platform}"}
    answer = await site.client.get("/v1/platforms", headers=headers)
    live = next(one["live"] for one in (await answer.json())["platforms"] if one["platform"] == SIGNED.platform)
    today = paris_date(site.harness.federation.clock())
    query = f"from={date.fromisoformat(today) - timedelta(days=29)}&to={today}&group=verdict"
    counts = (await (await site.client.get(f"/v1/statistics?{query}", headers=headers)).json())["statistics"]
    refused = sum(one.get("offers", one["count"]) for one in counts if one["verdict"] in REFUSED)
    text = await text_of(site, "/plateforme")
    assert [str(live), str(refused)] == re.findall(r"<b>([0-9]+)</b>", section(text, 'class="facts"'))[:2]
    assert f">{live} offres<" in await text_of(site, "/plateforme/offres")


async def test_the_history_of_an_offer_has_every_step(site: PageHarness) -> None:
    """From its receipts to the national site and its last day; then its withdrawal."""
    ids = await seed(site)
    path = f"/plateforme/offre?id={quote(ids[0])}"
    steps = [
        "Acceptée et publiée",
        "Modifiée et acceptée",
        "Transmise au site national, visible",
        "Fin d’affichage prévue",
    ]
    text = await text_of(site, path)
    assert steps[::-1] == re.findall(r"<strong>([^<]+)</strong>", text.partition('class="timeline"')[2])
    assert "Révision 2" in text
    document = offers(site, SIGNED.platform, 1)[0]
    assert f"<dt>Employeur</dt><dd>{document['employer']['name']}</dd>" in text
    answer = await site.client.delete(
        f"/v1/offers/{ids[0]}?revision=3&reason=filled",
        headers={"Authorization": f"Bearer {SIGNED.platform}", "Prefer": "wait=20"},
    )
    assert answer.status < 300, await answer.text()
    federation = site.harness.federation
    for topic in ("offers", "receipts"):
        assert await federation.views[topic].reached(await federation.log.ends(topic), 10)
    text = await text_of(site, path)
    assert "Retirée\u00a0: pourvue" in text
    assert "Fin d’affichage prévue" not in text
    assert "pourvue" in await text_of(site, f"/plateforme/offres?q={quote(ids[0])}")


async def test_deliveries_are_listed_by_state_with_their_reason(site: PageHarness) -> None:
    ids = await seed(site)
    refused = await text_of(site, "/plateforme/remises?state=refused")
    assert f"</a> <small>{ids[1]}</small>" in refused, "beside the title"
    assert "Sans description" in refused
    assert [False] * 3 == [one in refused for one in (ids[0], *ids[2:4])]
    await text_of(site, "/plateforme/remises?state=nothing", 400)
    answer = await site.client.get("/plateforme/remises?state=refused&format=csv", headers=HTML)
    heads, row = (await answer.read()).decode("utf-8-sig").splitlines()
    assert (4, ids[1], True) == (len(heads.split(";")), row.split(";")[0], "Employeur sans description" in row)


async def test_a_form_that_is_sent_again_makes_no_second_secret(site: PageHarness) -> None:
    """A new one is displayed once; the former is valid for a week more, or ends at once; the own session goes on."""
    federation = site.harness.federation
    first = mint_secret(now=federation.clock(), entropy=lambda size: b"x" * size)
    await federation.partners.change(SIGNED.platform, lambda one: replace(one or SIGNED, secrets=(first.kept,)))
    page = await text_of(site, "/plateforme/cles")
    data = {"token": _TOKEN.findall(page)[0], "known": _KNOWN.findall(page)[0], "overlap": "days"}
    answer = await site.client.post("/plateforme/cles", data=data, headers=OWN)
    text = await answer.text()
    second = re.findall(r"<code>(passerelle_[^<]+)</code>", text)[0]
    assert "no-store" == answer.headers["Cache-Control"]
    assert [True, True] == [_opens(site, one) for one in (first.text, second)]
    again = await site.client.post("/plateforme/cles", data=data, headers=OWN)
    assert (409, False) == (again.status, "passerelle_" in await again.text())
    page = await text_of(site, "/plateforme/cles")
    assert second not in page
    cookie = {**OWN, "Cookie": answer.headers["Set-Cookie"].partition(";")[0]}
    data |= {"known": _KNOWN.findall(page)[0], "overlap": "at-once"}
    answer = await site.client.post("/plateforme/cles", data=data, headers=cookie)
    third = re.findall(r"<code>(passerelle_[^<]+)</code>", await answer.text())[0]
    assert [False, False, True] == [_opens(site, one) for one in (first.text, second, third)]
    after = {**HTML, "Cookie": answer.headers["Set-Cookie"].partition(";")[0]}
    assert 200 == (await site.client.get("/plateforme", headers=after)).status
    assert 401 == (await site.client.get("/plateforme", headers=cookie)).status


@pytest.mark.parametrize("named", [{}, {"known": ""}])
async def test_a_platform_without_a_secret_gives_itself_none(site: PageHarness, named: Mapping[str, str]) -> None:
    """It proves itself by its own keys: a session is no way to a credential that the operator has not given."""
    federation = site.harness.federation
    keyed = await federation.partners.change(
        SIGNED.platform, lambda one: replace(one or SIGNED, secrets=(), issuer="https://idp.bretagne.example")
    )
    data = {"token": _TOKEN.findall(await text_of(site, "/plateforme"))[0], "overlap": "days", **named}
    answer = await site.client.post("/plateforme/cles", data=data, headers=OWN)
    assert (409, False) == (answer.status, "passerelle_" in await answer.text())
    assert keyed == federation.partners.get(SIGNED.platform)


async def test_a_search_without_a_result_leads_to_the_other_states(site: PageHarness) -> None:
    await seed(site)
    text = await text_of(site, "/plateforme/offres?q=zzzz&state=gone")
    for address in ("/plateforme/offres?q=zzzz&state=", "/plateforme/offres?q=zzzz&state=moderated"):
        assert f'href="{address}"' in text
    assert "/plateforme/statistiques#newest-heading" in text


async def test_offers_stay_public_until_the_platform_has_said_so_twice(site: PageHarness) -> None:
    """[RTE-015]: the first form says what would follow, the second one ends the agreement, and the page says that it
    has ended.
    """
    await publish(site, SIGNED.platform, offers(site, SIGNED.platform, 3))
    await settled(site)
    partners, agreed = site.harness.federation.partners, PublicAgreement(since="2020-01-01", agreement="1")
    await partners.change(SIGNED.platform, lambda one: replace(one or SIGNED, public=agreed))
    data = {"token": _TOKEN.findall(await text_of(site, "/plateforme/offres"))[0]}
    first = await site.client.post("/plateforme/offres", data=data, headers=OWN)
    assert "3 offres ne seront plus visibles sans compte" in await first.text()
    partner = partners.get(SIGNED.platform)
    assert partner is not None
    assert agreed == partner.public
    done = await site.client.post("/plateforme/offres", data={**data, "sure": "1"}, headers=OWN)
    text = await done.text()
    partner = partners.get(SIGNED.platform)
    assert partner is not None
    assert partner.public is None
    assert "vos offres ne sont plus visibles sans compte" in text
    assert "Seuls les partenaires voient vos offres" in text


async def test_figures_are_those_of_the_platform_as_page_csv_and_json(site: PageHarness) -> None:
    await seed(site)
    text = await text_of(site, "/plateforme/statistiques?days=7")
    assert "<b>12</b> refusées" in text
    csv = await site.client.get("/plateforme/statistiques?days=7&format=csv")
    body = (await csv.read()).decode("utf-8-sig")
    assert ("attachment", "no-store") == (
        csv.headers["Content-Disposition"].split(";")[0],
        csv.headers["Cache-Control"],
    )
    rows = [line.split(";") for line in body.splitlines()]
    assert ["day", "verdict", "rule", "count", "offers", "more_offers"] == rows[0]
    assert ["refused", "week-malformed", "12"] in [row[1:4] for row in rows]
    document = orjson.loads(await (await site.client.get("/plateforme/statistiques?days=7&format=json")).read())
    assert [[str(one.get(name) or "") for name in rows[0]] for one in document["statistics"]] == rows[1:]
    for wrong in ("days=8", "days=", "format=xml", "days=７"):
        await text_of(site, f"/plateforme/statistiques?{wrong}", 400)


async def test_pages_wait_for_the_views(site: PageHarness) -> None:
    view = site.harness.federation.receipts.updated
    view.caught_up = False
    for path in ("/plateforme", "/plateforme/offres", "/plateforme/remises", "/plateforme/statistiques"):
        answer = await site.client.get(path, headers=HTML)
        assert (503, "2") == (answer.status, answer.headers["Retry-After"])
    view.caught_up = True


def _opens(site: PageHarness, text: str) -> bool:
    partner = site.harness.federation.partners.get(SIGNED.platform)
    assert partner is not None
    return matching_secret(text, partner.secrets, now=site.harness.federation.clock()) is not None


async def test_tasks_come_before_figures_and_a_partner_without_offers_has_none(site: PageHarness) -> None:
    """Figures of offers say nothing to who publishes none."""
    await seed(site)
    text = await text_of(site, "/plateforme")
    assert text.index('id="todo-heading"') < text.index('<dl class="facts">') < text.index('id="days-heading"')
    operator = {**HTML, "Cookie": await cookie_of(site.harness.federation, OPERATOR.platform)}
    of_operator = unescape(await (await site.client.get("/plateforme", headers=operator)).text())
    assert "Vous ne publiez pas d’offres." in of_operator
    assert not any(part in of_operator for part in ('<dl class="facts">', 'id="days-heading"'))
