"""States and journeys of the reference."""

from playwright.sync_api import Page as Tab

from schemas.rulebook import Language
from tests.browser.keyboard import Keyboard
from tests.pages.visit import Journey, State

_FOUND: dict[Language, str] = {"fr": "/reference?q=semaine", "en": "/en/reference?q=week"}
_NONE: dict[Language, str] = {"fr": "/reference?q=zzzz", "en": "/en/reference?q=zzzz"}


def find_a_rule(keyboard: Keyboard, _language: Language) -> None:
    """By the search box to the requirement, whose rule names its remedy."""
    keyboard.to("#q").type("siret ofr-014")
    keyboard.follow("main button.main")
    keyboard.follow('a[href$="/OFR-014"]')
    assert keyboard.page.url.endswith("/OFR-014")
    keyboard.expect("siret-malformed")


def open_the_index(tab: Tab, _language: Language) -> None:
    """An address with an anchor opens the fold that has it."""
    tab.goto(tab.url + "#OFR-041")
    tab.wait_for_function("document.getElementById('OFR-041').checkVisibility()")


def go_through_the_parts(keyboard: Keyboard, language: Language) -> None:
    """From one part of the reference to the next, and back to the first one by the header."""
    calendars = "/reference/calendriers" if language == "fr" else "/en/reference/calendars"
    keyboard.follow(f'.parts a[href="{calendars}"]')
    keyboard.expect("2026-2027")
    keyboard.to("summary").press("Enter")
    keyboard.expect("35 h")
    keyboard.follow('a[aria-current="true"]')
    keyboard.expect("OFR-014")


STATES = [
    State("reference", "as it is"),
    State("reference", "index", open_the_index),
    State("reference", "found", paths=_FOUND),
    State("reference", "none found", paths=_NONE),
    State("reference_fields", "as it is"),
    State("reference_rule", "as it is"),
    State("reference_lists", "as it is"),
    State("reference_calendars", "as it is"),
    State("reference_interfaces", "as it is"),
    State("reference_kit", "as it is"),
]
JOURNEYS = [
    Journey("reference", "find the remedy of a rule", find_a_rule),
    Journey("reference", "go through the parts", go_through_the_parts),
]
