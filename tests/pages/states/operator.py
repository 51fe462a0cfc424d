"""States and journeys of the operator's pages of systems, refusals and offers."""

from playwright.sync_api import Page as Tab

from schemas.rulebook import Language
from tests.browser.chromium import NARROW, WIDE, content_width
from tests.browser.keyboard import Keyboard
from tests.pages.feeds import FAILING, PAUSED, WAITING
from tests.pages.visit import Journey, State

_MODERATED = "normandie:2026-00000{}"
_SYSTEMS: dict[Language, str] = {"fr": "/exploitation", "en": "/en/operate"}
_OFFER: dict[Language, str] = {"fr": "/exploitation/offre", "en": "/en/operate/offer"}
_TWICE: dict[Language, str] = {
    "fr": f"{_OFFER['fr']}?id=normandie:2026-000003",
    "en": f"{_OFFER['en']}?id=normandie:2026-000004",
}
_CHOSEN: dict[Language, str] = {"fr": "2026-00001", "en": "2026-00002"}
_REFUSALS: dict[Language, str] = {"fr": "/exploitation/refus", "en": "/en/operate/refusals"}


_CROWDED = """(width) => {
    const texts = [...document.querySelectorAll(".flow text")];
    const boxes = texts.map((one) => [one.textContent, one.getBoundingClientRect()]);
    const meet = (a, b) => a.left < b.right && b.left < a.right && a.top + 1 < b.bottom && b.top + 1 < a.bottom;
    return [
        ...(boxes.length > 15 ? [] : ["few labels"]),
        ...boxes.filter(([, box]) => box.left < 0 || box.right > width || !box.width).map(([text]) => text),
        ...boxes.flatMap(([text, box], i) => boxes.slice(i + 1).filter(([, one]) => meet(box, one))
            .map(([other]) => `${text} | ${other}`)),
    ];
}"""
"""The labels that leave the window, are hidden, or meet another one."""
_TABLES = """() => [...document.querySelectorAll("#flow-tables table")].map(
    (one) => one.checkVisibility() ? "visible" : "hidden")"""


def at(paths: dict[Language, str], query: str) -> dict[Language, str]:
    """The page with this query."""
    return {language: f"{path}?{query}" for language, path in paths.items()}


def unfold(tab: Tab, _language: Language) -> None:
    """Open all details."""
    tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


def send_nothing(tab: Tab, _language: Language) -> None:
    """A form without a reason."""
    with tab.expect_navigation():
        tab.click("main button.main")
    assert tab.locator(".field.wrong").count() == 1


def pause_again(tab: Tab, _language: Language) -> None:
    """A feed that is paused already."""
    tab.fill("#reason", "Encore")
    with tab.expect_navigation():
        tab.click("main button.main")
    assert tab.locator("[role=alert].error").count() == 1


def ask(tab: Tab, _language: Language) -> None:
    """A reason with contact data: the consequences, and what was removed."""
    tab.fill("#reason", "Signalé par personne@example.org")
    with tab.expect_navigation():
        tab.click("main button.main")
    assert "[…]" in tab.locator(".notice").inner_text()


def moderate_twice(tab: Tab, language: Language) -> None:
    """The second form again, as it was before the act: it says that nothing was done, by whom it was done, and why."""
    ask(tab, language)
    fields = {one: tab.locator(f"main input[name={one}]").input_value() for one in ("act", "sequence", "reason")}
    with tab.expect_navigation():
        tab.click("main button.main")
    tab.evaluate(
        """(fields) => {
            const form = document.querySelector("main form");
            form.reset();
            form.elements.act.value = fields.act;
            form.elements.reason.value = fields.reason;
            const sequence = Object.assign(document.createElement("input"), { name: "sequence" });
            sequence.value = fields.sequence;
            form.append(sequence);
        }""",
        fields,
    )
    with tab.expect_navigation():
        tab.click("main button.main")
    assert tab.locator("h1 .shape.blocked").count() == 1


def see_the_pictures(tab: Tab, _language: Language) -> None:
    """The labels of the flow have room, on paper too; in a narrow window only its tables are displayed."""
    for media, width in (("screen", WIDE), ("screen", 800), ("print", 700)):
        tab.emulate_media(media=media)  # type: ignore[arg-type]  # one of the two
        tab.set_viewport_size({"width": width, "height": 800})
        assert [] == tab.evaluate(_CROWDED, width), (media, width)
    tab.emulate_media(media="screen")
    tab.set_viewport_size({"width": NARROW, "height": 800})
    assert not tab.locator(".flow").is_visible()
    unfold(tab, _language)
    assert ["visible", "visible"] == tab.evaluate(_TABLES)


def open_the_figures(keyboard: Keyboard, language: Language) -> None:
    """The figures of the flow are in tables that a key opens, and so is the map with its own."""
    page = keyboard.page
    assert not page.locator("#territory table").is_visible()
    keyboard.to("#map summary").press("Enter")
    assert page.locator("#territory table").is_visible()
    assert not page.locator("#flow-tables").is_visible()
    keyboard.to("#flow-figures summary").press("Enter")
    for table in page.locator("#flow-tables table").all():
        assert table.is_visible()
    keyboard.expect("Ensemble" if language == "fr" else "All")


def pause_and_resume(keyboard: Keyboard, language: Language) -> None:
    """The button of the table, the reason, the notice; and back."""
    french = language == "fr"
    keyboard.follow(f"a[href$='act=pause&platform={FAILING}']")
    keyboard.to("#reason").type("Essai au clavier")
    keyboard.follow("main button.main")
    keyboard.expect("est suspendu partout" if french else "is paused everywhere")
    keyboard.expect("Essai au clavier")
    keyboard.follow(f"a[href$='act=resume&platform={FAILING}']")
    keyboard.follow("main button.main")
    keyboard.expect("est repris" if french else "is resumed")


def find_why(keyboard: Keyboard, language: Language) -> None:
    """Two links: the count of a system, then the rule; and on to an offer."""
    keyboard.follow("a[href*='platform=bretagne']")
    keyboard.expect("n’est pas une semaine ISO" if language == "fr" else "is not an ISO week")
    keyboard.follow("a[href*='rule=week-malformed']")
    keyboard.follow("a[href*='bretagne%3Arefused']")
    keyboard.expect("Elle n’est pas en ligne" if language == "fr" else "It is not online")


def moderate_and_lift(keyboard: Keyboard, language: Language) -> None:
    """Found by its id, moderated with a reason, and that lifted."""
    french = language == "fr"
    offer_id = _MODERATED.format(1 if french else 2)
    keyboard.to("#q").type(offer_id)
    keyboard.follow("main button.main")
    keyboard.follow("tbody a")
    keyboard.to("#reason").type("Adresse fausse")
    keyboard.follow("main button.main")
    keyboard.expect("Retirer cette offre" if french else "Withdraw this offer")
    keyboard.follow("main button.main")
    keyboard.expect("L’offre est retirée" if french else "The offer is withdrawn").expect("Adresse fausse")
    assert NARROW == content_width(keyboard.page)
    keyboard.to("#reason").type("Adresse corrigée")
    keyboard.follow("main button.main")
    keyboard.follow("main button.main")
    keyboard.expect("Le retrait est levé" if french else "The withdrawal is lifted").expect("Adresse corrigée")


def choose(tab: Tab, _language: Language) -> None:
    """Two rows, and the first act."""
    boxes = tab.locator("input[name=id]")
    boxes.nth(0).check()
    boxes.nth(1).check()
    with tab.expect_navigation():
        tab.click("button[name=act]")


def pause_without_a_reason(tab: Tab, language: Language) -> None:
    """Two feeds."""
    for slug in (FAILING, WAITING):
        tab.check(f"#choose-{slug}")
    with tab.expect_navigation():
        tab.click("button[name=act][value=pause]")
    send_nothing(tab, language)


def choose_nothing(tab: Tab, _language: Language) -> None:
    with tab.expect_navigation():
        tab.click("button[name=act]")
    assert tab.locator("h1 .shape.blocked").count() == 1


def act_in_part(tab: Tab, _language: Language) -> None:
    """What may be done about the one offer, and a second row that was never accepted."""
    tab.check("input[name=id]")
    with tab.expect_navigation():
        tab.click("button[name=act]")
    tab.fill("#reason", "Essai")
    tab.evaluate(
        """() => {
            const item = Object.assign(document.createElement("input"), { name: "item", type: "hidden" });
            item.value = "0 normandie:never";
            document.querySelector("main form").append(item);
        }"""
    )
    with tab.expect_navigation():
        tab.click("main button.main")
    assert tab.locator("h1 .shape.look").count() == 1


def act_on_a_selection(keyboard: Keyboard, language: Language) -> None:
    """Two offers of a platform are ticked, withdrawn with one reason, and given back."""
    french = language == "fr"
    words = ("2 offres retirées sur 2", "2 retraits levés sur 2") if french else ("2 offers of 2", "2 withdrawals of 2")
    keyboard.follow("main a.button")
    keyboard.to("#q").type(_CHOSEN[language])
    keyboard.follow("main button.main")
    for act, done in zip(("moderate", "lift"), words, strict=True):
        keyboard.to("input[name=id]").press("Space").to("input[name=id]").press("Space")
        keyboard.follow(f"button[value={act}]")
        keyboard.to("#reason").type("Essai au clavier")
        keyboard.follow("main button.main")
        keyboard.expect(done)
        assert NARROW == content_width(keyboard.page)
        if act == "moderate":
            keyboard.page.goto(
                keyboard.page.url.replace("selection", "offre" if french else "offer") + "?state=moderated"
                f"&q={_CHOSEN[language]}"
            )


STATES = [
    State("systems", "exceptions first"),
    State("systems", "pictures", see_the_pictures),
    State(
        "systems", "pause without a reason", send_nothing, paths=at(_SYSTEMS, f"act=pause&platform={FAILING}"), then=422
    ),
    State("systems", "already paused", pause_again, paths=at(_SYSTEMS, f"act=pause&platform={PAUSED}"), then=409),
    State("systems", "confirm a run", paths=at(_SYSTEMS, f"act=run&platform={WAITING}")),
    State("refusals", "all", unfold),
    State("refusals", "none", paths=at(_REFUSALS, "day=2020-01-01")),
    State("partners_pushes", "none"),
    State("moderation", "search"),
    State("moderation", "one offer", unfold, paths=at(_OFFER, "id=bretagne:2026-000001")),
    State("moderation", "only refused", paths=at(_OFFER, "id=bretagne:refused-1")),
    State("moderation", "consequences", ask, paths=at(_OFFER, "id=bretagne:2026-000002")),
    State("moderation", "asked twice", moderate_twice, paths=_TWICE, then=409),
    State("moderation", "withdrawn by the operator", paths=at(_OFFER, "state=moderated")),
    State("selection", "offers", choose, paths=at(_OFFER, "platform=bretagne")),
    State("selection", "feeds without a reason", pause_without_a_reason, paths=_SYSTEMS, then=422),
    State("selection", "nothing", choose_nothing, paths=_OFFER, then=422),
    State("selection", "in part", act_in_part, paths=at(_OFFER, "q=normandie:2026-000029")),
]
JOURNEYS = [
    Journey("systems", "pause and resume", pause_and_resume),
    Journey("systems", "open the figures", open_the_figures),
    Journey("systems", "why offers were refused", find_why),
    Journey("moderation", "moderate and lift", moderate_and_lift),
    Journey("selection", "moderate and lift two", act_on_a_selection),
]
