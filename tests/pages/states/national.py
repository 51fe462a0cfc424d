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


def look_at_an_offer(keyboard: Keyboard, language: Language) -> None:
    """One that the site does not take: its page says why. No link leads to the plan of accounts held elsewhere."""
    keyboard.follow("main table a[href*='id=']")
    keyboard.expect("Refusée par le site national" if language == "fr" else "Refused by the national site")


STATES = [
    State("national", "an account"),
    State("national_plan", "without accounts"),
    State("national_order", "under way", compare),
]
JOURNEYS = [Journey("national", "look at an offer", look_at_an_offer)]
