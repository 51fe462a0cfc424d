"""States and journeys of the page that connects a platform."""

from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page as Tab

from gateway.pages.connect.request import REQUEST
from gateway.protocol.join_request import JoinRequest
from schemas.rulebook import Language
from tests.browser.keyboard import Keyboard
from tests.notices.persons import ASKING, CONFIRMING, OPEN, token_of
from tests.pages.deployment import SECRET
from tests.pages.visit import Journey, State

FEEDS = Path(__file__).parents[2] / "formats" / "drafting"
TIE = FEEDS / "10-odata.json"
"""A feed with two equally good links."""
READY = FEEDS / "01-rss.xml"
"""A feed of which every required field is found."""
UNKNOWN = FEEDS / "08-annonces.xml"
"""A feed with sectors that are in no list."""


def _of(request: JoinRequest) -> dict[Language, str]:
    """The address of a request's mail."""
    return {language: path + token_of(request, SECRET) for language, path in REQUEST.items()}


def read(tab: Tab, sample: Path) -> None:
    """Send a sample."""
    tab.set_input_files("input[name=sample]", str(sample))
    with tab.expect_navigation():
        tab.click("form:not(.study) button[value=open]")


def unfold(tab: Tab) -> None:
    """Open all details."""
    tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


def with_a_choice(tab: Tab, _language: Language) -> None:
    """A sample of which one field waits for a choice."""
    read(tab, TIE)
    assert tab.locator("tr.open").count() == 1


def with_everything_open(tab: Tab, _language: Language) -> None:
    """Unknown values, settings and optional fields unfolded, a choice made, a fixed value refused."""
    read(tab, UNKNOWN)
    unfold(tab)
    tab.fill("[name='other.title']", "texte")
    tab.fill("[name='fixed.employer.website']", "http://192.0.2.1/")
    with tab.expect_navigation():
        tab.click("button.main[value=study]")
    unfold(tab)
    assert tab.locator("[aria-invalid=true]").count() == 1


def with_nothing_to_read(tab: Tab, _language: Language) -> None:
    """A text without offers."""
    tab.fill("textarea", "bonjour")
    with tab.expect_navigation():
        tab.click("button[value=open]")


def with_an_altered_state(tab: Tab, _language: Language) -> None:
    """A form whose state is not the gateway's."""
    read(tab, TIE)
    tab.evaluate("document.querySelector('[name=state]').value = 'x'")
    with tab.expect_navigation():
        tab.click("button.main[value=study]")


def with_an_unknown_path(tab: Tab, _language: Language) -> None:
    """A path that the sample does not have, and a sector typed by its name."""
    read(tab, UNKNOWN)
    unfold(tab)
    tab.fill("[name='other.title']", "nulle/part")
    tab.fill("[name='named.0']", "Hôtellerie, restauration")
    with tab.expect_navigation():
        tab.click("button.main[value=study]")
    assert "nulle/part" == tab.input_value("[name='other.title']")
    assert "s26" == tab.input_value("[name='meaning.sector.0']")


def with_a_wrong_request(tab: Tab, _language: Language) -> None:
    """A request without a name, with an address that cannot be read."""
    read(tab, READY)
    tab.fill("[name='request.feed']", "http://flux.example/offres")
    tab.fill("[name='request.mail']", "personne")
    with tab.expect_navigation():
        tab.click("button[value=send]")
    assert tab.locator("[aria-invalid=true]").count() == 3


def send_to_the_operator(keyboard: Keyboard, language: Language) -> None:
    """From a pasted sample to the mail that confirms."""
    keyboard.to("textarea").type(READY.read_text()).follow("button[value=open]")
    keyboard.to("[name='request.name']").type("Plateforme d’essai")
    keyboard.to("[name='request.feed']").type("https://flux.example/offres.xml")
    keyboard.to("[name='request.mail']").type("essai@example.org")
    keyboard.follow("button[value=send]")
    keyboard.expect("en route vers" if language == "fr" else "on its way to")


def confirm_a_request(keyboard: Keyboard, language: Language) -> None:
    """From the address of the mail to a request that the operator sees."""
    parts = urlsplit(keyboard.page.url)
    path = REQUEST[language] + token_of(CONFIRMING[language], SECRET)
    keyboard.page.goto(f"{parts.scheme}://{parts.netloc}{path}", wait_until="networkidle")
    keyboard.follow("main button.main")
    keyboard.expect("demande est confirmée" if language == "fr" else "request is confirmed")


def connect_a_feed(keyboard: Keyboard, language: Language) -> None:
    """Paste a sample, make the one choice, correct a field, and get to the download."""
    keyboard.to("textarea").type(TIE.read_text()).follow("button[value=open]")
    keyboard.expect("Url1 : https://").to("tr.open select").press("ArrowDown")
    keyboard.to("button[value=study]")
    with keyboard.page.expect_navigation():
        keyboard.press("Enter")
    keyboard.expect("choisi par vous" if language == "fr" else "chosen by you")
    keyboard.to("button[value=download]")


STATES = [
    State("connect", "empty"),
    State("connect", "a choice waits", with_a_choice),
    State("connect", "everything unfolded", with_everything_open),
    State("connect", "no offers", with_nothing_to_read, then=422),
    State("connect", "altered state", with_an_altered_state, then=400),
    State("connect", "an unknown path", with_an_unknown_path, then=422),
    State("connect", "a wrong request", with_a_wrong_request, then=422),
    State("connect_request", "nobody"),
    State("connect_request", "asked to confirm", paths=_of(ASKING)),
    State("connect_request", "confirmed", paths=_of(OPEN)),
]
JOURNEYS = [
    Journey("connect", "from a sample to the profile", connect_a_feed),
    Journey("connect", "from a sample to a request", send_to_the_operator),
    Journey("connect_request", "confirm a request", confirm_a_request),
]
