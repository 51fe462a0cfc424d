"""States and journeys of the pages of a platform."""

from playwright.sync_api import Page as Tab

from schemas.rulebook import Language
from tests.browser.keyboard import Keyboard
from tests.pages.deployment import MODERATED
from tests.pages.visit import Journey, State

_OFFER = "tbody a"
_OFFERS: dict[Language, str] = {"fr": "/plateforme/offres", "en": "/en/platform/offers"}


def _offer(offer_id: str) -> dict[Language, str]:
    """The page of one offer."""
    return {"fr": f"/plateforme/offre?id={offer_id}", "en": f"/en/platform/offer?id={offer_id}"}


def unfold(tab: Tab, _language: Language) -> None:
    """Open all details."""
    tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


def open_an_offer(tab: Tab, _language: Language) -> None:
    """The first offer of the list."""
    with tab.expect_navigation():
        tab.locator(_OFFER).first.click()
    assert tab.locator(".timeline li").count() >= 1


def refused_deliveries(tab: Tab, _language: Language) -> None:
    """Those of one state."""
    with tab.expect_navigation():
        tab.click("a[href$='state=refused']")
    assert tab.locator("table.fold").count() == 1


def end_the_agreement(tab: Tab, _language: Language) -> None:
    """Asked once more, with the number of offers."""
    with tab.expect_navigation():
        tab.click("section[aria-labelledby=public-heading] button")
    assert 1 == tab.locator("main input[name=sure]").count()


def want_a_wrong_subscription(tab: Tab, _language: Language) -> None:
    """A url that is none of an endpoint, a box that is none, and a Region."""
    unfold(tab, _language)
    tab.fill("input[name=name]", "Pas un nom")
    tab.fill("input[name=url]", "http://127.0.0.1/x")
    tab.fill("input[name=bbox]", "1,2,3")
    tab.check("input[name=region][value='53']")
    with tab.expect_navigation():
        tab.click("main form button.main")
    assert 3 == tab.locator("main .field.wrong").count()


def make_a_secret(tab: Tab, _language: Language) -> None:
    """A new secret, displayed once."""
    with tab.expect_navigation():
        tab.click("main button.main")
    assert tab.locator("dd code").last.inner_text().startswith("passerelle_")


def find_an_offer(keyboard: Keyboard, language: Language) -> None:
    """From what is to do to the history of an offer, by the search."""
    keyboard.to(".menu summary").press("Enter")
    keyboard.follow("nav li:nth-child(2) a")
    offer = keyboard.page.locator("tbody small").first.inner_text()
    keyboard.to("#q").type(offer)
    keyboard.follow("main button.main")
    keyboard.follow(_OFFER)
    keyboard.expect(offer).expect("Histoire de l’offre" if language == "fr" else "History of the offer")


def read_why(keyboard: Keyboard, language: Language) -> None:
    """From what is to do to the offers that the operator withdrew, and to the history of one."""
    french = language == "fr"
    keyboard.follow("a[href='#moderations']")
    keyboard.expect("qui a déménagé")
    keyboard.follow("main a[href*='2026-000026']")
    keyboard.expect("Retirée par l’exploitant" if french else "Withdrawn by the operator").expect("qui a déménagé")


def replace_the_secret(keyboard: Keyboard, language: Language) -> None:
    """Choose when the present one ends, and make a new one."""
    keyboard.to("input[name=overlap]").press("ArrowDown")
    keyboard.press("ArrowUp")
    keyboard.follow("main button.main")
    keyboard.expect("affiché une seule fois" if language == "fr" else "displayed once")


STATES = [
    State("today", "things to do", unfold),
    State("offers", "all"),
    State("offers", "none found", paths={"fr": "/plateforme/offres?q=zzzz", "en": "/en/platform/offers?q=zzzz"}),
    State("offers_history", "its history", open_an_offer),
    State("offers_history", "moderated", paths=_offer(MODERATED.format(26))),
    State("offers_history", "its moderation lifted", paths=_offer(MODERATED.format(27))),
    State("offers_history", "refused on reception", paths=_offer("bretagne:2027-0044-atelier")),
    State("offers", "not online", paths={one: f"{path}?q=2026-000027" for one, path in _OFFERS.items()}),
    State("offers", "asked whether to end the agreement", end_the_agreement),
    State("deliveries", "by state"),
    State("deliveries", "refused", refused_deliveries),
    State("pushes", "no subscription"),
    State("pushes", "the form with faults", want_a_wrong_subscription, then=422),
    State("keys", "as they are"),
    State("keys", "a new secret", make_a_secret),
    State("figures", "thirty days", unfold),
]
JOURNEYS = [
    Journey("today", "find an offer", find_an_offer),
    Journey("today", "why the operator withdrew an offer", read_why),
    Journey("keys", "replace the secret", replace_the_secret),
]
