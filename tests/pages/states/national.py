"""States and journeys of the operator's pages of the national site."""

from playwright.sync_api import Page as Tab

from schemas.rulebook import Language
from tests.browser.keyboard import Keyboard
from tests.pages.visit import Journey, State


def compare(tab: Tab, _language: Language) -> None:
    """No gateway owns the account here: the order stays under way."""
    tab.click("#compare summary")
    with tab.expect_navigation():
        tab.click("#compare button")
    assert "order=" in tab.url


def look_at_the_plan(keyboard: Keyboard, language: Language) -> None:
    """And back."""
    keyboard.follow("main a[href$='/plan']")
    keyboard.expect("sans aucun appel au site" if language == "fr" else "without any call")
    keyboard.follow("main .note a")
    keyboard.expect("au travail" if language == "fr" else "working")


STATES = [
    State("national", "an account"),
    State("national_plan", "without accounts"),
    State("national_order", "under way", compare),
]
JOURNEYS = [Journey("national", "look at the plan", look_at_the_plan)]
