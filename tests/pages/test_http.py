"""Pages over HTTP: headers, languages, caching, compression, refusals; the API's answers stay as they are."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from gzip import decompress
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import orjson
import pytest
import yarl
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from gateway.api.app import build_app
from gateway.bootstrap.log import with_signing_key
from gateway.bootstrap.pages import add_pages, add_site
from gateway.bootstrap.serving import build_api
from gateway.pages.base.page import Answer, Download, Language, Page, PageError
from gateway.pages.base.refusal import sentence_of
from gateway.pages.base.respond import CSP, PRIVATE, SECURITY
from gateway.pages.base.static import assets
from gateway.pages.legal.view import Imprint
from gateway.pages.site import PageSite
from gateway.settings import Settings
from schemas.rulebook import LANGUAGES
from tests.clock import ManualClock
from tests.harness import URL, built
from tests.memory_log import MemoryLog
from tests.pages.signing import OPERATOR, cookie_of
from tests.pages.site import PageHarness, opened
from tests.raw_http import exchange

pytestmark = pytest.mark.slow

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
API = ("/v1/nothing", "/v1", "/oauth/nothing", "/.well-known/nothing", "/metrics", "/healthz", "/readyz", "/v2/offers")


async def text_of(answer: ClientResponse) -> str:
    return (await answer.read()).decode()


async def test_every_page_has_the_security_headers(site: PageHarness) -> None:
    for page in site.fixed:
        for language, path in ((one, page.path(one)) for one in page.paths):
            answer = await site.client.get(path, headers=await site.headers_for(page))
            assert (200, language) == (answer.status, answer.headers["Content-Language"])
            expected = {**SECURITY, **PRIVATE} if page.private else SECURITY
            assert expected == {name: answer.headers[name] for name in expected}
            assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
            assert f'<html lang="{language}">' in await text_of(answer)


@pytest.mark.parametrize(
    "target",
    [
        *(b"/verifier?example=\xff", b"/?x=\xed\xa0\x80", b"/nowhere\xff"),
        *(b"/exploitation/registre?about=\xff", b"/exploitation/plateformes/nouvelle?slug=\xff"),
        *(b"/exploitation/offre?q=\xff", b"/exploitation/offre?id=bretagne:%FF", b"/plateforme/offres?q=\xe9"),
    ],
)
async def test_bytes_that_are_no_text_in_an_address_fail_no_page(site: PageHarness, target: bytes) -> None:
    cookie = await cookie_of(site.harness.federation, OPERATOR.platform)
    fields = f"Host: {URL.partition('//')[2]}\r\nAccept: text/html\r\nCookie: {cookie}\r\nConnection: close"
    head = b"GET " + target + b" HTTP/1.1\r\n" + fields.encode() + b"\r\n\r\n"
    [answer] = await exchange(site.client.port or 0, head)
    assert answer.status in {200, 400, 404}, answer


async def test_every_page_is_well_formed(site: PageHarness) -> None:
    """Elements closed in order, attributes and ids unique, one ``h1`` and one ``main``."""
    for page in site.fixed:
        for path in map(page.path, page.paths) if page.get else ():
            form = Form(await text_of(await site.client.get(path, headers=await site.headers_for(page))))
            assert [] == form.wrong, path
            assert [] == form.open, path
            assert (1, 1) == (form.tags["h1"], form.tags["main"]), path
            assert [] == [one for one, count in form.ids.items() if count > 1], path


class Form(HTMLParser):
    """Reads a page and notes what is wrong with its form."""

    VOID = frozenset({"meta", "link", "br", "input", "hr", "img", "col", "wbr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.open: list[str] = []
        self.ids: Counter[str | None] = Counter()
        self.tags: Counter[str] = Counter()
        self.feed(text)
        self.close()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if "svg" not in self.open:
            self.wrong.append(f"<{tag}/> outside of SVG")
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        self.tags[tag] += 1
        self.ids.update(value for name, value in attrs if name == "id")
        self.wrong += [f"<{tag} {name}> twice" for name in {one for one in names if names.count(one) > 1}]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.wrong.append(f"</{tag}> closes {self.open[-1:]}")
        else:
            self.open.pop()


def test_the_policy_allows_nothing_that_is_not_named() -> None:
    directives = dict(one.split(" ", 1) for one in CSP.split("; "))
    assert directives.pop("default-src") == "'none'"
    assert {"'none'", "'self'"} == set(directives.values())
    assert {"base-uri", "frame-ancestors"} == {name for name, value in directives.items() if value == "'none'"}


async def test_each_page_links_the_same_page_in_the_other_language(site: PageHarness) -> None:
    """With its query; that of a public page, which is kept for all visitors, has what the page reads of it alone."""
    for page in site.fixed:
        for language in LANGUAGES:
            other: Language = "en" if language == "fr" else "fr"
            sent = "?closed=1&b=%22" if page.name == "enter" else "?a=1&b=%22"  # without a link it leads on
            path, headers = page.path(language) + sent, await site.headers_for(page)
            text = await text_of(await site.client.get(path, headers=headers))
            query = sent.replace("&", "&amp;") if page.private else ""
            assert f'href="{page.path(other)}{query}" lang="{other}" hreflang="{other}"' in text


async def test_the_current_page_is_marked_in_the_navigation(site: PageHarness) -> None:
    text = await text_of(await site.client.get("/"))
    assert '<a href="/" aria-current="page">Accueil</a>' in text


async def test_an_unchanged_page_is_not_sent_again(site: PageHarness) -> None:
    first = await site.client.get("/mentions-legales")
    again = await site.client.get("/mentions-legales", headers={"If-None-Match": first.headers["ETag"]})
    assert (304, b"") == (again.status, await again.read())
    assert first.headers["Cache-Control"] == again.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("gzip", "gzip"), ("br, gzip;q=0.5", "gzip"), ("gzip;q=0", None), ("br", None), ("identity", None)],
)
async def test_a_page_is_compressed_for_who_accepts_it(site: PageHarness, accepted: str, encoding: str | None) -> None:
    async with TestClient(TestServer(site.app), auto_decompress=False) as client:
        answer = await client.get("/", headers={"Accept-Encoding": accepted})
        body = await answer.read()
    assert encoding == answer.headers.get("Content-Encoding")
    assert b"<!DOCTYPE html>" in (decompress(body) if encoding else body)
    assert "Accept-Encoding" in answer.headers["Vary"]


async def test_head_has_the_headers_alone(site: PageHarness) -> None:
    answer = await site.client.head("/")
    assert (200, b"") == (answer.status, await answer.read())


async def test_static_files_never_change_under_their_name(site: PageHarness) -> None:
    page = await text_of(await site.client.get("/"))
    for name, asset in assets().items():
        assert f"/static/{asset.name}" in page
        answer = await site.client.get(f"/static/{asset.name}")
        assert (200, asset.body) == (answer.status, await answer.read()), name
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for path in ("/static/passerelle.css", "/static/passerelle.000000000000.css", "/static/..%2fpage.py"):
        assert 404 == (await site.client.get(path)).status


async def test_the_public_urls_path_is_before_every_address(tmp_path: Path) -> None:
    async with opened(tmp_path, url="https://region.example/stages/") as site:
        text = await text_of(await site.client.get("/"))
        redirected = await site.client.get("/en", allow_redirects=False)
    links = [part.split('"', 1)[0] for part in text.split('="/')[1:]]
    assert links
    assert [] == [link for link in links if not link.startswith("stages/")]
    assert (308, "/stages/en/") == (redirected.status, redirected.headers["Location"])


@pytest.mark.parametrize(
    ("path", "accepted", "language"),
    [
        ("/rien", "fr", "fr"),
        ("/rien", "en-GB, fr;q=0.5", "en"),
        ("/rien", "", "fr"),
        ("/en/nothing", "fr", "en"),
        ("/en/", "fr", "en"),
        ("/mentions-legales", "en", "fr"),
    ],
)
async def test_a_refusal_is_a_page_in_the_readers_language(
    site: PageHarness, path: str, accepted: str, language: str
) -> None:
    known = path in {"/en/", "/mentions-legales"}
    method, status = ("PUT", 405) if known else ("GET", 404)
    answer = await site.client.request(method, path, headers={**HTML, "Accept-Language": accepted})
    text = await text_of(answer)
    assert (status, language) == (answer.status, answer.headers["Content-Language"])
    assert f'<html lang="{language}">' in text
    assert ("Code HTTP" if language == "fr" else "HTTP status") + f" {status}." in text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Security-Policy"] == CSP
    assert ("Allow" in answer.headers) == known


async def test_an_address_of_the_api_answers_a_browser_as_it_answers_every_client(site: PageHarness) -> None:
    """Byte for byte what a gateway without pages answers."""
    app = build_app(site.harness.context())
    async with TestClient(TestServer(app)) as plain:
        for path in API:
            without = await plain.get(path, headers=HTML)
            answer = await site.client.get(path, headers=HTML)
            assert (without.status, stable(without.headers)) == (answer.status, stable(answer.headers))
            assert await without.read() == await answer.read()


@pytest.mark.parametrize("accepted", [None, "application/json", "*/*", "application/problem+json, text/html;q=0"])
async def test_a_client_that_does_not_name_html_gets_a_problem_document(
    site: PageHarness, accepted: str | None
) -> None:
    headers = {} if accepted is None else {"Accept": accepted}
    for method, path in (("GET", "/rien"), ("GET", "/en/nothing"), ("PUT", "/"), ("POST", "/rien")):
        answer = await site.client.request(method, path, headers=headers)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert orjson.loads(await answer.read())["status"] == answer.status


def stable(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items() if name.lower() not in {"date", "x-request-id"}}


async def _fail(_request: web.Request, _language: Language) -> Answer:
    raise ZeroDivisionError("a secret of the page")


async def _broken(_request: web.Request, _language: Language) -> Answer:
    return Answer("legal/legal.html")


async def _busy(_request: web.Request, _language: Language) -> Answer:
    raise PageError(429, {"Retry-After": "2"})


async def _odd(_request: web.Request, _language: Language) -> Answer:
    raise PageError(418)


async def _read(request: web.Request, _language: Language) -> Answer:
    await request.post()
    return Answer("base/refused.html", {"status": 200, "kind": "", "sentence": sentence_of("200", "fr"), "again": None})


async def _file(_request: web.Request, _language: Language) -> Download:
    return Download('pro"fil é\r\n.json', "application/json", b"{}")


OWN = {
    "fails": (_fail, 500, "could not display this page"),
    "broken": (_broken, 500, "could not display this page"),
    "busy": (_busy, 429, "Wait a few seconds"),
    "odd": (_odd, 418, "This request was refused"),
}
"""Pages of these tests: name → handler, status, words."""


@asynccontextmanager
async def own_pages(site: PageHarness) -> AsyncIterator["TestClient[web.Request, web.Application]"]:
    """A gateway with further pages, which fail in their own ways, read a form, or answer with a file."""
    handlers = {name: handler for name, (handler, _, _) in OWN.items()} | {"file": _file}
    further = [Page(name, {"fr": f"/{name}", "en": f"/en/{name}"}, handler) for name, handler in handlers.items()]
    further.append(Page("read", {"fr": "/read", "en": "/en/read"}, None, _read))
    app = build_app(site.harness.context())
    add_site(app, PageSite([*site.site.pages, *further], public_url=URL, door=site.door))
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.mark.parametrize("name", OWN)
async def test_a_failure_of_a_page_is_a_page(site: PageHarness, name: str) -> None:
    """500 for an unexpected error and for a template without its values; any status that a page raises."""
    _, status, words = OWN[name]
    async with own_pages(site) as client:
        answer = await client.get(f"/en/{name}", headers=HTML)
        text = await text_of(answer)
    assert (status, "en", CSP) == (
        answer.status,
        answer.headers["Content-Language"],
        answer.headers["Content-Security-Policy"],
    )
    assert words in text
    assert "secret" not in text
    assert (answer.headers.get("Retry-After") == "2") == (name == "busy")


async def test_markup_in_an_address_or_a_value_is_text(site: PageHarness) -> None:
    """T-38: neither a query nor a value of a handler becomes an element or an attribute."""
    query = "?a=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&b='\"><script>alert(2)</script>"
    evil = '"><script>alert(3)</script>'

    async def show(_request: web.Request, _language: Language) -> Answer:
        imprint = Imprint(publisher=evil, address=evil, director=evil, contact=f"https://{evil}", host=evil)
        return Answer("legal/legal.html", {"imprint": imprint})

    page = Page("evil", {"fr": "/mal", "en": "/en/evil"}, show)
    app = build_app(site.harness.context())
    add_site(app, PageSite([*site.site.pages, page], public_url=URL, door=site.door, source=f"https://x/{evil}"))
    async with TestClient(TestServer(app)) as client:
        for path in ("/mal", "/en/evil", "/rien", "/%22%3E%3Cscript%3E"):
            answer = await client.get(yarl.URL(path + query, encoded=True), headers=HTML)
            form = Form(await text_of(answer))
            assert 1 == form.tags["script"]
            assert ([], []) == (form.wrong, form.open)


async def test_a_body_that_is_too_large_is_refused_with_a_page(site: PageHarness) -> None:
    async with own_pages(site) as client:
        form = {**HTML, "Content-Type": "application/x-www-form-urlencoded"}
        answer = await client.post("/read", headers=form, data=BytesIO(b"a=" + b"x" * 2_000_000))
        assert (413, "fr") == (answer.status, answer.headers["Content-Language"])
        assert "trop volumineux" in await text_of(answer)


async def test_an_answer_to_a_form_is_not_stored(site: PageHarness) -> None:
    """And a page without GET is opened by its form alone."""
    async with own_pages(site) as client:
        answer = await client.post("/read", headers=HTML, data={"a": "x"})
        assert (200, "no-store") == (answer.status, answer.headers["Cache-Control"])
        assert "ETag" not in answer.headers
        assert 405 == (await client.get("/read", headers=HTML)).status


async def test_a_file_is_saved_under_its_name_and_nothing_else(site: PageHarness) -> None:
    async with own_pages(site) as client:
        answer = await client.get("/file")
        assert b"{}" == await answer.read()
    assert answer.headers["Content-Disposition"] == (
        "attachment; filename=\"pro_fil____.json\"; filename*=UTF-8''pro%22fil%20%C3%A9%0D%0A.json"
    )
    assert SECURITY == {name: answer.headers[name] for name in SECURITY}


async def test_a_gateway_without_pages_has_none(tmp_path: Path) -> None:
    """PASSERELLE_PAGES=0."""
    settings = with_signing_key(Settings(data=tmp_path))
    clock = ManualClock()
    found = {}
    async with built(tmp_path, log=MemoryLog(clock=clock), clock=clock) as harness:
        for pages in (0, 1):
            api = build_api(replace(settings, pages=pages), harness.federation, URL, pages=add_pages)
            async with TestClient(TestServer(api)) as client:
                answer = await client.get("/mentions-legales", headers=HTML)
                found[pages] = (answer.status, answer.headers["Content-Type"])
    assert {0: (404, "application/problem+json"), 1: (200, "text/html; charset=utf-8")} == found
