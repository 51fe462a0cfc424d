"""States and journeys of the operator's pages of the journal."""

from playwright.sync_api import Page as Tab

from schemas.rulebook import Language
from tests.browser.keyboard import Keyboard
from tests.pages.journal.acts import OTHER, WHY
from tests.pages.visit import Journey, State


def _path(query: str, sub: tuple[str, str] = ("", "")) -> dict[Language, str]:
    return {"fr": f"/exploitation/registre{sub[0]}?{query}", "en": f"/en/operate/journal{sub[1]}?{query}"}


def ask_for_nobody(tab: Tab, _language: Language) -> None:
    """A name that the journal does not have."""
    tab.fill("#name", "zzzz")
    with tab.expect_navigation():
        tab.click("main button.main")
    assert 1 == tab.locator("#name-error").count()


def confirm(tab: Tab, _language: Language) -> None:
    """The confirmation, before anything is erased."""
    tab.fill("#name", OTHER)
    with tab.expect_navigation():
        tab.click("main button.main")
    assert OTHER in tab.inner_text("h1")


def find_acts(keyboard: Keyboard, language: Language) -> None:
    """By person and platform, then the acts before them."""
    keyboard.to("#filter summary").press("Enter")
    keyboard.to("#about").type("bretagne")
    keyboard.to("#person").type(OTHER)
    keyboard.follow("main button.main")
    keyboard.expect(OTHER)
    keyboard.follow("main a.button")
    keyboard.expect(WHY)
    keyboard.follow("a[href*='before=']")
    keyboard.expect("Actes les plus récents" if language == "fr" else "Newest acts")


def check(keyboard: Keyboard, language: Language) -> None:
    """The chain and the gateway."""
    keyboard.follow("main a[href$='/controle'], main a[href$='/checks']")
    keyboard.expect("entière" if language == "fr" else "whole")


STATES = [
    State("journal", "newest"),
    State("journal", "none found", paths=_path("about=zzzz")),
    State("journal", "a wrong day", paths=_path("since=x"), status=400),
    State("journal", "older", paths=_path("before=10")),
    State("journal", "oldest first", paths=_path("order=oldest")),
    State("journal_checks", "whole"),
    State("journal_erase", "which name"),
    State("journal_erase", "nobody", ask_for_nobody, then=422),
    State("journal_erase", "confirm", confirm),
]
JOURNEYS = [Journey("journal", "find acts", find_acts), Journey("journal", "check", check)]
