"""States and journeys of the legal notice, the privacy page, the accessibility statement, and refusals."""

from schemas.rulebook import Language
from tests.browser.keyboard import Keyboard
from tests.pages.visit import ERROR, Journey, State


def read_the_statement(keyboard: Keyboard, language: Language) -> None:
    """From the legal notice to the accessibility statement, by the footer."""
    keyboard.follow("footer li:first-child a")
    keyboard.expect("RGAA 4.1").expect("autoévaluation" if language == "fr" else "self-assessment")


STATES = [
    State("legal", "partly set"),
    State("privacy", "as it is"),
    State("help", "as it is"),
    State("accessibility", "as it is"),
    State(ERROR, "not found", paths={"fr": "/rien", "en": "/en/nothing"}, status=404),
]


def look_a_word_up(keyboard: Keyboard, language: Language) -> None:
    """From help to the offers of a Region."""
    keyboard.expect("Liste complète" if language == "fr" else "Snapshot")
    keyboard.follow("a[href$='/regions/53']")
    keyboard.expect("Bretagne")


JOURNEYS = [
    Journey("help", "to a Region", look_a_word_up),
    Journey("legal", "read the accessibility statement", read_the_statement),
]
