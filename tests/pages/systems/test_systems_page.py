"""The page of the systems over HTTP: what an operator reads, and feeds paused, resumed and run."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import pytest

from demo.generator import generate
from gateway.errors import LogUnavailableError
from gateway.federation.systems import Systems
from gateway.ingest.refusals import FLUSH_SECONDS
from gateway.notices.contacts import ContactBook
from gateway.operate.decision_counts import EVERY_SECONDS
from gateway.protocol.delivery import Delivery, DeliveryPart, delivery_record
from gateway.protocol.paris_time import paris_date
from gateway.protocol.partner import Partner
from gateway.protocol.push import begin
from gateway.protocol.push_record import progress_record
from gateway.protocol.source_run import Pause, RunOrder, read_run, run_record
from gateway.protocol.statistics import BROKEN, UNBROKEN, Cell, CountRecord, count_record
from gateway.protocol.subscription import Subscription
from gateway.protocol.topic import DELIVERIES, JOURNAL, OFFERS, RUNS, STATISTICS, SUBSCRIPTIONS
from gateway.push.book import SubscriptionBook
from tests.clock import START
from tests.harness import SECRET, records_of
from tests.memory_log import MemoryLog
from tests.notices.persons import OPEN
from tests.pages.desk import HTML, PAGES, Desk, desk_of, publish
from tests.pages.feeds import FAILING, append, runs
from tests.pages.signing import OPERATOR, PERSON, SIGNED, cookie_of
from tests.pages.site import PageHarness

pytestmark = pytest.mark.slow

PATH = "/exploitation"
PAUSE: Mapping[str, Any] = {"act": "pause", "platform": FAILING, "reason": "En maintenance"}


@pytest.fixture
async def desk(site: PageHarness) -> Desk:
    return await desk_of(site)


async def orders(desk: Desk) -> Sequence[Any]:
    found = [read_run(record.key, record.value) for record in await records_of(desk.federation.log, RUNS)]
    return [one for one in found if isinstance(one, RunOrder | Pause)]


async def test_a_feed_is_paused_and_resumed_and_each_is_an_entry_with_its_person(desk: Desk) -> None:
    """As the command and the API do, in the name of the session's person through its client."""
    form = await desk.get(f"{PATH}?act=pause&platform={FAILING}")
    assert "Suspendre le flux" in form
    text = await desk.post(PATH, **PAUSE)
    assert f"Le flux d’{FAILING} est suspendu" in text
    assert "<strong>suspendu</strong>" in text
    assert f"{PERSON}\u00a0: En maintenance" in text
    text = await desk.post(PATH, act="resume", platform=FAILING)
    assert f"Le flux d’{FAILING} est repris" in text
    assert "<strong>suspendu</strong>" not in text
    assert [(True, FAILING), (False, FAILING)] == [(one.paused, one.platform) for one in await orders(desk)]
    entries = await desk.entries()
    names = desk.federation.acts.names.state
    assert [
        ("feed.pause", FAILING, PERSON, OPERATOR.platform, "En maintenance"),
        ("feed.resume", FAILING, PERSON, OPERATOR.platform, None),
    ] == [(one.act, one.about, names[one.person or ""].name, one.client, one.why) for one in entries]


class AbsentLog(MemoryLog):
    """A log that does not say where its topics end."""

    async def ends(self, topic: str) -> tuple[int, ...]:
        raise LogUnavailableError(topic)


async def test_the_systems_are_listed_while_the_log_does_not_answer(desk: Desk) -> None:
    """An operator looks here first: what is in memory is shown."""
    log = AbsentLog()
    subscriptions, contacts = SubscriptionBook(log), ContactBook(log, secret=SECRET)
    facts = await Systems(replace(desk.federation, log=log, subscriptions=subscriptions, contacts=contacts)).facts()
    assert (None, 0, 0) == (facts.undecided, facts.requests, facts.stopped)


async def test_asked_twice_it_says_so_and_writes_nothing(desk: Desk) -> None:
    assert "n’est pas suspendu" in await desk.post(PATH, 409, act="resume", platform=FAILING)
    await desk.post(PATH, **PAUSE)
    text = await desk.post(PATH, 409, **PAUSE)
    assert "Ce flux est déjà suspendu" in text
    assert f"{PERSON}\u00a0: En maintenance" in text
    assert "Reprenez-le d’abord" in await desk.post(PATH, 409, act="run", platform=FAILING)
    assert (1, 1) == (len(await orders(desk)), len(await desk.entries()))


async def test_a_feed_runs_at_once_and_a_run_that_waits_is_confirmed(desk: Desk) -> None:
    text = await desk.post(PATH, act="run", platform=FAILING)
    assert f"Une lecture du flux d’{FAILING} est demandée" in text
    waiting = next(replace(run, platform=FAILING) for run in runs(desk.federation.clock()) if run.would_withdraw)
    await append(desk.federation.log, RUNS, run_record(waiting))
    await desk.settled()
    page = await desk.get(PATH)
    assert "La dernière lecture retirerait 28 offres et attend une confirmation" in page
    form = await desk.get(f"{PATH}?act=run&platform={FAILING}")
    assert "Relancer et autoriser 28 retraits" in form
    assert 'name="confirm" value="28"' in form
    await desk.post(PATH, act="run", platform=FAILING, confirm=28, reason="Fin de saison")
    assert [None, 28] == [one.confirm for one in await orders(desk)]
    assert [("feed.run", {}, None), ("feed.run", {"confirm": 28}, "Fin de saison")] == [
        (one.act, one.details, one.why) for one in await desk.entries()
    ]


async def test_a_pause_without_a_reason_or_with_an_unusable_one_is_not_done(desk: Desk) -> None:
    """What was typed is displayed again."""
    for reason, phrase in (
        (" \r\n", "Donnez un motif"),
        ("a\x00b", "caractère de contrôle"),
        ("x" * 1_001, "trop long"),
    ):
        text = await desk.post(PATH, 422, **{**PAUSE, "reason": reason})
        assert phrase in text
    assert "x" * 1_001 in text
    assert ([], []) == (await orders(desk), await desk.entries())


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"act": "erase", "platform": FAILING}, 400),
        ({"act": "run", "platform": FAILING, "confirm": "-1"}, 400),
        ({"act": "run", "platform": FAILING, "confirm": "²"}, 400),
        ({"act": "run", "platform": SIGNED.platform}, 404),
        ({"act": "run", "platform": "never"}, 404),
        ({}, 400),
    ],
)
async def test_nothing_but_the_three_acts_on_a_feed_is_done(desk: Desk, fields: dict[str, str], status: int) -> None:
    await desk.post(PATH, status, **fields)
    assert ([], []) == (await orders(desk), await desk.entries())


async def test_a_session_of_an_operator_begins_here_and_its_pages_wait_for_the_views(desk: Desk) -> None:
    view = desk.federation.views[JOURNAL].updated
    view.caught_up = False
    for path in PAGES:
        await desk.get(path, 503)
    view.caught_up = True
    for path in PAGES:
        await desk.get(path)


async def test_an_address_alone_says_nothing_was_done(desk: Desk) -> None:
    """The notice of an act is displayed only where the systems agree."""
    for query in (f"done=pause&platform={FAILING}", "done=pause&platform=never", "done=x", "done=resume"):
        assert 'class="notice"' not in await desk.get(f"{PATH}?{query}")


async def test_a_page_that_renews_itself_does_not_prolong_the_session(desk: Desk) -> None:
    """SEC-015: the script's requests are none of a person; following a link is one."""
    for mode, prolongs in (("cors", False), ("same-origin", False), ("navigate", True), (None, True)):
        headers = dict(desk.headers) if mode is None else {**desk.headers, "Sec-Fetch-Mode": mode}
        answer = await desk.site.client.get(PATH, headers=headers)
        assert (200, prolongs) == (answer.status, "Set-Cookie" in answer.headers), mode


async def test_what_renews_itself_holds_no_token(desk: Desk) -> None:
    """Tokens differ in each answer: the parts are replaced only when something changed."""
    for text in (await desk.get(PATH), await desk.get(PATH)):
        parts = [part.partition("<section")[0] for part in text.split("data-live id=")[1:]]
        assert len(parts) >= 2
        assert not [part for part in parts if 'name="token"' in part]


async def test_a_person_of_a_platform_that_operates_finds_both_areas(desk: Desk) -> None:
    both = {
        OPERATOR.platform: (PATH, 'href="/plateforme"', frozenset({"operate", "offers:read"}), frozenset({"operate"})),
        SIGNED.platform: ("/plateforme", f'href="{PATH}"', SIGNED.scopes | {"operate"}, SIGNED.scopes),
    }
    for slug, (path, link, more, fewer) in both.items():
        headers = {**HTML, "Cookie": await cookie_of(desk.federation, slug)}
        for scopes, there in ((more, True), (fewer, False)):
            await desk.federation.partners.change(slug, partial(_with_scopes, scopes))
            assert there == (link in await (await desk.site.client.get(path, headers=headers)).text()), (slug, there)


def _with_scopes(scopes: frozenset[str], present: Partner | None) -> Partner:
    assert present is not None
    return replace(present, scopes=scopes)


def rows(text: str, start: str) -> list[list[str]]:
    """The cells of the rows of the first table after a text, without markup."""
    table = text.partition(start)[2].partition("</table>")[0]
    return [
        [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", table, re.DOTALL)
    ]


async def count(desk: Desk, number: int, counts: Mapping[Cell, int]) -> None:
    """Write statistics, as the writer of a minute does."""
    await append(desk.federation.log, STATISTICS, count_record(CountRecord("test", number, counts)))
    await desk.settled()


@pytest.mark.parametrize(("path", "title"), [(PATH, "Les mêmes chiffres"), ("/en/operate", "The same figures")])
async def test_every_picture_has_its_table(desk: Desk, path: str, title: str) -> None:
    """The titles of the shapes are the rows of the tables, of the map and of the flow; and both have a row of all."""
    today = paris_date(desk.federation.clock())
    cells = {
        Cell(today, SIGNED.platform, "accepted", UNBROKEN, "31"): 1_229,
        Cell(today, "bretagne", "accepted", UNBROKEN, "35"): 61,
        Cell(today, "bretagne", "refused", "week-malformed", ""): 12,
        Cell(today, "bretagne", "refused", BROKEN, ""): 12,
    }
    await append(desk.federation.log, RUNS, run_record(next(runs(desk.federation.clock()))))
    await count(desk, 1, cells)
    text = await desk.get(path)
    map_part, _, flow_part = text.partition('id="territory"')[2].partition('id="flow"')
    titles = {
        one.partition(",")[0].partition(":")[0].strip() for one in re.findall(r"<title>([^<]+)</title>", map_part)
    }
    table = [row[0] for row in rows(map_part, "<figcaption")[1:]]
    assert 18 == len(table) == len(titles)
    assert all(any(name.startswith(one) for one in titles) for name in table)
    assert 18 == len(re.findall(r'class="mark-', map_part))
    assert title in flow_part
    sent = {row[0]: [re.sub(r"\D", "", cell) for cell in row[1:]] for row in rows(flow_part, 'id="flow-tables"')[1:]}
    assert ["1229", "1229", "0", "0", "0", "0"] == sent["Occitanie"]
    assert ["73", "61", "0", "0", "0", "12"] == sent["Bretagne"]
    assert ["1302", "1290", "0", "0", "0", "12"] == sent["Ensemble" if path == PATH else "All"]
    bands = re.findall(r'class="band[^>]*><title>([^<]+)</title>', flow_part)
    assert {"1229", "73", "1290", "12", "61"} == {re.sub(r"\D", "", one) for one in bands}


async def test_everything_that_waits_for_a_person_is_first_with_a_link(desk: Desk) -> None:
    """A paused feed, a request of a stranger, a disabled subscription; then the systems."""
    nothing = await desk.get(PATH)
    assert "<h1>Rien ne vous attend</h1>" in nothing
    assert "0 système sur 12 est à jour</h2>" in nothing
    await desk.post(PATH, **PAUSE)
    await desk.federation.contacts.requests.change(lambda _: [OPEN])
    book, partner = desk.federation.subscriptions, desk.federation.partners.get(SIGNED.platform)
    assert partner is not None
    one = Subscription(id="a1", name="copie", url="https://stages.example.org/in", keys=(), consent="", confirmed=True)
    await book.change(partner.platform, partner.joined_at, lambda own: own.put(one))
    stopped = replace(begin(one, "L@00", ends=(0, 0, 0), now=START), stopped="gone")
    record = progress_record(partner.platform, one.name, stopped)
    await desk.federation.log.append(SUBSCRIPTIONS, book.partition(partner.platform), [record])
    todo = (await desk.get(PATH)).partition('class="todos"')[2].partition("</ul>")[0]
    for text in ("1 demande de branchement attend", "/exploitation/demandes", f"Le flux d’{FAILING} est suspendu"):
        assert text in todo
    for text in ("act=resume", "1 abonnement est désactivé", "/exploitation/abonnements"):
        assert text in todo
    assert "<h1>3 choses vous attendent</h1>" in await desk.get(PATH)


async def test_the_row_of_all_systems_sums_up_the_table(desk: Desk) -> None:
    today = paris_date(desk.federation.clock())
    await count(desk, 1, {Cell(today, one, "refused", BROKEN, ""): 7 for one in ("bretagne", FAILING)})
    await append(desk.federation.log, RUNS, run_record(next(runs(desk.federation.clock()))))
    await publish_one(desk)
    await desk.settled()
    found = rows(await desk.get(PATH), 'id="systems"')
    *systems, total = [row for row in found[1:] if len(row) > 1]  # an error is a line below its row
    assert (12, "Ensemble") == (len(systems), total[0])
    assert "14" == total[3]
    assert ("1", 1) == (total[4], sum(int(row[4] or 0) for row in systems))


async def test_a_column_without_a_figure_is_left_out_and_the_note_with_it(desk: Desk) -> None:
    """Nothing is queued, nothing is certified; what is displayed is explained."""
    text = await desk.get(PATH)
    assert not any("File" in head or "Certificat" in head for head in rows(text, 'id="systems"')[0])
    assert not any(note in text for note in ("File\u00a0: messages", "Certificat\u00a0: fin"))
    assert "Heures de Paris." in text
    now = desk.federation.clock()
    part = DeliveryPart(group="lycee", generation=1, account="a", state="pending", since=now)
    record = delivery_record(Delivery(id="bretagne:1", sequence=1, parts=(part,)))
    await append(desk.federation.log, DELIVERIES, record)
    await desk.settled()
    queued = await desk.get(PATH)
    assert any("File" in head for head in rows(queued, 'id="systems"')[0])
    assert "File\u00a0: messages" in queued


async def publish_one(desk: Desk) -> None:
    now = desk.federation.clock()
    [offer] = generate(3, SIGNED.platform, 1, date.fromisoformat(paris_date(now)), wrong=0)
    await publish(desk.site, [offer.document])


async def test_figures_are_those_of_the_newest_statistics(desk: Desk) -> None:
    """They are read again when a record has arrived, and on another day."""
    today = paris_date(desk.federation.clock())
    for number in (1, 2):
        await count(desk, number, {Cell(today, "bretagne", "accepted", UNBROKEN, "35"): 10})
        sent = {row[0]: row[1] for row in rows(await desk.get(PATH), 'id="flow-tables"')[1:]}
        assert str(10 * number) == sent["Bretagne"] == sent["Ensemble"]


async def test_a_week_without_submissions_has_no_picture(desk: Desk) -> None:
    text = await desk.get(PATH)
    assert "Aucune offre n’a été reçue en 7 jours" in text
    assert 'class="flow"' not in text


async def test_a_kafka_subscriber_has_the_lag_of_its_topic(desk: Desk) -> None:
    """No process writes it here: all that is published waits."""
    partner = Partner(platform="essai", name="Essai", scopes=frozenset({"offers:read"}), feed=True)
    await desk.federation.partners.save(partner)
    await publish_one(desk)
    await desk.settled()
    ends = sum(await desk.federation.log.ends(OFFERS))
    row = next(row for row in rows(await desk.get(PATH), "Offres proposées")[1:] if row[0] == "Essai")
    assert ["Essai", "topic Kafka", "0", "–", str(ends), "–"] == row
    assert ends


@pytest.mark.parametrize(
    ("path", "phrase"),
    [(PATH, "peuvent avoir une minute de retard"), ("/en/operate", "may be up to a minute late")],
)
async def test_the_page_says_how_late_its_figures_may_be(desk: Desk, path: str, phrase: str) -> None:
    """Refusals and decisions are written every minute."""
    assert (60.0, 60.0) == (EVERY_SECONDS, FLUSH_SECONDS)
    assert phrase in await desk.get(path)
