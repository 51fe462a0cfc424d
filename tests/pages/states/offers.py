"""States and journeys of the pages of public offers."""

from playwright.sync_api import Page as Tab

from schemas.rulebook import Language
from tests.browser.keyboard import Keyboard
from tests.pages.visit import Journey, State

_LIST: dict[Language, str] = {"fr": "/offres", "en": "/en/offers"}
_ONE = "bretagne:2026-000002"


def _with(query: str) -> dict[Language, str]:
    return {language: f"{path}?{query}" for language, path in _LIST.items()}


def unfold(tab: Tab, _language: Language) -> None:
    """Open all details."""
    tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


def find_an_offer(keyboard: Keyboard, language: Language) -> None:
    """From the search to an offer, to the page of its department, and to all offers there."""
    keyboard.to("#q").type("bretagne")
    keyboard.to("#level")
    keyboard.page.locator("#q").fill("")
    keyboard.follow("main button.main")
    keyboard.follow("tbody a")
    keyboard.expect("Signaler cette offre" if language == "fr" else "Report this offer")
    keyboard.follow("dl a")
    keyboard.expect("par jour" if language == "fr" else "by day")
    keyboard.follow("main a.button")
    keyboard.expect("Offres de stage" if language == "fr" else "Internship offers")


STATES = [
    State("public_offers", "newest"),
    State("public_offers", "unfolded", unfold),
    State("public_offers", "none found", paths=_with("q=zzzz")),
    State("public_offers", "unknown department", paths=_with("department=zz"), status=400),
    State("public_offers_region", "a Region", unfold),
    State("public_offers_region", "overseas", paths={"fr": "/regions/04", "en": "/en/regions/04"}),
    State("public_offers_department", "a department", unfold),
    State(
        "public_offers_department", "unknown", paths={"fr": "/departements/0", "en": "/en/departments/0"}, status=404
    ),
    State("public_offers_one", "one", paths={language: f"{path}/{_ONE}" for language, path in _LIST.items()}),
    State(
        "public_offers_one",
        "unknown",
        paths={language: f"{path}/bretagne:0" for language, path in _LIST.items()},
        status=404,
    ),
]
JOURNEYS = [Journey("public_offers", "find an offer", find_an_offer)]
