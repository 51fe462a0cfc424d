"""Sign-in and sign-out over HTTP: links, cookies, forged forms, refusals in words ([SEC-015] [SEC-016])."""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from html import unescape
from pathlib import Path

import pytest
import structlog
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Request

from gateway.api.app import build_app
from gateway.bootstrap.pages import add_pages, add_site
from gateway.pages.base.door import COOKIE, keeps_sessions, origins
from gateway.pages.base.page import Answer, Page
from gateway.pages.session.view import ENTER, LINK
from gateway.pages.site import PageSite
from gateway.partners.credential import revoke
from gateway.partners.session import IDLE_MS, LIFE_MS, LINK_MS
from gateway.protocol.partner import Partner
from schemas.rulebook import LANGUAGES, Language
from tests.harness import URL, VIEWS, built
from tests.pages.signing import PERSON, SIGNED, cookie_of
from tests.pages.site import PageHarness

pytestmark = pytest.mark.slow

HTML = {"Accept": "text/html"}
OWN = {**HTML, "Origin": URL}
_TOKEN = re.compile(r'name="token" value="([^"]+)"')


def link(site: PageHarness, partner: Partner = SIGNED) -> str:
    return site.door.sign_ins.link(partner, PERSON)[0]


async def text_of(answer: ClientResponse) -> str:
    return unescape(await answer.text())


async def enter(site: PageHarness, text: str, headers: Mapping[str, str] = OWN) -> ClientResponse:
    return await site.client.post(ENTER["fr"], data={LINK: text}, headers=headers, allow_redirects=False)


async def token_of(site: PageHarness, headers: Mapping[str, str] = HTML) -> str:
    found = _TOKEN.search(await (await site.client.get("/session", headers=headers)).text())
    assert found is not None
    return found[1]


async def test_opening_a_link_uses_nothing_up_and_its_button_does(site: PageHarness) -> None:
    """Mail scanners follow links."""
    text = link(site)
    for _ in range(3):
        answer = await site.client.get(ENTER["fr"], params={LINK: text}, headers=HTML)
        page = await text_of(answer)
        assert (200, True, True) == (answer.status, PERSON in page, SIGNED.name in page)
        assert "Set-Cookie" not in answer.headers
    answer = await enter(site, text)
    assert (303, "/plateforme") == (answer.status, answer.headers["Location"])
    again = await enter(site, text)
    assert (403, True) == (again.status, "a déjà servi" in await text_of(again))
    assert "Set-Cookie" not in again.headers


async def test_the_cookie_is_for_this_host_only_and_out_of_reach_of_scripts(site: PageHarness) -> None:
    header = (await enter(site, link(site))).headers["Set-Cookie"]
    value, *attributes = header.split("; ")
    assert value.startswith(f"{COOKIE}=")
    assert {"Path=/", "Secure", "HttpOnly", "SameSite=Strict", "Max-Age=28800"} == set(attributes)


async def test_a_page_tells_when_its_session_ends_and_extends_it(site: PageHarness) -> None:
    """WCAG 2.2.1: the time on each page, and one link that extends it, without JavaScript."""
    answer = await site.client.get("/plateforme", headers=HTML)
    page = await text_of(answer)
    assert f"Session de {PERSON}" in page
    assert '<a href="/plateforme">Prolonger</a>' in page
    site.harness.federation.clock.move(20 * 60)  # type: ignore[attr-defined]  # the tests' own clock
    later = await text_of(await site.client.get("/plateforme", headers=HTML))
    ends = [re.search(r"jusqu’à ([^·]+) ·", one) for one in (page, later)]
    assert ends[0] is not None
    assert ends[1] is not None
    assert ends[0][1] != ends[1][1]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": f"{URL}.evil.example"},
        {"Origin": URL.replace("https", "http")},
        {"Origin": f"{URL}:8443"},
        {"Origin": URL, "Sec-Fetch-Site": "cross-site"},
        {"Origin": URL, "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
async def test_a_form_of_another_site_does_nothing(site: PageHarness, headers: dict[str, str]) -> None:
    """403, for a right link and a right token too: no login into another's session, no change in one's own."""
    text, token = link(site), await token_of(site)
    for path, data in (
        (ENTER["en"], {LINK: text}),
        ("/en/session", {"token": token}),
        ("/en/platform/keys", {"token": token}),
    ):
        answer = await site.client.post(path, data=data, headers={**HTML, **headers}, allow_redirects=False)
        assert (403, "does not come from a page" in await text_of(answer)) == (answer.status, True), path
        assert "Set-Cookie" not in answer.headers
    assert 200 == (await site.client.get("/session", headers=HTML)).status
    assert 303 == (await enter(site, text)).status


async def test_the_sites_own_forms_are_taken(site: PageHarness) -> None:
    for headers in (OWN, {**OWN, "Sec-Fetch-Site": "same-origin"}, {**HTML, "Sec-Fetch-Site": "same-origin"}):
        assert 303 == (await enter(site, link(site), headers)).status


async def test_a_form_without_a_token_of_its_session_does_nothing(site: PageHarness) -> None:
    other = {"Cookie": await cookie_of(site.harness.federation, SIGNED.platform)}
    for token in ("", "x", await token_of(site, {**HTML, **other})):
        for path in ("/session", "/plateforme/cles"):
            answer = await site.client.post(path, data={"token": token}, headers=OWN, allow_redirects=False)
            assert (403, "n’est pas de votre session" in await text_of(answer)) == (answer.status, True)
    assert 200 == (await site.client.get("/session", headers=HTML)).status


async def test_a_signed_out_session_is_over_for_every_copy_of_its_cookie(site: PageHarness) -> None:
    copied = {"Cookie": await cookie_of(site.harness.federation, SIGNED.platform)}
    token = await token_of(site, {**HTML, **copied})
    answer = await site.client.post("/session", data={"token": token}, headers={**OWN, **copied}, allow_redirects=False)
    assert (303, "/connexion?closed=1") == (answer.status, answer.headers["Location"])
    assert f"{COOKIE}=; Max-Age=0" in answer.headers["Set-Cookie"]
    refused = await site.client.get("/plateforme", headers={**HTML, **copied})
    assert (401, "Cette session est fermée." in await text_of(refused)) == (refused.status, True)
    assert 200 == (await site.client.get("/plateforme", headers=HTML)).status


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_page_has_a_door_which_leads_back_to_an_open_session(site: PageHarness, language: Language) -> None:
    """Kept pages are the same for everybody: the door itself knows the session."""
    door = ENTER[language]
    for path in ("/", "/reference", "/nowhere") if language == "fr" else ("/en/", "/en/reference", "/en/nowhere"):
        assert f'<a href="{door}">' in await text_of(await site.client.get(path, headers=HTML)), path
    signed = await site.client.get(door, headers=HTML, allow_redirects=False)
    assert (303, {"fr": "/plateforme", "en": "/en/platform"}[language]) == (signed.status, signed.headers["Location"])
    foreign = {**HTML, "Cookie": f"{COOKIE}=x"}
    stranger = await site.client.get(door, headers=foreign, allow_redirects=False)
    asks = {"fr": "/connexion/lien", "en": "/en/enter/link"}[language]
    assert (303, asks) == (stranger.status, stranger.headers["Location"])


@pytest.mark.parametrize("language", LANGUAGES)
async def test_each_refusal_is_a_page_in_words(site: PageHarness, language: Language) -> None:
    clock = site.harness.federation.clock
    path = ENTER[language]
    expired, used = link(site), link(site)
    await enter(site, used)
    output = {
        "link-expired": ("valable", "expired"),
        "link-used": ("déjà servi", "has been used"),
        "link-unknown": ("n’est pas un lien", "not one of this gateway"),
        "session-missing": ("demande une session", "needs a session"),
        "session-idle": ("trente minutes", "thirty minutes"),
    }
    position = LANGUAGES.index(language)
    answers = {"link-used": await site.client.get(path, params={LINK: used}, headers=HTML)}
    answers["link-unknown"] = await site.client.get(path, params={LINK: "x"}, headers=HTML)
    clock.move(LINK_MS / 1_000)  # type: ignore[attr-defined]  # the tests' own clock
    answers["link-expired"] = await site.client.get(path, params={LINK: expired}, headers=HTML)
    clock.move((IDLE_MS - LINK_MS) / 1_000)  # type: ignore[attr-defined]  # same
    page = "/plateforme" if language == "fr" else "/en/platform"
    answers["session-idle"] = await site.client.get(page, headers=HTML)
    answers["session-missing"] = await site.client.get(page, headers={**HTML, "Cookie": f"{COOKIE}=forged"})
    for code, answer in answers.items():
        text = await text_of(answer)
        assert output[code][position] in text, code
        assert f'<html lang="{language}">' in text
        assert (403 if code.startswith("link") else 401) == answer.status
        assert "no-store" == answer.headers["Cache-Control"]
        assert ("WWW-Authenticate" in answer.headers) == (answer.status == 401)


async def test_a_session_ends_after_eight_hours_and_with_its_platform(site: PageHarness) -> None:
    clock, partners = site.harness.federation.clock, site.harness.federation.partners
    cookie = {**HTML, "Cookie": await cookie_of(site.harness.federation, SIGNED.platform)}
    for _ in range(LIFE_MS // (IDLE_MS - 60_000)):
        clock.move(IDLE_MS / 1_000 - 60)  # type: ignore[attr-defined]  # the tests' own clock
        answer = await site.client.get("/session", headers=cookie)
        assert 200 == answer.status
        cookie["Cookie"] = answer.headers["Set-Cookie"].partition(";")[0]
    clock.move(IDLE_MS / 1_000 - 60)  # type: ignore[attr-defined]  # same
    over = await site.client.get("/session", headers=cookie)
    assert (401, "huit heures" in await text_of(over)) == (over.status, True)
    fresh = {**HTML, "Cookie": await cookie_of(site.harness.federation, SIGNED.platform)}
    assert 200 == (await site.client.get("/session", headers=fresh)).status
    await partners.change(SIGNED.platform, lambda one: revoke(one or SIGNED))
    ended = await site.client.get("/session", headers=fresh)
    assert (401, "ont changé" in await text_of(ended)) == (ended.status, True)


async def test_a_cookie_of_one_worker_works_on_another_and_dies_with_a_revocation(
    site: PageHarness, tmp_path: Path
) -> None:
    """Two gateways with parts of their own: they share the log and the secret alone."""
    federation = site.harness.federation
    async with built(tmp_path / "other", log=federation.log, clock=federation.clock) as other:
        other.start(*VIEWS)
        await other.ready()
        app = build_app(other.context())
        add_pages(app, other.settings, other.federation, URL)
        async with TestClient(TestServer(app)) as client:
            header = {**HTML, "Cookie": (await enter(site, link(site))).headers["Set-Cookie"].partition(";")[0]}
            assert 200 == (await client.get("/plateforme", headers=header)).status
            await federation.partners.change(SIGNED.platform, lambda one: revoke(one or SIGNED))
            await other.federation.partners.catch_up()
            assert 401 == (await client.get("/plateforme", headers=header)).status


async def test_refused_links_are_slowed_down_and_a_right_one_is_not(site: PageHarness) -> None:
    for _ in range(20):
        assert 403 == (await enter(site, "x")).status
    slowed = await enter(site, "x")
    assert (429, "Retry-After" in slowed.headers) == (slowed.status, True)
    assert "Trop de liens refusés" in await text_of(slowed)
    assert 429 == (await site.client.get(ENTER["fr"], params={LINK: "y"}, headers=HTML)).status
    assert 303 == (await enter(site, link(site))).status


async def test_an_operators_page_is_closed_to_a_platform(site: PageHarness) -> None:
    """By the record of this moment: the scope ``operate`` may come and go."""

    async def get(_request: Request, _language: Language) -> Answer:
        return Answer("session/session.html")

    desk = Page("desk", {"fr": "/bureau", "en": "/en/desk"}, get, role="operator", private=True)
    app = build_app(site.harness.context())
    add_site(app, PageSite([*site.site.pages, desk], public_url=URL, door=site.door))
    async with TestClient(TestServer(app)) as client:
        headers = {**HTML, "Cookie": await cookie_of(site.harness.federation, SIGNED.platform)}
        cases: list[tuple[frozenset[str], int]] = [(SIGNED.scopes, 403), (frozenset({"operate"}), 200)]
        for scopes, status in (*cases, cases[0]):
            await site.harness.federation.partners.change(SIGNED.platform, partial(_with_scopes, scopes))
            answer = await client.get("/bureau", headers=headers)
            assert (status, status == 403) == (answer.status, "réservée aux exploitants" in await text_of(answer))


def _with_scopes(scopes: frozenset[str], present: Partner | None) -> Partner:
    return replace(present or SIGNED, scopes=scopes)


async def test_neither_link_nor_cookie_nor_person_is_logged(site: PageHarness) -> None:
    text = link(site)
    with structlog.testing.capture_logs() as lines:
        await site.client.get(ENTER["fr"], params={LINK: text}, headers=HTML)
        header = (await enter(site, text)).headers["Set-Cookie"].partition(";")[0]
        await site.client.get("/plateforme", headers={**HTML, "Cookie": header})
        await enter(site, text)
    output = str(lines)
    assert "pages.session_begun" in output
    assert [False] * 3 == [one in output for one in (text, header.partition("=")[2], PERSON)]


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://Stages.example/a", {"https://stages.example"}),
        ("https://stages.example:443", {"https://stages.example"}),
        ("https://stages.example:8443/", {"https://stages.example:8443"}),
        ("http://127.0.0.1:8080", {f"http://{host}:8080" for host in ("127.0.0.1", "localhost", "[::1]")}),
        ("http://[::1]", {f"http://{host}" for host in ("127.0.0.1", "localhost", "[::1]")}),
    ],
)
def test_an_origin_is_spelt_as_browsers_spell_it(url: str, found: set[str]) -> None:
    assert found == origins(url)


def test_a_session_needs_https_or_the_machine_itself() -> None:
    kept = ("https://a.example", "http://localhost:8080", "http://127.0.0.1", "http://[::1]:80")
    assert [True] * 4 == [keeps_sessions(one) for one in kept]
    assert [False] * 2 == [keeps_sessions(one) for one in ("http://a.example", "http://192.0.2.1:8080")]
