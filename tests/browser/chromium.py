"""A real browser without a window: Chromium, driven by Playwright. One process serves all tests of a module."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, Request, sync_playwright

from tests.browser import program

Scheme = Literal["light", "dark"]
Window: TypeAlias = tuple[Page, list[str]]
"""A page, and the complaints that it collects."""
SCHEMES: tuple[Scheme, Scheme] = ("light", "dark")
WIDE, NARROW = 1280, 320
_MEASURE = Path(__file__).with_name("measure.js").read_text(encoding="utf-8")
_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
_SEEN = ("color-contrast", "target-size", "link-in-text-block", "scrollable-region-focusable", "aria-hidden-focus")
"""Rules that depend on colours and sizes; all others find the same in every scheme and window."""
_SECONDS = 20
_LEFT = "net::ERR_ABORTED"
"""The failure of a request that its page's end has cut short: the next page came while an image was on its way."""
_AXE = """async (options) => (await axe.run(document, {resultTypes: ["violations"], ...options})).violations.map(
    (one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`)"""


_SHORTEN = """() => { for (const parent of document.querySelectorAll("ul, ol, dl, tbody, select, svg, g, div, section"))
    for (const tag of new Set([...parent.children].map((one) => one.tagName))) {
        const equal = [...parent.children].filter((one) => one.tagName === tag);
        if (equal.length > 6) equal.slice(4, -1).forEach((one) => one.remove());
    } }"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser; closed at the end of the block."""
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=program.path(), args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def window(browser: Browser, *, width: int = WIDE, scheme: Scheme = "light", script: bool = True) -> Iterator[Window]:
    """An empty page of its own, and the complaints that it collects: errors, console messages, refused resources."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, java_script_enabled=script, locale="fr-FR"
    )
    context.set_default_timeout(1_000 * _SECONDS)
    complaints: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on("requestfailed", lambda request: None if request.failure == _LEFT else complaints.append(_failed(request)))
    try:
        yield page, complaints
    finally:
        context.close()


def _failed(request: Request) -> str:
    return f"failed: {request.url}: {request.failure}"


def violations(page: Page, *, seen: bool = False) -> list[str]:
    """What axe-core finds: WCAG A to 2.2 AA and best practice. ``seen``: by the rules that depend on colours and sizes,
    contrasts among them; else by all others.
    """
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(AXE_SCRIPT)
    everything = {
        "runOnly": {"type": "tag", "values": list(_TAGS)},
        "rules": {name: {"enabled": False} for name in _SEEN},
    }
    chosen = {"runOnly": {"type": "rule", "values": list(_SEEN)}} if seen else everything
    found: list[str] = page.evaluate(_AXE, {"selectors": False, **chosen})
    return found


def shorten(page: Page) -> None:
    """Remove the middle of each long row of equal elements, such as the rows of a table: the rule of contrasts takes
    most of a test's time on them, and finds on the twentieth what it finds on the first.
    """
    page.evaluate(_SHORTEN)


def content_width(page: Page) -> int:
    """The width of the content in pixels; more than the window's is a sideways scroll."""
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return width


def measure(page: Page) -> dict[str, Any]:
    """The page, all of it unfolded: width of its content in pixels, displayed languages, number of displayed texts,
    and texts whose contrast is below 4.5 (WCAG 1.4.3).
    """
    measured: dict[str, Any] = page.evaluate(_MEASURE)
    return measured
