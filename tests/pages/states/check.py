"""States and journeys of the page "check an offer"."""

import json
from datetime import date
from typing import Any

from playwright.sync_api import FilePayload
from playwright.sync_api import Page as Tab

from demo.generator import generate
from gateway import clock
from gateway.protocol.paris_time import paris_date
from schemas.rulebook import Language
from tests.browser.keyboard import Keyboard
from tests.pages.check.offers import FEED, REFUSED
from tests.pages.visit import Journey, Reach, State


def sending(text: str, choice: str = "auto") -> Reach:
    """Paste a text and send it."""

    def reach(tab: Tab, _language: Language) -> None:
        tab.fill("#text", text)
        tab.select_option("#format", choice)
        tab.click("button.main")
        tab.wait_for_selector("#verdict")

    return reach


def uploading(name: str, content: bytes) -> Reach:
    """Upload a file and send it."""

    def reach(tab: Tab, _language: Language) -> None:
        tab.set_input_files("#file", FilePayload(name=name, mimeType="application/octet-stream", buffer=content))
        tab.click("button.main")
        tab.wait_for_selector("#verdict")

    return reach


def offers(number: int, wrong: float) -> list[Any]:
    today = date.fromisoformat(paris_date(clock.now()))
    return [json.loads(offer.raw) for offer in generate(1, "bretagne", number, today, wrong=wrong)]


def check_by_keyboard(keyboard: Keyboard, language: Language) -> None:
    """Paste an offer, choose nothing, send; the verdict is linked first, and its text is kept in the box."""
    keyboard.to("#text").type(REFUSED)
    keyboard.follow("button.main")
    verdict = "Refusée" if language == "fr" else "Refused"
    assert keyboard.expect(verdict).page.title().startswith(verdict)
    assert keyboard.page.locator("#text").input_value() == REFUSED
    assert keyboard.page.url.endswith("#verdict")


def fill_in(tab: Tab, _language: Language) -> None:
    """Fill the form of one offer in with faults, and send it."""
    tab.fill("[name=title]", "Atelier")
    tab.check("[name=levels][value=seconde]")
    tab.click("#further summary")
    tab.fill("[name=seats]", "beaucoup")
    tab.click("button.main")
    tab.wait_for_selector("#verdict")


def fill_in_by_keyboard(keyboard: Keyboard, language: Language) -> None:
    """From the page for texts to the form; an error is at its field."""
    keyboard.follow("main .lead a")
    keyboard.to("[name=title]").type("Atelier")
    keyboard.follow("main button.main")
    keyboard.expect("Refusée" if language == "fr" else "Refused")
    assert keyboard.page.locator("#description-error").count() == 1
    assert keyboard.page.locator("#title-error").count() == 0


STATES = [
    State("check_form", "empty"),
    State("check_form", "refused", fill_in),
    State("check", "empty form"),
    State("check", "refused", sending(REFUSED)),
    State("check", "accepted", sending(json.dumps(offers(1, 0.0)[0]))),
    State("check", "several", sending("\n".join(map(json.dumps, offers(30, 0.4))))),
    State("check", "feed", uploading("feed.xml", FEED)),
    State("check", "unreadable", uploading("a.pdf", b"%PDF-1.7 ...")),
]
JOURNEYS = [
    Journey("check", "fill in a form", fill_in_by_keyboard),
    Journey("check", "check an offer", check_by_keyboard),
]
