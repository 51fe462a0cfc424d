"""States and journeys of the pages of evolution."""

from schemas.rulebook import Language
from tests.browser.keyboard import Keyboard
from tests.pages.visit import Journey, State


def find_an_offer(keyboard: Keyboard, language: Language) -> None:
    """From a rule to an offer that it will refuse."""
    keyboard.follow("main ol.problems a[href*='id=']")
    keyboard.expect("Offre" if language == "fr" else "Offer")


_UNKNOWN: dict[Language, str] = {
    "fr": "/exploitation/evolutions?release=1.0-1999.01",
    "en": "/en/operate/evolution?release=1.0-1999.01",
}
STATES = [
    State("evolution", "own offers"),
    State("evolutions", "all offers"),
    State("evolutions", "a release that is not on file", paths=_UNKNOWN, status=400),
]
JOURNEYS = [Journey("evolutions", "from a rule to an offer", find_an_offer)]
