"""Every component on one sheet in Chromium: no violation, live parts that can be paused, files dropped on a field."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route
from playwright.sync_api import Page as Tab

from gateway.pages.base.page import Page
from gateway.pages.base.respond import SECURITY
from gateway.pages.base.static import assets
from gateway.pages.base.templates import Templates
from gateway.pages.legal.view import Imprint, pages
from schemas.rulebook import LANGUAGES, Language
from tests.browser.chromium import NARROW, SCHEMES, WIDE, chromium, content_width, violations, window
from tests.browser.keyboard import Keyboard

pytestmark = pytest.mark.browser

ADDRESS = "http://127.0.0.1:9/"
"""Of no server: each request is answered by the test."""
SHEET = Path(__file__).with_name("sheet.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


class Server:
    """Answers a tab's requests: the sheet with a figure that grows, and the static files, with the pages' headers."""

    def __init__(self, tab: Tab, language: Language = "fr") -> None:
        self.figure = 0
        self.away = False
        home = Page("home", {"fr": "/", "en": "/en/"}, None)
        templates = Templates([home, *pages(Imprint())], prefix="", about={"version": "1", "source": None})
        self._sheet = templates.environment(language).from_string(SHEET)
        tab.route("**/*", self._answer)

    def _answer(self, route: Route) -> None:
        name = route.request.url.rsplit("/", 1)[1]
        asset = next((one for one in assets().values() if one.name == name), None)
        if asset is not None:
            route.fulfill(body=asset.body, content_type=asset.media_type, headers=dict(SECURITY))
            return
        if self.away:
            route.abort()
            return
        self.figure += 1
        switch = {"fr": "/", "en": "/en/"}
        text = self._sheet.render(t=None, page=None, live=True, switch=switch, figure=self.figure)
        route.fulfill(body=text, content_type="text/html; charset=utf-8", headers=dict(SECURITY))


def until_displayed(tab: Tab, figure: int) -> None:
    """Wait for this figure or a later one: a busy browser may never paint one of them."""
    for _ in range(400):
        if int(tab.locator(".facts b").first.inner_text()) >= figure:
            return
        tab.wait_for_timeout(50)
    raise AssertionError(f"the sheet is not renewed to {figure}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_component_has_a_violation(browser: Browser, language: Language) -> None:
    with window(browser) as (tab, complaints):
        Server(tab, language)
        tab.goto(ADDRESS)
        tab.get_by_role("button", name="Suspendre" if language == "fr" else "Pause").click()
        tab.locator("summary").click()
        assert [] == violations(tab)
        for width, scheme in zip((WIDE, NARROW), SCHEMES, strict=True):
            tab.set_viewport_size({"width": width, "height": 800})
            tab.emulate_media(color_scheme=scheme)
            assert [] == violations(tab, seen=True)
            assert width == content_width(tab)
        assert [] == complaints


def test_live_parts_are_renewed_until_they_are_paused(browser: Browser) -> None:
    """WCAG 2.2.2. What is unfolded stays so; the state is said."""
    with window(browser) as (tab, complaints):
        server = Server(tab)
        tab.goto(ADDRESS)
        tab.locator("summary").click()
        tab.locator("h1").click()
        tab.evaluate("document.activeElement.blur()")
        until_displayed(tab, 3)
        assert tab.locator("#inside").is_visible()
        tab.get_by_role("button", name="Suspendre l’actualisation").click()
        tab.get_by_role("button", name="Reprendre l’actualisation").wait_for()
        assert tab.get_by_role("status").inner_text() == "Actualisation suspendue."
        tab.wait_for_timeout(100)
        requests = server.figure
        tab.wait_for_timeout(1_500)
        assert requests == server.figure
        tab.get_by_role("button", name="Reprendre l’actualisation").click()
        until_displayed(tab, requests + 1)
        assert [] == complaints


def test_a_live_page_says_since_when_the_gateway_does_not_answer(browser: Browser) -> None:
    """The time is that of the last answer, in Paris; with the next answer the page says again that it renews itself."""
    with window(browser) as (tab, _):
        server = Server(tab)
        tab.goto(ADDRESS)
        running = tab.get_by_role("status").inner_text()
        server.away = True
        tab.get_by_text(re.compile(r"ne répond plus depuis \d\d.h.\d\d")).wait_for()
        server.away = False
        tab.get_by_text(running, exact=True).wait_for()


def test_a_part_that_has_the_focus_is_not_renewed(browser: Browser) -> None:
    with window(browser) as (tab, _):
        server = Server(tab)
        tab.goto(ADDRESS)
        Keyboard(tab).to("summary")
        before = tab.locator(".facts b").first.inner_text()
        with tab.expect_response("**/"):
            pass
        requests = server.figure
        assert requests > 1
        tab.wait_for_timeout(100)
        assert before == tab.locator(".facts b").first.inner_text()
        assert tab.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_a_file_can_be_dropped_on_its_field(browser: Browser) -> None:
    with window(browser) as (tab, complaints):
        Server(tab)
        tab.goto(ADDRESS)
        assert tab.get_by_text("glisser le fichier ici").is_visible()
        dropped = tab.evaluate_handle(
            "() => { const all = new DataTransfer(); all.items.add(new File(['{}'], 'offre.json')); return all; }"
        )
        tab.dispatch_event("[data-drop]", "dragover", {"dataTransfer": dropped})
        assert "over" in (tab.locator("[data-drop]").get_attribute("class") or "")
        tab.dispatch_event("[data-drop]", "drop", {"dataTransfer": dropped})
        assert tab.evaluate("document.querySelector('#file').files[0].name") == "offre.json"
        assert tab.evaluate("document.activeElement.id") == "file"
        assert [] == complaints


def test_without_script_there_is_no_button_and_no_promise(browser: Browser) -> None:
    """The pause button and the word about dropping a file appear only where they work."""
    with window(browser, script=False) as (tab, _):
        Server(tab)
        tab.goto(ADDRESS)
        assert not tab.locator(".live").is_visible()
        assert not tab.get_by_text("glisser le fichier ici").is_visible()
        Keyboard(tab).to("summary").press("Enter").expect("Tableau 1")


@pytest.mark.parametrize("media", ["print", "forced-colors"])
def test_paper_and_forced_colours_keep_every_shape_and_word(browser: Browser, media: str) -> None:
    with window(browser) as (tab, _):
        Server(tab)
        tab.goto(ADDRESS)
        if media == "print":
            tab.emulate_media(media="print")
            assert not tab.locator("nav").is_visible()
        else:
            tab.emulate_media(forced_colors="active")
        states = tab.locator("tbody .state")
        assert ["en retard", "en panne", "à jour", "à choisir"] == [text.strip() for text in states.all_inner_texts()]
        assert all(shape.is_visible() for shape in tab.locator("tbody .state svg").all())
        assert all(bar.is_visible() for bar in tab.locator("svg.bar").all())


def test_on_paper_a_table_stays_a_table(browser: Browser) -> None:
    """A sheet is as narrow as a telephone: rows do not become blocks all the same, and what is closed is left out."""
    display = "(one) => getComputedStyle(one).display"
    with window(browser, width=700) as (tab, _):
        Server(tab)
        tab.goto(ADDRESS)
        row, closed = tab.locator(".fold tbody tr").first, tab.locator("details:not([open])").first
        assert ("block", True) == (row.evaluate(display), closed.is_visible())
        tab.emulate_media(media="print")
        assert ("table-row", False) == (row.evaluate(display), closed.is_visible())


SPACED = "line-height: 1.5; letter-spacing: 0.12em; word-spacing: 0.16em"


@pytest.mark.parametrize(("width", "style"), [(WIDE, "font-size: 200%"), (NARROW, SPACED), (WIDE, SPACED)])
def test_enlarged_and_spaced_text_fits(browser: Browser, width: int, style: str) -> None:
    """WCAG 1.4.4 and 1.4.12: no sideways scroll, and no text is cut off by its box."""
    with window(browser, width=width) as (tab, _):
        Server(tab)
        tab.goto(ADDRESS)
        tab.evaluate(
            "(style) => { const sheet = new CSSStyleSheet(); sheet.replaceSync(style);"
            " document.adoptedStyleSheets = [sheet]; }",
            f"html {{ {style} !important }} * {{ {style if style is SPACED else ''} }}",
        )
        assert width == content_width(tab)
        assert [] == tab.evaluate(
            """() => [...document.querySelectorAll("main *")].filter((one) => one.checkVisibility()
            && !["TEXTAREA", "SELECT", "INPUT"].includes(one.tagName) && !one.closest(".unseen, svg, thead")
            && getComputedStyle(one).overflowX !== "visible" && one.scrollWidth > one.clientWidth + 1)
            .map((one) => one.outerHTML.slice(0, 80))"""
        )
