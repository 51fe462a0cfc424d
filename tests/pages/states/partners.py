"""States and journeys of the operator's pages of platforms."""

from collections.abc import Mapping

from playwright.sync_api import Page as Tab

from schemas.rulebook import Language
from tests.browser.keyboard import Keyboard
from tests.pages.visit import Journey, State

ONE: Mapping[Language, str] = {"fr": "/exploitation/plateforme", "en": "/en/operate/platform"}
_OWN: dict[Language, str] = {language: f"{path}?slug=exploitation" for language, path in ONE.items()}


def _one(slug: str, act: Mapping[Language, str] | None = None) -> dict[Language, str]:
    return {language: f"{path}{act[language] if act else ''}?slug={slug}" for language, path in ONE.items()}


def send_nothing(tab: Tab, _language: Language) -> None:
    """An unknown platform, without a right and without keys."""
    tab.fill("#slug", "unknown")
    for scope in ("offers:publish", "offers:read"):
        tab.uncheck(f"input[value='{scope}']")
    tab.check("input[name=credential][value=jwks]")
    with tab.expect_navigation():
        tab.click("main button.main")
    assert 2 == tab.locator(".error[id$=-error]").count()
    assert "unknown" == tab.input_value("#slug")


def make_a_secret(tab: Tab, _language: Language) -> None:
    """Displayed once."""
    tab.click("#rotate summary")
    with tab.expect_navigation():
        tab.click("main button.main")
    assert tab.locator("dd code").last.inner_text().startswith("passerelle_")


def make_a_link(tab: Tab, _language: Language) -> None:
    """Displayed once."""
    tab.click("#link summary")
    tab.fill("#person", "NOM")
    with tab.expect_navigation():
        tab.click("form:has(#person) button")
    assert "link=" in tab.locator("dd code").last.inner_text()


def revoke_without_a_reason(tab: Tab, _language: Language) -> None:
    """Refused beside the field."""
    with tab.expect_navigation():
        tab.click("main button.main")
    assert 1 == tab.locator("#why-error").count()


def onboard(keyboard: Keyboard, language: Language) -> None:
    """From the list to the secret of a new platform."""
    keyboard.follow("main a.button.main")
    keyboard.to("#slug").type(f"essai-{language}")
    keyboard.to("#name").type("Plateforme d’essai")
    keyboard.to("#why").type("Convention signée")
    keyboard.follow("main button.main")
    keyboard.expect("passerelle_").expect("affiché une seule fois" if language == "fr" else "displayed once")


def rotate(keyboard: Keyboard, language: Language) -> None:
    """From the list to a new secret of a platform, the former one of which ends at once."""
    keyboard.follow("tbody a[href$='=occitanie']")
    keyboard.to("#rotate summary").press("Enter")
    keyboard.to("#overlap")
    for _ in "168":
        keyboard.press("Backspace")
    keyboard.type("0")
    keyboard.follow("form:has(#overlap) button")
    keyboard.expect("ne sert plus" if language == "fr" else "no longer valid")


def revoke(keyboard: Keyboard, language: Language) -> None:
    """A new platform, its page, what its revocation ends, and the confirmation."""
    slug = f"ancienne-{language}"
    keyboard.follow("main a.button.main")
    keyboard.to("#slug").type(slug)
    keyboard.to("#name").type("Ancienne plateforme")
    keyboard.follow("main button.main")
    keyboard.follow("main a.button")
    keyboard.follow("a.button[href*='retirer'], a.button[href*='revoke']")
    keyboard.expect("Rien n’est fait avant" if language == "fr" else "Nothing is done before")
    keyboard.to("#why").type("Fin de la convention")
    keyboard.follow("main button.main")
    keyboard.expect("L’accès est retiré." if language == "fr" else "The access is revoked.")


_REVOKE: Mapping[Language, str] = {"fr": "/retirer", "en": "/revoke"}
_ALTER: Mapping[Language, str] = {"fr": "/modifier", "en": "/alter"}
STATES = [
    State("partners", "all"),
    State("partners_new", "empty"),
    State("partners_new", "wrong", send_nothing, then=422),
    State("partners_one", "a platform", paths=_one("bretagne")),
    State("partners_one", "the own one", paths=_OWN),
    State("partners_one", "a new secret", make_a_secret, paths=_one("occitanie")),
    State("partners_one", "a link", make_a_link, paths=_one("occitanie")),
    State("partners_alter", "a platform", paths=_one("bretagne", _ALTER)),
    State("partners_revoke", "what ends", paths=_one("bretagne", _REVOKE)),
    State(
        "partners_revoke", "without a reason", revoke_without_a_reason, paths=_one("exploitation", _REVOKE), then=422
    ),
]
JOURNEYS = [
    Journey("partners", "onboard a platform", onboard),
    Journey("partners", "rotate a secret", rotate),
    Journey("partners", "revoke a platform", revoke),
]
