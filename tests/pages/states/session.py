"""States and journeys of sign-in and sign-out."""

from typing import Literal
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import Page as Tab

from gateway.pages.session.view import ENTER, LINK
from schemas.rulebook import Language
from tests.browser.keyboard import Keyboard
from tests.pages.deployment import SECRET
from tests.pages.signing import link_of
from tests.pages.visit import ERROR, Journey, State

_WHOLE: Literal["networkidle"] = "networkidle"
"""A page is left only when its icon has arrived: a resource that is cut off is a complaint."""


def open_link(tab: Tab, language: Language) -> None:
    """Follow a link, as a mail scanner does."""
    tab.wait_for_load_state(_WHOLE)
    tab.goto(_origin(tab) + ENTER[language] + "?" + urlencode({LINK: link_of(SECRET, "normandie")}), wait_until=_WHOLE)
    assert 1 == tab.locator("button.main").count()


def sign_in(tab: Tab, language: Language) -> None:
    """Follow a link and press its button: Chromium names its origin and keeps the cookie."""
    open_link(tab, language)
    with tab.expect_navigation(wait_until=_WHOLE):
        tab.click("button.main")
    assert tab.url.endswith("/plateforme" if language == "fr" else "/en/platform")


def sign_out(tab: Tab, language: Language) -> None:
    """Sign in, then press the button of the header."""
    sign_in(tab, language)
    with tab.expect_navigation(wait_until=_WHOLE):
        tab.click(".aside button")
    assert "closed=1" in tab.url


def sign_in_and_out(keyboard: Keyboard, language: Language) -> None:
    """With a link of its own, from the button to the first page, around the area, to the end of the session."""
    open_link(keyboard.page, language)
    keyboard.follow("button.main")
    keyboard.page.wait_for_load_state(_WHOLE)
    keyboard.expect("Aujourd’hui" if language == "fr" else "Today")
    keyboard.follow(".until a")
    keyboard.page.wait_for_load_state(_WHOLE)
    keyboard.follow(".aside button")
    keyboard.expect("Votre session est fermée" if language == "fr" else "Your session is closed")
    keyboard.page.wait_for_load_state(_WHOLE)


def _origin(tab: Tab) -> str:
    parts = urlsplit(tab.url)
    return f"{parts.scheme}://{parts.netloc}"


STATES = [
    State("enter", "without a link"),
    State("enter", "a link", open_link),
    State("enter", "signed in", sign_in),
    State("enter", "signed out", sign_out),
    State("enter", "a wrong link", paths={"fr": "/connexion?link=x", "en": "/en/enter?link=x"}, status=403),
    State("session", "as it is"),
    State(ERROR, "no session", paths={"fr": "/plateforme", "en": "/en/platform"}, status=401),
]
JOURNEYS = [Journey("enter", "sign in and out", sign_in_and_out)]
