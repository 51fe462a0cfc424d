"""The report's page in a real browser: no sideways scroll at 320 px, one language at a time, good contrasts,
and everything by keyboard.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from conformance.model.result import Outcome
from conformance.report.document import report_of
from conformance.report.html import write_html
from schemas.rulebook import LANGUAGES, Language
from tests.browser.chromium import NARROW, WIDE, Scheme, chromium, measure, window
from tests.browser.keyboard import Keyboard
from tests.conformance.model.results import result, run

pytestmark = pytest.mark.browser

FAILING = run(
    *(result(outcome, number, family="x" * 60) for number, outcome in enumerate(Outcome)),
    result(Outcome.FAIL, 90, announced=True),
)
PASSING = run(*(result(Outcome.PASS, number) for number in range(3)), result(Outcome.OMIT, 9))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def page(which: str, language: Language, folder: Path) -> str:
    """The address of a report as a file, as a partner opens it."""
    path = folder / "report.html"
    path.write_text(write_html(report_of(FAILING if which == "failing" else PASSING), language), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("which", ["failing", "passing"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_fits_a_small_screen_and_is_readable_in_one_language(
    browser: Browser, tmp_path: Path, which: str, language: Language, scheme: Scheme
) -> None:
    with window(browser, width=NARROW, scheme=scheme) as (tab, complaints):
        tab.goto(page(which, language, tmp_path))
        measured = measure(tab)
    assert {"width": NARROW, "languages": [language], "faint": []} == {
        name: value for name, value in measured.items() if name != "texts"
    }
    assert measured["texts"] > 15
    assert [] == complaints


def test_a_wide_screen_is_used_without_scroll(browser: Browser, tmp_path: Path) -> None:
    with window(browser, width=WIDE) as (tab, _):
        tab.goto(page("failing", "fr", tmp_path))
        assert measure(tab)["width"] == WIDE


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_read_by_keyboard(browser: Browser, tmp_path: Path, language: Language) -> None:
    """The language changes by arrow keys, details open and close by Enter, links are reached; the focus is visible."""
    other = "en" if language == "fr" else "fr"
    with window(browser, width=NARROW, script=False) as (tab, complaints):
        tab.goto(page("failing", language, tmp_path))
        keyboard = Keyboard(tab)
        keyboard.to(f'input[name="language"]#{language}')
        keyboard.press("ArrowLeft" if language == "en" else "ArrowRight")
        assert tab.locator(f"#{other}").is_checked()
        keyboard.to("details > summary")
        before = tab.evaluate("document.activeElement.parentElement.open")
        keyboard.press("Enter")
        assert tab.evaluate("document.activeElement.parentElement.open") is not before
        keyboard.press("Enter")
        assert tab.evaluate("document.activeElement.parentElement.open") is before
        keyboard.to("a[href]")
        assert [] == complaints
