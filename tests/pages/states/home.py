"""States and journeys of the home page."""

from schemas.rulebook import Language
from tests.browser.keyboard import Keyboard
from tests.pages.visit import Journey, State


def change_the_language(keyboard: Keyboard, language: Language) -> None:
    """From the home page to the other language and back."""
    other = "en" if language == "fr" else "fr"
    keyboard.follow(f'a[hreflang="{other}"]')
    assert keyboard.page.locator("html").get_attribute("lang") == other
    keyboard.follow(f'a[hreflang="{language}"]')
    assert keyboard.page.locator("html").get_attribute("lang") == language


def skip_the_header(keyboard: Keyboard, _language: Language) -> None:
    """The first thing that Tab reaches skips the header."""
    keyboard.to("a.skip").press("Enter")
    assert keyboard.page.url.endswith("#main")
    keyboard.to("footer a")


def open_the_table_of_departments(keyboard: Keyboard, _language: Language) -> None:
    """The figures of the map are in a table that a key opens."""
    table = keyboard.page.locator("#departments table")
    assert not table.is_visible()
    keyboard.to("#departments summary").press("Enter")
    assert table.is_visible()


def go_to_all_sectors(keyboard: Keyboard, _language: Language) -> None:
    """The link below the first sectors opens the table of all."""
    keyboard.to('a[href="#sectors-figures"]').press("Enter")
    assert keyboard.page.locator("#all-sectors table").is_visible()


STATES = [State("home", "as it is")]
JOURNEYS = [
    Journey("home", "change the language", change_the_language),
    Journey("home", "skip the header", skip_the_header),
    Journey("home", "open the table of departments", open_the_table_of_departments),
    Journey("home", "go to all sectors", go_to_all_sectors),
]
