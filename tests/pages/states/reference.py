"""States and journeys of the reference."""

from schemas.rulebook import Language
from tests.browser.keyboard import Keyboard
from tests.pages.visit import Journey, State


def find_a_rule(keyboard: Keyboard, _language: Language) -> None:
    """From a field to the requirement about it, whose rule names its remedy."""
    keyboard.follow('a[href="#OFR-014"]')
    assert keyboard.page.url.endswith("#OFR-014")
    keyboard.expect("siret-malformed")


def go_through_the_parts(keyboard: Keyboard, language: Language) -> None:
    """From one part of the reference to the next, and back to the first one by the header."""
    calendars = "/reference/calendriers" if language == "fr" else "/en/reference/calendars"
    keyboard.follow(f'.parts a[href="{calendars}"]')
    keyboard.expect("2026-2027")
    keyboard.to("summary").press("Enter")
    keyboard.expect("35 h")
    keyboard.follow('a[aria-current="true"]')
    keyboard.expect("OFR-001")


STATES = [
    State("reference", "as it is"),
    State("reference_lists", "as it is"),
    State("reference_calendars", "as it is"),
    State("reference_interfaces", "as it is"),
    State("reference_kit", "as it is"),
]
JOURNEYS = [
    Journey("reference", "find the remedy of a rule", find_a_rule),
    Journey("reference", "go through the parts", go_through_the_parts),
]
