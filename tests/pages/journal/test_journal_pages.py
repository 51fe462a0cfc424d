"""The operator's pages of the journal over HTTP: entries in words, filters, pages, checks, erasure."""

import re
from dataclasses import replace
from datetime import date
from urllib.parse import quote

import pytest

from gateway.federation.doctor import examine_exposure, examine_imprint, examine_mail
from gateway.notices.smtp import MailRelay
from gateway.operate.journal import Journal, read_journal
from gateway.pages.base.texts import texts_of
from gateway.pages.journal.model import act_key, read_filter
from gateway.protocol.journal import ACTS, Act, Actor, JournalFilter, pseudonyms_of
from gateway.protocol.paris_time import paris_midnight
from gateway.protocol.record import Record
from gateway.protocol.topic import JOURNAL
from gateway.settings import Settings
from schemas.rulebook import LANGUAGES, Language
from tests.harness import SECONDS, SECRET
from tests.pages.desk import Desk, operator_of
from tests.pages.journal.acts import OTHER, WHY, write_acts
from tests.pages.signing import OPERATOR, PERSON, cookie_of
from tests.pages.site import PageHarness

pytestmark = pytest.mark.slow

PATH, CHECKS, ERASE = "/exploitation/registre", "/exploitation/registre/controle", "/exploitation/registre/effacer"
_NUMBERS = re.compile(r'<th scope="row" role="rowheader">(\d+)</th>')


@pytest.fixture
async def desk(site: PageHarness) -> Desk:
    return await operator_of(site)


async def settle(site: PageHarness) -> None:
    federation = site.harness.federation
    assert await federation.journal.reached(await federation.log.ends(JOURNAL), SECONDS)
    await federation.acts.names.catch_up()


async def seed(site: PageHarness, rounds: int = 3) -> int:
    number = await write_acts(site.harness.federation.log, rounds=rounds, clock=site.harness.federation.clock)
    await settle(site)
    return number


def numbers(text: str) -> list[int]:
    return [int(one) for one in _NUMBERS.findall(text)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_act_has_words(language: Language) -> None:
    texts = texts_of("journal", language)
    assert [] == [act for act in ACTS if act_key(act) not in texts]
    assert len(ACTS) == len({str(texts(act_key(act))) for act in ACTS})


async def test_acts_are_in_words_newest_first(site: PageHarness, desk: Desk) -> None:
    """An act of a later version is its code; one that did not happen is marked, and so is the entry that says it."""
    last = await seed(site, rounds=1)
    later = Act(act="later.act", about="x")
    await Journal(site.harness.federation.log, secret=SECRET).write(later, Actor(client="exploitation"))
    await settle(site)
    text = await desk.get(PATH)
    assert list(range(last + 1, 0, -1)) == numbers(text)
    for page in (
        "Secret renouvelé",
        "heures de recouvrement\u00a0: 168",
        WHY,
        PERSON,
        "exploitation, sans nom de personne",
        "later.act",
    ):
        assert page in text, page
    assert ("n’a pas eu lieu" in text, f"l’acte {last - 1} n’a pas eu lieu" in text) == (True, True)


async def test_acts_are_found_by_each_filter(site: PageHarness, desk: Desk) -> None:
    last, clock = await seed(site), site.harness.federation.clock
    clock.move(48 * 3_600)  # type: ignore[attr-defined]  # the tests' own clock
    await Journal(site.harness.federation.log, secret=SECRET, clock=clock).write(
        Act(act="partner.revoke", about="normandie"), Actor(name=OTHER)
    )
    await settle(site)
    desk.headers["Cookie"] = await cookie_of(site.harness.federation, OPERATOR.platform)
    today = clock.today.isoformat()  # type: ignore[attr-defined]  # same
    new = last + 1
    expected = {
        "about=normandie": [new],
        f"since={today}": [new],
        "act=partner.revoke&about=normandie": [new],
        "about=nothing": [],
        "person=nobody": [],
    }
    for query, found in expected.items():
        assert found == numbers(await desk.get(f"{PATH}?{query}")), query
    assert new not in numbers(await desk.get(f"{PATH}?client=exploitation"))
    assert new not in numbers(await desk.get(f"{PATH}?until=2000-01-01"))
    assert [new] == numbers(await desk.get(f"{PATH}?person={quote(OTHER)}"))[:1]
    assert 4 == len(numbers(await desk.get(f"{PATH}?act=partner.revoke")))


@pytest.mark.parametrize(("order", "link", "step"), [("", "anciens", -1), ("&order=oldest", "récents", 1)])
async def test_pages_go_on_with_the_filter_to_the_last_act(
    site: PageHarness, desk: Desk, order: str, link: str, step: int
) -> None:
    last = await seed(site, rounds=6)
    path, found = f"{PATH}?about=bretagne{order}", list[int]()
    while path:
        text = await desk.get(path)
        assert "n’a pas eu lieu" in text
        found += numbers(text)
        [path] = re.findall(rf'href="([^"]*)">Actes plus {link}<', text) or [""]
    assert [*range(1, last)][::step] == found
    await desk.get(f"{PATH}?order=newest", 400)
    for wrong in ("x", "-1", "²", "9" * 30):
        await desk.get(f"{PATH}?before={quote(wrong)}", 400)


@pytest.mark.parametrize("query", ["since=x", "until=2027-13-01", "since=20270101", "act=x", "client=A", "person=%00"])
async def test_a_wrong_filter_is_said_beside_its_field(site: PageHarness, desk: Desk, query: str) -> None:
    await seed(site, rounds=1)
    text = await desk.get(f"{PATH}?{query}", 400)
    name = query.partition("=")[0]
    assert (f'id="{name}-error"' in text, numbers(text)) == (True, [])


def test_days_of_a_filter_are_those_of_paris() -> None:
    criteria = read_filter({"since": "2027-03-28", "until": "2027-03-28"}, {})
    assert (23 * 3_600_000, []) == ((criteria.filter.until or 0) - (criteria.filter.since or 0), criteria.wrong)
    assert paris_midnight(date(2027, 3, 28)) == criteria.filter.since
    french = read_filter({"since": "28/3/2027", "until": "28/03/2027"}, {})
    assert criteria.filter == french.filter


async def test_a_whole_chain_is_said(site: PageHarness, desk: Desk) -> None:
    last = await seed(site, rounds=1)
    text = await desk.get(CHECKS)
    assert ("Le registre est entier" in text, f"entière, {last} actes relus" in text) == (True, True)


async def test_a_broken_chain_is_the_first_thing_said(site: PageHarness, desk: Desk) -> None:
    last, federation = await seed(site, rounds=1), site.harness.federation
    await federation.log.append(JOURNAL, 0, [Record(b"x", b"{}")])
    text = await desk.get(CHECKS)
    assert "<h1>La chaîne du registre est rompue</h1>" in text
    assert (f"L’acte {last + 1} est illisible" in text, "is unreadable" in text) == (True, True)


async def test_each_finding_has_words_in_both_languages() -> None:
    """Of the audit and of the doctor."""
    chain = {"unreadable", "beginning", "gap", "altered", "cut_beginning", "cut_end", "elsewhere", "name"}
    settings = Settings(host="192.0.2.1", kafka="broker.example:9092")
    found = [
        *examine_exposure(settings),
        await examine_mail(MailRelay("smtp://127.0.0.1:1", "avis@region.example")),
        *examine_exposure(replace(settings, public_url="https://a.example")),
        *examine_imprint(settings),
    ]
    found = [one for one in found if one.state != "ok"]
    assert {"plain_http", "proxies_unnamed", "plain_brokers", "notice_incomplete", "contact_missing", "relay_away"} == {
        one.code for one in found
    }
    for language in LANGUAGES:
        texts = texts_of("journal", language)
        assert all(texts(f"broken_{code}", number="1", other="2") for code in chain)
        for one in found:
            assert texts(f"doctor_{one.code}", **one.values)
            assert texts(f"doctor_{one.code}_step", **one.values)


async def test_a_name_is_erased_after_a_confirmation_and_the_acts_stay(site: PageHarness, desk: Desk) -> None:
    last, federation = await seed(site), site.harness.federation
    assert "n’a pas ce nom" in await desk.submit(ERASE, {"name": "Personne d’autre", "confirmed": "1"}, 422)
    assert f"<h1>Effacer le nom {OTHER}</h1>" in await desk.submit(ERASE, {"name": f" {OTHER} "}, 200)
    assert pseudonyms_of(federation.acts.names.state, OTHER)
    await desk.submit(ERASE, {"name": OTHER, "confirmed": "1"}, 303)
    await settle(site)
    text = await desk.get(PATH)
    assert (OTHER in text, "nom effacé (" in text, last + 1) == (False, True, numbers(text)[0])
    entry = (await read_journal(federation.log, JournalFilter(), most=1))[0]
    assert ("journal.erase-name", "exploitation") == (entry.act, entry.client)
    assert entry.person in pseudonyms_of(federation.acts.names.state, PERSON)
    assert "Le registre est entier" in await desk.get(CHECKS)


async def test_an_operator_may_erase_the_own_name(site: PageHarness, desk: Desk) -> None:
    await seed(site, rounds=1)
    await desk.submit(ERASE, {"name": PERSON, "confirmed": "1"}, 303)
    assert f"{PATH}?done=erased" == desk.location
    await settle(site)
    assert not pseudonyms_of(site.harness.federation.acts.names.state, PERSON)


async def test_the_page_waits_for_its_view(site: PageHarness, desk: Desk) -> None:
    site.harness.federation.journal.updated.caught_up = False
    answer = await site.client.get(PATH, headers=desk.headers)
    assert (503, "2") == (answer.status, answer.headers["Retry-After"])
    site.harness.federation.journal.updated.caught_up = True


async def test_rights_and_other_values_are_in_words(site: PageHarness, desk: Desk) -> None:
    """As the pages of the platforms write them; the API keeps the values of the log."""
    journal = Journal(site.harness.federation.log, secret=SECRET, clock=site.harness.federation.clock)
    added = Act(act="partner.add", about="bretagne", details={"scopes": ["offers:publish", "offers:read"]})
    changes = {
        "scopes": {"before": "offers:publish, offers:read", "now": "none"},
        "territory": {"before": "all departments", "now": "22, 35"},
        "national delivery": {"before": "self", "now": "gateway"},
        "publishes by Kafka": {"before": "no", "now": "yes"},
        "issuer": {"before": "this gateway", "now": "https://issuer.example"},
    }
    for act in (added, Act(act="partner.set", about="bretagne", details=changes)):
        await journal.write(act, Actor(client="exploitation"))
    await settle(site)
    text = await desk.get(PATH)
    for page in (
        "droits\u00a0: publier, lire<",
        "droits\u00a0: publier, lire → aucun",
        "départements\u00a0: toute la France → 22, 35",
        "transmission au site national\u00a0: par la plateforme elle-même → par la passerelle",
        "publie par Kafka\u00a0: non → oui",
        "émetteur de jetons\u00a0: cette passerelle → https://issuer.example",
    ):
        assert page in text, page
    assert "offers:" not in text
    english = await desk.get("/en/operate/journal")
    assert "rights: publish, read → none" in english
    assert "offers:" not in english
    answer = await site.client.get("/v1/journal", headers={"Authorization": f"Bearer {OPERATOR.platform}"})
    listed = (await answer.json())["journal"]
    assert [{"scopes": ["offers:publish", "offers:read"]}, changes] == [one["details"] for one in listed[::-1]]
