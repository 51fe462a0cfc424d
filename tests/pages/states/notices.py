"""States and journeys of contacts, of what comes to one, and of a link that a person asks for."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from playwright.sync_api import Page as Tab

from gateway.pages.notices.view import CONTACT, LEAVE
from schemas.rulebook import Language
from tests.browser.keyboard import Keyboard
from tests.notices.persons import AGREEING, CONFIRMED, LEAVING, WAITING, query_of
from tests.pages.deployment import SECRET
from tests.pages.states.partner import unfold
from tests.pages.visit import Journey, State

_OWN = query_of(CONFIRMED, SECRET)


def add_a_known_address(tab: Tab, _language: Language) -> None:
    """Refused, with what was typed."""
    tab.fill("#name", "Contact")
    tab.fill("#address", CONFIRMED.address)
    with tab.expect_navigation():
        tab.click("form:has(#name) button")
    assert CONFIRMED.address == tab.input_value("#address")


def erase(tab: Tab, _language: Language) -> None:
    """Asked once more."""
    with tab.expect_navigation():
        tab.click("main button[value=erase]")
    assert 1 == tab.locator("main input[name=sure]").count()


def choose(tab: Tab, _language: Language) -> None:
    """What comes, and when."""
    tab.select_option("#ends", "never")
    with tab.expect_navigation():
        tab.click("main button.main")
    assert 1 == tab.locator("[role=status]").count()


def ask(tab: Tab, _language: Language) -> None:
    """The answer is the same for every address."""
    tab.fill("#address", "inconnue@bretagne.example")
    with tab.expect_navigation():
        tab.click("main button.main")
    assert 1 == tab.locator("[role=status]").count()


def add_a_person(keyboard: Keyboard, language: Language) -> None:
    """To the notice that a mail is on its way."""
    keyboard.to("#name").type("Contact")
    keyboard.to("#address").type(f"nouvelle-{language}@bretagne.example")
    keyboard.follow("form:has(#name) button")
    keyboard.expect("est en route" if language == "fr" else "is on its way")


def agree_and_choose(keyboard: Keyboard, language: Language) -> None:
    """From the address of the mail to the choice of what comes."""
    _open(keyboard.page, CONTACT[language] + query_of(AGREEING[language], SECRET, confirm=True))
    keyboard.follow("main button.main")
    keyboard.to("#refusals").press("ArrowDown")
    keyboard.follow("main button.main")
    keyboard.expect("Vos choix sont enregistrés" if language == "fr" else "Your choices are saved")


def leave(keyboard: Keyboard, language: Language) -> None:
    """From the address of a mail to the end of all notices, in two steps."""
    _open(keyboard.page, LEAVE[language] + query_of(LEAVING[language], SECRET))
    keyboard.follow("main button.main")
    keyboard.expect("plus aucun avis" if language == "fr" else "no more notices")


def ask_for_a_link(keyboard: Keyboard, language: Language) -> None:
    """With an address that no contact has."""
    keyboard.to("#address").type("inconnue@bretagne.example")
    keyboard.follow("main button.main")
    keyboard.expect("trois par heure" if language == "fr" else "three an hour")


def _open(tab: Tab, path: str) -> None:
    parts = urlsplit(tab.url)
    tab.goto(f"{parts.scheme}://{parts.netloc}{path}", wait_until="networkidle")


def _paths(paths: Mapping[Language, str], query: str) -> dict[Language, str]:
    return {language: path + query for language, path in paths.items()}


STATES = [
    State("contacts", "as they are", unfold),
    State("contacts", "a known address", add_a_known_address, then=409),
    State("contacts", "asked whether to erase one", erase),
    State("contact", "nobody"),
    State("contact", "asked to agree", paths=_paths(CONTACT, query_of(WAITING, SECRET, confirm=True))),
    State("contact", "what comes", paths=_paths(CONTACT, _OWN)),
    State("contact", "chosen", choose, paths=_paths(CONTACT, _OWN)),
    State("contact_end", "nobody"),
    State("contact_end", "one click", paths=_paths(LEAVE, _OWN)),
    State("ask_link", "a form"),
    State("ask_link", "sent", ask),
]
JOURNEYS = [
    Journey("contacts", "add a person", add_a_person),
    Journey("contact", "agree and choose", agree_and_choose),
    Journey("contact_end", "leave", leave),
    Journey("ask_link", "ask for a link", ask_for_a_link),
]
