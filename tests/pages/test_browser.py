"""Every page in Chromium: state × language × scheme without a violation, journeys by keyboard without JavaScript.

A page that has no state in ``tests/pages/states`` fails. Compressed sizes and times are printed.
"""

import http.client
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab

from gateway.pages.base.door import COOKIE
from gateway.pages.base.page import Page, Role
from gateway.pages.base.static import assets
from schemas.rulebook import LANGUAGES, Language
from tests.browser.chromium import (
    NARROW,
    SCHEMES,
    WIDE,
    Window,
    chromium,
    content_width,
    measure,
    shorten,
    violations,
    window,
)
from tests.browser.keyboard import Keyboard
from tests.pages.deployment import SECRET, deployment
from tests.pages.signing import OPERATOR, sign_in
from tests.pages.site import is_fixed, registered_pages
from tests.pages.visit import Journey, State, journeys, states

pytestmark = pytest.mark.browser

MAX_BYTES = 50_000
"""Of a page with its stylesheet, script and icon, compressed."""
MAX_SCREENS = 6


_UNMARKED = """(word) => [...document.querySelectorAll("main [required], main [aria-required=true]")]
    .filter((one) => ![...one.labels, one.closest("fieldset")].some((label) => label?.textContent.includes(word)))
    .map((one) => one.outerHTML)"""
"""The compulsory fields whose label does not say so."""
_UNHEARD = """() => {
    const error = document.querySelector("main [role=alert].error, main .field.wrong");
    const heard = !error || document.activeElement.matches("main *");
    return heard ? null : error.outerHTML;
}"""
"""An error from which the focus is away."""


def parameters(listed: Sequence[State] | Sequence[Journey], *, smoke: str) -> list[Any]:
    """Each under its page and name. The one of ``smoke`` proves all of them in ``make test``."""
    ids = [f"{one.page}, {one.name}" for one in listed]
    assert smoke in ids
    marks = {smoke: [pytest.mark.smoke]}
    return [pytest.param(one, id=name, marks=marks.get(name, ())) for one, name in zip(listed, ids, strict=True)]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with deployment(tmp_path_factory.mktemp("gateway")) as url:
        yield url


@pytest.fixture(scope="module")
def session(address: str) -> Mapping[Role, str]:
    return {"platform": sign_in(address, SECRET, "bretagne"), "operator": sign_in(address, SECRET, OPERATOR.platform)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Page]:
    return {page.name: page for page in registered_pages(tmp_path_factory.mktemp("parts"))}


@pytest.fixture(scope="module")
def seen(browser: Browser) -> Iterator[Window]:
    """One window for all states: a new one costs half a test."""
    with window(browser) as one:
        yield one


@pytest.fixture(scope="module")
def plain(browser: Browser) -> Iterator[Window]:
    """One window without JavaScript, 320 px wide, for all journeys."""
    with window(browser, width=NARROW, script=False) as one:
        yield one


def emptied(one: Window) -> Window:
    """The window with an empty page and no complaints."""
    tab, complaints = one
    tab.goto("about:blank")
    complaints.clear()
    return one


def path_of(state: State, pages: Mapping[str, Page], language: Language) -> str:
    return state.paths[language] if state.paths else pages[state.page].path(language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", parameters(states(), smoke="check, refused"))
def test_a_state_has_no_violation_and_fits_every_window(
    state: State, language: Language, address: str, seen: Window, pages: Mapping[str, Page], session: Mapping[Role, str]
) -> None:
    """Compulsory fields say so, and after an error the focus is on it. axe-core in both schemes; no sideways scroll at
    1280 and 320 px and no faint text, unfolded too; no console message, no refused resource.
    The slow rules of axe see long lists shortened: in French light and wide, in English
    dark and narrow; the contrast of every text is measured in all of these.
    """
    tab, complaints = emptied(seen)
    sign(tab, session_for(pages.get(state.page), session))
    answer = tab.goto(address + path_of(state, pages, language))
    assert answer is not None
    assert state.status == answer.status
    if state.reach is not None:
        state.reach(tab, language)
    assert language == tab.locator("html").get_attribute("lang")
    assert [] == tab.evaluate(_UNMARKED, {"fr": "(obligatoire)", "en": "(required)"}[language])
    assert tab.evaluate(_UNHEARD) is None
    for width in (NARROW, WIDE) if language == "fr" else (WIDE, NARROW):
        tab.set_viewport_size({"width": width, "height": 800})
        assert width == content_width(tab)
        for scheme in SCHEMES if language == "en" else reversed(SCHEMES):
            tab.emulate_media(color_scheme=scheme)
            measured = measure(tab)
            assert (width, []) == (measured["width"], measured["faint"]), scheme
    if language == "en":
        shorten(tab)
    assert [] == violations(tab)
    shorten(tab)
    assert [] == violations(tab, seen=True)
    expected = [f"status of {status} " for status in (state.status, state.then) if status != 200]
    assert [] == [one for one in complaints if not any(text in one for text in expected)]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("journey", parameters(journeys(), smoke="systems, pause and resume"))
def test_a_journey_needs_only_the_keyboard(
    journey: Journey,
    language: Language,
    address: str,
    plain: Window,
    pages: Mapping[str, Page],
    session: Mapping[Role, str],
) -> None:
    """Without JavaScript, at 320 px, with the focus visible at each step."""
    tab, complaints = emptied(plain)
    sign(tab, session_for(pages[journey.page], session))
    tab.goto(address + pages[journey.page].path(language))
    journey.go(Keyboard(tab), language)
    assert NARROW == content_width(tab)
    assert [] == complaints


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_is_small(
    language: Language,
    address: str,
    pages: Mapping[str, Page],
    session: Mapping[Role, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """At most 50 kB compressed, stylesheet, script and icon included."""
    fixed = sum(len(asset.compressed) for asset in assets().values())
    lines, sizes = [], {}
    for name, page in pages.items():
        if page.get is not None and is_fixed(page):
            began = time.perf_counter()
            closed = "?closed=1" if name == "enter" else ""  # without a link it leads on
            size = fetch(address, page.path(language) + closed, session[page.role or "platform"])
            lines.append(
                f"{page.paths[language]}: {size + fixed:,} bytes, {1e3 * (time.perf_counter() - began):.0f} ms"
            )
            sizes[name] = size + fixed
    with capsys.disabled():
        sys.stderr.write("\npages, compressed, with stylesheet and script: " + "; ".join(lines) + "\n")
    assert {} == {name: size for name, size in sizes.items() if size > MAX_BYTES}


def session_for(page: Page | None, sessions: Mapping[Role, str]) -> str | None:
    """The session that a page needs, if any."""
    return None if page is None or page.role is None else sessions[page.role]


def sign(tab: Tab, session: str | None) -> None:
    """Give a tab the cookie of a session, or none."""
    tab.context.clear_cookies()
    if session is None:
        return
    tab.context.add_cookies(
        [
            {
                "name": COOKIE,
                "value": session,
                "domain": "127.0.0.1",
                "path": "/",
                "secure": True,
                "httpOnly": True,
                "sameSite": "Strict",
            }
        ]
    )


def fetch(address: str, path: str, session: str) -> int:
    """The compressed bytes of a page, with a session."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=20)
    try:
        connection.request("GET", path, headers={"Accept-Encoding": "gzip", "Cookie": f"{COOKIE}={session}"})
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    assert (200, "gzip") == (answer.status, answer.getheader("Content-Encoding"))
    return len(body)


@pytest.mark.parametrize("role", ["platform", "operator", None])
def test_no_page_is_longer_than_six_screens(
    role: Role | None, address: str, seen: Window, pages: Mapping[str, Page], session: Mapping[Role, str]
) -> None:
    """At 1280 × 800 px: longer lists fold, or have pages."""
    tab, _ = emptied(seen)
    tab.set_viewport_size({"width": WIDE, "height": 800})
    long = {}
    for name, page in pages.items():
        if page.get is not None and page.role == role and is_fixed(page):
            sign(tab, session_for(page, session))
            tab.goto(address + page.path("fr"))
            height = tab.evaluate("document.documentElement.scrollHeight")
            if height > MAX_SCREENS * 800:
                long[name] = height
    assert {} == long
