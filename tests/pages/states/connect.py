"""States and journeys of the page that connects a platform."""

from pathlib import Path

from playwright.sync_api import Page as Tab

from schemas.rulebook import Language
from tests.browser.keyboard import Keyboard
from tests.pages.visit import Journey, State

FEEDS = Path(__file__).parents[2] / "formats" / "drafting"
TIE = FEEDS / "10-odata.json"
"""A feed with two equally good links."""
UNKNOWN = FEEDS / "08-annonces.xml"
"""A feed with sectors that are in no list."""


def read(tab: Tab, sample: Path) -> None:
    """Send a sample."""
    tab.set_input_files("input[name=sample]", str(sample))
    with tab.expect_navigation():
        tab.click("form:not(.study) button[value=open]")


def unfold(tab: Tab) -> None:
    """Open all details."""
    tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


def with_a_choice(tab: Tab, _language: Language) -> None:
    """A sample of which one field waits for a choice."""
    read(tab, TIE)
    assert tab.locator("tr.open").count() == 1


def with_everything_open(tab: Tab, _language: Language) -> None:
    """Unknown values, settings and optional fields unfolded, a choice made, a fixed value refused."""
    read(tab, UNKNOWN)
    unfold(tab)
    tab.select_option("[name='path.title']", "texte")
    tab.fill("[name='fixed.employer.website']", "http://192.0.2.1/")
    with tab.expect_navigation():
        tab.click("button.main[value=study]")
    unfold(tab)
    assert tab.locator("[aria-invalid=true]").count() == 1


def with_nothing_to_read(tab: Tab, _language: Language) -> None:
    """A text without offers."""
    tab.fill("textarea", "bonjour")
    with tab.expect_navigation():
        tab.click("button[value=open]")


def with_an_altered_state(tab: Tab, _language: Language) -> None:
    """A form whose state is not the gateway's."""
    read(tab, TIE)
    tab.evaluate("document.querySelector('[name=state]').value = 'x'")
    with tab.expect_navigation():
        tab.click("button.main[value=study]")


def connect_a_feed(keyboard: Keyboard, language: Language) -> None:
    """Paste a sample, make the one choice, correct a field, and get to the download."""
    keyboard.to("textarea").type(TIE.read_text()).follow("button[value=open]")
    keyboard.expect("Url1 : https://").to("tr.open select").press("ArrowDown")
    keyboard.to("button[value=study]")
    with keyboard.page.expect_navigation():
        keyboard.press("Enter")
    keyboard.expect("choisi par vous" if language == "fr" else "chosen by you")
    keyboard.to("button[value=download]")


STATES = [
    State("connect", "empty"),
    State("connect", "a choice waits", with_a_choice),
    State("connect", "everything unfolded", with_everything_open),
    State("connect", "no offers", with_nothing_to_read, then=422),
    State("connect", "altered state", with_an_altered_state, then=400),
]
JOURNEYS = [Journey("connect", "from a sample to the profile", connect_a_feed)]
