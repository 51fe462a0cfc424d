"""States and journeys of the operator's pages of requests to join."""

from collections.abc import Mapping

from playwright.sync_api import Page as Tab

from gateway.protocol.join_request import JoinRequest
from schemas.rulebook import Language
from tests.browser.keyboard import Keyboard
from tests.notices.persons import APPROVING, OPEN, REFUSING
from tests.pages.visit import Journey, State

ONE: Mapping[Language, str] = {"fr": "/exploitation/demande", "en": "/en/operate/request"}


def _of(request: JoinRequest) -> dict[Language, str]:
    return {language: f"{path}?id={request.id}" for language, path in ONE.items()}


def try_the_feed(tab: Tab, _language: Language) -> None:
    """A feed that cannot be read."""
    with tab.expect_navigation():
        tab.click("form:has(input[value=try]) button")
    assert 1 == tab.locator("section [role=status]").count()


def approve_nothing(tab: Tab, _language: Language) -> None:
    """A slug that cannot be one."""
    tab.fill("#slug", "Pas un slug")
    tab.check("input[name=untried]")
    with tab.expect_navigation():
        tab.click("form:has(input[value=approve]) button")
    assert 1 == tab.locator("#slug-error").count()
    assert "Pas un slug" == tab.input_value("#slug")


def approve_untried(tab: Tab, _language: Language) -> None:
    """Asked once more."""
    tab.fill("#slug", "un-slug")
    with tab.expect_navigation():
        tab.click("form:has(input[value=approve]) button")
    assert 1 == tab.locator("#untried-error").count()


def refuse_without_a_reason(tab: Tab, _language: Language) -> None:
    """Refused beside the field."""
    with tab.expect_navigation():
        tab.click("form:has(input[value=refuse]) button")
    assert 1 == tab.locator("#why_refuse-error").count()


def approve(keyboard: Keyboard, language: Language) -> None:
    """From the list to a new partner."""
    keyboard.follow(f"a[href$='id={APPROVING[language].id}']")
    keyboard.to("#slug").type(f"demande-{language}")
    keyboard.to("input[name=untried]").press("Space")
    keyboard.follow("form:has(input[value=approve]) button")
    keyboard.expect("La plateforme participe" if language == "fr" else "takes part")


def refuse(keyboard: Keyboard, language: Language) -> None:
    """From the list to a refusal."""
    keyboard.follow(f"a[href$='id={REFUSING[language].id}']")
    keyboard.to("#why_refuse").type("Ce flux est celui d’une autre plateforme")
    keyboard.follow("form:has(input[value=refuse]) button")
    keyboard.expect("La demande est refusée" if language == "fr" else "The request is refused")


STATES = [
    State("requests", "those that wait"),
    State("requests_one", "as it is", paths=_of(OPEN)),
    State("requests_one", "tried", try_the_feed, paths=_of(OPEN)),
    State("requests_one", "approved without a slug", approve_nothing, paths=_of(OPEN), then=422),
    State("requests_one", "approved without a trial", approve_untried, paths=_of(OPEN), then=422),
    State("requests_one", "refused without a reason", refuse_without_a_reason, paths=_of(OPEN), then=422),
]
JOURNEYS = [Journey("requests", "approve a request", approve), Journey("requests", "refuse a request", refuse)]
