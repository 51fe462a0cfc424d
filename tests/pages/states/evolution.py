"""States and journeys of the pages of evolution."""

from playwright.sync_api import Page as Tab

from schemas.rulebook import Language
from tests.browser.keyboard import Keyboard
from tests.pages.visit import Journey, State


def find_an_offer(keyboard: Keyboard, language: Language) -> None:
    """From a rule to an offer that it will refuse."""
    keyboard.follow("main table a[href*='id=']")
    keyboard.expect("Chercher une autre offre" if language == "fr" else "Search for another offer")


_UNKNOWN: dict[Language, str] = {
    "fr": "/exploitation/evolutions?release=1.0-1999.01",
    "en": "/en/operate/evolution?release=1.0-1999.01",
}


def send_no_day(tab: Tab, _language: Language) -> None:
    """The form without a day: refused beside the field."""
    with tab.expect_navigation():
        tab.click("main button.main")
    assert 1 == tab.locator("#day-error").count()


def set_too_near(tab: Tab, _language: Language) -> None:
    """A day that is too near: the page says which one is the earliest."""
    tab.fill("#day", "2026-01-01")
    with tab.expect_navigation():
        tab.click("main button.main")
    assert 1 == tab.locator("main p.error[role=alert]").count()


def set_a_day(keyboard: Keyboard, language: Language) -> None:
    """From the page of evolution to a day that is set, and taken back."""
    keyboard.follow("main a.button")
    keyboard.to("#day").type("2099-09-01")
    keyboard.follow("main button.main")
    keyboard.expect("2099")
    keyboard.follow("main table button")
    keyboard.expect("Aucun jour n’est fixé" if language == "fr" else "No day is set")


STATES = [
    State("evolution", "own offers"),
    State("evolutions", "all offers"),
    State("evolutions", "a release that is not on file", paths=_UNKNOWN, status=400),
    State("evolutions_day", "no day is set"),
    State("evolutions_day", "no day given", reach=send_no_day, then=422),
    State("evolutions_day", "a day too near", reach=set_too_near, then=422),
]
JOURNEYS = [
    Journey("evolutions", "from a rule to an offer", find_an_offer),
    Journey("evolutions", "from the rules to a day that is set and taken back", set_a_day),
]
