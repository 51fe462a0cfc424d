"""The operator's pages of the national site over HTTP: what is due, and orders, a dry run first."""

import re
from collections.abc import Mapping
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

import schemas
from gateway.bootstrap.pages import page_ports
from gateway.federation.national import NationalSite
from gateway.pages.base.page import Answer
from gateway.pages.base.templates import Templates
from gateway.pages.base.texts import texts_of
from gateway.pages.national.model import accounts_of, found_in, lines_of
from gateway.pages.national.view import MAX_REFUSED
from gateway.pages.site import all_pages
from gateway.protocol.delivery import AccountPlan, Delivery, DeliveryPart, State, delivery_record
from gateway.protocol.delivery_order import Adopt, Reconcile, Replay
from gateway.protocol.identity import partition_of
from gateway.protocol.partner import Partner
from gateway.protocol.record import utc
from gateway.protocol.topic import DELIVERIES
from gateway.store.deliveries import DeliverySummary
from schemas.rulebook import LANGUAGES
from tests.harness import SECONDS, URL
from tests.pages.desk import Desk, operator_of
from tests.pages.national.seeded import ACCOUNT, QUEUE, Owner, note, write_note
from tests.pages.partner.seeded import offers, publish
from tests.pages.signing import OPERATOR, SIGNED, cookie_of
from tests.pages.site import PageHarness

pytestmark = pytest.mark.slow

PATH, PLAN, ORDER = (f"/exploitation/site-national{sub}" for sub in ("", "/plan", "/ordre"))
NOW = 1_796_000_000_000
COMPARED = {
    "matched": 3,
    "missing": {"count": 0, "remote_ids": []},
    "extra": {"count": 30, "remote_ids": [str(number) for number in range(30)]},
    "differing": {"count": 1, "fields": {"r1": ["title", "weeks"]}},
    "doubled": {"count": 0, "remote_ids": []},
    "visible": "waiting-for-right",
    "not_visible": 0,
    "beyond_account": 2,
}
SAME: Mapping[str, Any] = {
    **COMPARED,
    "extra": {"count": 0, "remote_ids": []},
    "differing": {"count": 0, "fields": {}},
}
ADOPTABLE = {
    "listed": 9,
    "unreadable": 0,
    "matched": 7,
    "missing": {"count": 1, "offers": ["bretagne:1 lycee"]},
    "extra": {"count": 2, "remote_ids": ["x", "y"]},
    "unreachable": {"count": 0, "remote_ids": []},
}
_SEEN = re.compile(r'name="seen" value="([^"]+)"')


@pytest.fixture
async def desk(site: PageHarness) -> Desk:
    federation = site.harness.federation
    await federation.partners.save(
        Partner(platform="bretagne", name="Bretagne", scopes=frozenset(), national_delivery="self")
    )
    await write_note(federation.log, federation.clock())
    assert await federation.deliveries.reached(await federation.log.ends(DELIVERIES), SECONDS)
    return await operator_of(site)


async def entries(desk: Desk) -> list[tuple[str, str, str | None]]:
    return [(act, about, why) for act, about, _, _, why in await desk.acts()]


async def refuse(desk: Desk, *ids: str, state: State = "refused") -> None:
    """Record offers that the site has refused, or that are in another state there."""
    federation = desk.federation
    problem = schemas.problem("employer-undescribed").to_json()
    for offer_id in ids:
        part = DeliveryPart(
            group="lycee", generation=1, account=ACCOUNT, state=state, since=federation.clock(), problems=(problem,)
        )
        record = delivery_record(Delivery(id=offer_id, sequence=1, parts=(part,)))
        await federation.log.append(DELIVERIES, partition_of(offer_id, federation.log.partitions), [record])
    assert await federation.deliveries.reached(await federation.log.ends(DELIVERIES), SECONDS)


async def test_what_is_not_taken_comes_first_with_its_title_and_an_account_that_reads_has_a_name(desk: Desk) -> None:
    """An offer that is not live has its id alone."""
    federation = desk.federation
    [live] = offers(desk.site, SIGNED.platform, 1)
    await publish(desk.site, SIGNED.platform, [live])
    await refuse(desk, live["id"], "bretagne:gone")
    await write_note(federation.log, federation.clock(), account="search", platforms=[], search={"state": "idle"})
    assert await federation.deliveries.reached(await federation.log.ends(DELIVERIES), SECONDS)
    text = await desk.get(PATH)
    assert text.index('id="refused-heading"') < text.index('id="accounts-heading"')
    assert f">{live['title']}</a> <small>{live['id']}</small>" in text
    assert ">bretagne:gone</a>" in text
    assert "Lecture des offres du site<small>Compte search</small>" in text
    assert "/site-national/plan" not in text, "no answer here: no account is given to this gateway"


async def test_the_page_tells_what_is_due_and_how_long_it_takes(desk: Desk) -> None:
    await refuse(desk, "bretagne:1")
    text = await desk.get(PATH)
    for phrase in ("au travail", "≈ 3 min", "bretagne:1", "NAT-008"):
        assert phrase in text, phrase
    assert "2 à retirer, 230 à créer, 8 à modifier, 41 un autre jour, 1 sans réponse (≈ 3 min" in text
    assert "<h1>Le site national ne prend pas 1 offre</h1>" in text
    row = text.partition('role="rowheader">Bretagne')[2].partition("</tr>")[0]
    assert ("Compte test" in row, ["1"]) == (True, re.findall(r'class="n"[^>]*>(\d+)<', row))


async def test_a_long_list_has_the_newest_and_says_so(desk: Desk) -> None:
    await refuse(desk, *(f"bretagne:{number}" for number in range(MAX_REFUSED + 3)))
    text = await desk.get(PATH)
    assert f"<h1>Le site national ne prend pas {MAX_REFUSED + 3} offres</h1>" in text
    assert f"Les {MAX_REFUSED} plus récentes." in text


async def test_the_first_page_counts_what_this_one_lists(desk: Desk) -> None:
    """A moderated offer is one that the site has taken; a site that is silent leads here."""
    await refuse(desk, "bretagne:1")
    await refuse(desk, "bretagne:2", state="moderated")
    federation = desk.federation
    silent = utc(federation.clock() - 36_000_000)
    await write_note(federation.log, federation.clock(), down=True, answered_at=silent)
    assert await federation.deliveries.reached(await federation.log.ends(DELIVERIES), SECONDS)
    todo = (await desk.get("/exploitation")).partition('class="todos"')[2].partition("</ul>")[0]
    assert "Le site national ne prend pas 1 offre" in todo
    assert PATH in todo.partition("1 élève 1 stage")[2].partition("</li>")[0]
    assert "slug=national" not in todo


def test_what_needs_somebody_is_first() -> None:
    """A platform without an account, then one with offers that the site does not take, then the others by name; an
    account's queue is said once.
    """
    notes = {"a": note(NOW, platforms=["normandie", "bretagne", "occitanie"])}
    accounts = accounts_of(notes, per_minute=100)
    summaries = {
        slug: DeliverySummary(states=states)
        for slug, states in {
            "normandie": {"delivered": 2},
            "bretagne": {"delivered": 1},
            "occitanie": {"not-deliverable": 1},
            "corse": {"pending": 1},
        }.items()
    }
    found = lines_of(accounts, summaries, notes, {"bretagne": "Bretagne"})
    assert [("corse", False), ("occitanie", True), ("Bretagne", False), ("normandie", False)] == [
        (line.name, line.first) for line in found
    ]


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "working"),
        ({"down": True}, "silent"),
        ({"error": "503", "failed_at": utc(NOW + 1)}, "failing"),
        ({"error": "503", "failed_at": utc(NOW - 1)}, "working"),
        ({"error": "503", "failed_at": utc(NOW), "answered_at": None}, "failing"),
        ({"identity": {"state": "changed", "held": 1, "missing": 2, "step": "x"}, "down": True}, "stopped"),
    ],
)
def test_the_state_of_an_account_is_the_worst_of_its_note(changes: dict[str, Any], state: str) -> None:
    [account] = accounts_of({"a": note(NOW, **changes)}, per_minute=100)
    assert (state, 240, 3) == (account.state, account.calls, account.minutes)


async def test_accounts_at_work_elsewhere_are_not_denied_by_the_plan(desk: Desk) -> None:
    """This gateway has no accounts of its own; the notes of another one's are on the log."""
    assert "tenu par une autre passerelle" in await desk.get(f"{PATH}/plan")


async def test_the_plan_is_one_table_of_the_accounts_with_something_to_send(site: PageHarness) -> None:
    """Reasons are those of all accounts together, in words."""
    idle = dict.fromkeys(QUEUE, 0)
    codes = {"employer-undescribed": 2}

    async def plan() -> list[AccountPlan]:
        return [AccountPlan("a", QUEUE, {}, codes), AccountPlan("b", idle, {}, codes)]

    national = NationalSite(connected=True, per_minute=100, plan=plan)
    pages = all_pages(replace(page_ports(site.harness.settings, site.harness.federation, URL), national=national))
    [handler] = [page.get for page in pages if page.name == "national_plan" and page.get is not None]
    answer = await handler(make_mocked_request("GET", PLAN), "fr")
    assert isinstance(answer, Answer)
    templates = Templates(pages, prefix="", about={"version": "", "source": None})
    text = unescape(templates.render(answer.template, answer.computed(), "fr", page="national_plan"))
    assert "<h1>240 appels seraient envoyés</h1>" in text
    assert ("Un compte n’a rien à envoyer." in text, text.count('scope="row"')) == (True, 2)
    assert re.search(r"Employeur sans description.*?NAT-008.*?<td[^>]*>4</td>", text, re.DOTALL)


async def test_an_account_in_trouble_says_what_to_do(desk: Desk) -> None:
    federation = desk.federation
    identity = {"state": "changed", "held": 12, "missing": 34, "complete": True, "step": "x"}
    await write_note(
        federation.log, federation.clock(), identity=identity, error="404 <b>", failed_at=utc(federation.clock())
    )
    assert await federation.deliveries.reached(await federation.log.ends(DELIVERIES), SECONDS)
    answer = await desk.site.client.get(PATH, headers=desk.headers)
    raw = await answer.text()
    assert ("arrêté" in raw, "404 &lt;b&gt;" in raw, "Il en tient 12, il en manque 34." in unescape(raw)) == (True,) * 3


async def test_a_comparison_changes_nothing_and_a_repair_follows_it(desk: Desk) -> None:
    """The repair says how many offers it deletes, and why, and is an act of the journal; the comparison is none."""
    answers = [COMPARED, {"error": "shrinks-too-much", "would_delete": 30, **COMPARED}, {**COMPARED, "repaired": True}]
    async with Owner(desk.federation.log, answers) as owner:
        text = await desk.submit(ORDER, {"order": "reconcile", "account": ACCOUNT})
        for phrase in (
            "Le site diffère",
            "Rien n’a été changé",
            "r1: title, weeks",
            "et 10 autres",
            "n’a pas le droit",
        ):
            assert phrase in text, phrase
        assert [] == await entries(desk)
        repair = {
            "order": "reconcile",
            "account": ACCOUNT,
            "apply": "1",
            "seen": _SEEN.findall(text)[0],
            "why": "Écart",
        }
        text = await desk.submit(ORDER, repair)
        assert ("30 offres en trop seraient supprimées" in text, "Rien n’a été changé" in text) == (True, True)
        text = await desk.submit(ORDER, {**repair, "seen": _SEEN.findall(text)[0], "confirm": "30"})
        assert "Les écarts sont réparés" in text
        orders = [one.order for one in owner.orders]
    assert [Reconcile(), Reconcile(repair=True), Reconcile(repair=True, confirm=30)] == orders
    acts = [act for act in await entries(desk) if act[2] is not None]
    assert [("national.reconcile", ACCOUNT, "Écart")] * 2 == acts


async def test_nothing_is_offered_for_repair_where_nothing_differs(desk: Desk) -> None:
    async with Owner(desk.federation.log, [SAME]):
        text = await desk.submit(ORDER, {"order": "reconcile", "account": ACCOUNT})
    assert ("Le site a ce qu’il doit avoir" in text, "Réparer" in text) == (True, False)


async def test_a_platform_is_adopted_only_after_its_dry_run(desk: Desk) -> None:
    """The dry run is of this platform, and an hour old at most."""
    apply = {
        "order": "adopt",
        "platform": "bretagne",
        "account": ACCOUNT,
        "apply": "1",
        "why": "Accord",
        "confirm": "2",
    }
    clock = desk.federation.clock
    async with Owner(desk.federation.log, [ADOPTABLE, {**ADOPTABLE, "applied": True, "deleted": 2}]) as owner:
        text = await desk.submit(ORDER, {"order": "adopt", "platform": "bretagne"})
        assert ("Essai à blanc de la reprise\u00a0: bretagne" in text, "bretagne:1 lycee" in text) == (True, True)
        seen = _SEEN.findall(text)[0]
        for wrong in ({}, {"seen": "x"}, {"seen": seen, "platform": "normandie"}, {"seen": seen, "why": " "}):
            text = await desk.submit(ORDER, {**apply, **wrong}, 422)
            assert "Rien n’a été fait" in text
        text = await desk.submit(ORDER, {**apply, "seen": seen})
        assert "La passerelle a repris les transmissions" in text
        assert [Adopt("bretagne"), Adopt("bretagne", apply=True, confirm=2)] == [one.order for one in owner.orders]
    assert [("national.adopt", "bretagne", "Accord")] == await entries(desk)
    clock.move(29 * 60)  # type: ignore[attr-defined]  # the tests' own clock
    await desk.get(PATH)
    clock.move(29 * 60)  # type: ignore[attr-defined]  # same
    desk.headers["Cookie"] = await cookie_of(desk.federation, OPERATOR.platform)
    clock.move(3 * 60)  # type: ignore[attr-defined]  # same
    text = await desk.submit(ORDER, {**apply, "seen": seen}, 422)
    assert "dans l’heure" in text


async def test_ticked_offers_are_tried_again(desk: Desk) -> None:
    await refuse(desk, "bretagne:1", "bretagne:2")
    answers = [{"replayed": 1, "nothing_to_do": ["bretagne:2"]}, {"replayed": 2, "nothing_to_do": []}]
    async with Owner(desk.federation.log, answers) as owner:
        text = await desk.submit(ORDER, {"order": "replay", "offers": ["bretagne:1", "bretagne:2"], "why": "Corrigées"})
        assert ("essayées de nouveau" in text, "<code>bretagne:2</code>" in text) == (True, True)
        await desk.submit(ORDER, {"order": "replay"})
        assert [Replay(("bretagne:1", "bretagne:2")), Replay()] == [one.order for one in owner.orders]
    assert [("national.replay", ACCOUNT, "Corrigées"), ("national.replay", ACCOUNT, None)] == await entries(desk)
    await desk.submit(ORDER, {"order": "replay", "offers": ["no id"]}, 422)


async def test_the_address_of_an_order_is_no_dry_run(desk: Desk) -> None:
    await desk.submit(ORDER, {"order": "reconcile", "account": ACCOUNT}, 303)
    location = desk.location
    sealed = location.partition("=")[2]
    repair = {"order": "reconcile", "account": ACCOUNT, "apply": "1", "seen": sealed, "why": "Écart"}
    text = await desk.submit(ORDER, repair, 422)
    assert "dans l’heure" in text
    assert [] == await entries(desk)


async def test_an_order_that_takes_long_is_followed_by_its_address(desk: Desk) -> None:
    """Without an owner it stays under way; a forged address is refused."""
    await desk.submit(ORDER, {"order": "reconcile", "account": ACCOUNT}, 303)
    location = desk.location
    assert "en cours" in await desk.get(location)
    async with Owner(desk.federation.log, [SAME], earlier=True):
        text = await desk.get(location)
        for _ in range(20):
            if "Le site a ce qu’il doit avoir" in text:
                break
            text = await desk.get(location)
    assert "Le site a ce qu’il doit avoir" in text
    for forged in ("x", location.partition("=")[2][:-2]):
        await desk.get(f"{ORDER}?order={forged}", 404)


@pytest.mark.parametrize(
    "data",
    [
        {"order": "replay", "why": "x" * 1_001},
        {"order": "reconcile", "account": "another"},
        {"order": "adopt", "platform": ""},
        {"order": "adopt", "platform": "bretagne", "confirm": "x"},
    ],
)
async def test_a_wrong_form_gives_no_order(desk: Desk, data: dict[str, str]) -> None:
    before = await desk.federation.log.ends(DELIVERIES)
    text = await desk.submit(ORDER, data, 422)
    assert "Rien n’a été fait" in text
    assert (before, []) == (await desk.federation.log.ends(DELIVERIES), await entries(desk))
    await desk.submit(ORDER, {"order": "erase"}, 400)


async def test_without_accounts_the_page_says_so(site: PageHarness) -> None:
    desk = await operator_of(site)
    for path in (PATH, PLAN):
        assert "PASSERELLE_NATIONAL" in await desk.get(path)


def test_what_an_answer_holds_has_words_in_both_languages() -> None:
    whole = {**COMPARED, **ADOPTABLE, "repaired": True, "applied": True, "deleted": 1, "replayed": 1}
    found = found_in({**whole, "nothing_to_do": [], "error": "x", "would_delete": 1})
    assert len(found) == len(whole) + 1
    for language in LANGUAGES:
        texts = texts_of("national", language)
        assert [] == [one.name for one in found if f"found_{one.name}" not in texts]


def test_a_long_list_is_shortened_and_says_so() -> None:
    [extra] = [one for one in found_in(COMPARED) if one.name == "extra"]
    assert (30, 20, 10) == (extra.value, len(extra.listed), extra.more)
