"""From an address to a notice that is left: the pages, the mails and the sender together ([SEC-015] [SEC-016])."""

from dataclasses import replace
from pathlib import Path

import structlog
from aiohttp.test_utils import TestClient, TestServer

from gateway.api.app import build_app
from gateway.bootstrap.pages import add_pages
from gateway.notices.notice import DEADLINE_MS, Event, due, notice_record
from gateway.notices.plan import next_digest
from gateway.protocol.contact import PARTITION
from gateway.protocol.topic import COMMON, CONTACTS, NOTICES
from tests.harness import URL, records_of
from tests.notices.gateway import ADDRESS, LIST, ORIGIN, opened
from tests.pages.signing import OPERATOR, SIGNED, cookie_of


async def test_an_address_gets_nothing_before_it_has_agreed_and_a_get_agrees_to_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        assert 303 == (await gateway.add()).status
        await gateway.mails()
        await gateway.mails()
        assert ["Confirmez votre adresse pour les avis d’Occitanie"] == [one["Subject"] for one in gateway.box.taken]
        page = await (await gateway.client.get(gateway.link("/avis"))).text()
        assert "Acceptez-vous" in page
        assert not gateway.contact().active
        await gateway.confirm()
        assert gateway.contact().active
        assert (1, None) == (gateway.contact().wording, gateway.contact().stopped)


async def test_one_address_is_asked_once_a_day_and_a_platform_asks_twenty(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        assert 303 == (await gateway.add()).status
        assert "est déjà un contact" in await (await gateway.add()).text()
        await gateway.send(act="erase", contact=gateway.contact().id, sure="1")
        assert b"example.org" not in ((await records_of(gateway.harness.federation.log, CONTACTS))[-1].value or b"")
        assert "La limite du jour" in await (await gateway.add(ADDRESS.upper())).text(), "erased, and asked today"
        for number in range(19):
            assert 303 == (await gateway.add(f"essai{number}@example.org", f"Personne {number}")).status
        assert 409 == (await gateway.add("autre@example.org")).status
        assert 409 == (await gateway.add("essai@example.org\r\nBcc: a@example.org")).status


async def test_an_address_is_erased_by_the_second_form_alone(tmp_path: Path) -> None:
    """The first one names the consequences, and says so if the contact is the last one."""
    async with opened(tmp_path) as gateway:
        await gateway.add()
        await gateway.add("autre@example.org", "Autre")
        book = gateway.harness.federation.contacts
        for last, contact in enumerate(book.of(SIGNED.platform)):
            answer = await gateway.send(act="erase", contact=contact.id)
            assert (200, bool(last)) == (answer.status, "votre dernier contact" in await answer.text())
            assert contact in book.of(SIGNED.platform)
            assert 303 == (await gateway.send(act="erase", contact=contact.id, sure="1")).status
        assert [] == book.of(SIGNED.platform)


async def test_a_person_chooses_and_leaves_by_one_click_and_a_get_changes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        await gateway.add()
        await gateway.confirm()
        own = {
            "act": "choose",
            "contact": gateway.contact().id,
            "feed-failed": "never",
            "bound": "now",
            "ends": "wrong",
        }
        assert 303 == (await gateway.send(**own)).status
        assert {"feed-failed": "never"} == gateway.contact().choices
        token = gateway.harness.federation.contacts.token(gateway.contact())
        await gateway.client.post("/avis", data={"c": token, "act": "choose", "ends": "now"}, headers=ORIGIN)
        assert {"feed-failed": "never", "ends": "now"} == gateway.contact().choices
        leave = gateway.link("/avis/fin")
        ending = await gateway.client.get(leave)
        assert (200, "no-store") == (ending.status, ending.headers["Cache-Control"])
        assert gateway.contact().active
        answer = await gateway.client.post(leave, data={"List-Unsubscribe": "One-Click"}, headers={"Cookie": ""})
        assert (200, "left") == (answer.status, gateway.contact().stopped)
        again = await gateway.client.post("/avis/fin?c=forged", headers={"Cookie": ""})
        assert "ne désigne plus" in await again.text()
        await gateway.client.post("/avis", data={"c": token, "act": "erase"}, headers=ORIGIN)
        assert [] == gateway.harness.federation.contacts.of(SIGNED.platform)


async def test_a_token_opens_one_thing_and_a_foreign_form_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        await gateway.add()
        book = gateway.harness.federation.contacts
        await gateway.client.post("/avis", data={"c": book.token(gateway.contact())}, headers=ORIGIN)
        old = book.confirm_token(replace(gateway.contact(), asked_at=1))
        await gateway.client.post("/avis", data={"c": old}, headers=ORIGIN)
        foreign = {"Origin": "https://other.example"}
        right = {"c": book.confirm_token(gateway.contact())}
        assert 403 == (await gateway.client.post("/avis", data=right, headers=foreign)).status
        assert 403 == (await gateway.client.post("/connexion/lien", data={"address": ADDRESS}, headers=foreign)).status
        leave = f"/avis/fin?c={book.confirm_token(gateway.contact())}"
        await gateway.client.post(leave)
        assert (None, None) == (gateway.contact().stopped, gateway.contact().seen_at)


async def test_a_link_is_asked_for_with_one_answer_for_all_and_signs_its_person_in(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        await gateway.add()
        await gateway.confirm()
        log, sent = gateway.harness.federation.log, len(gateway.box.taken)
        before = {topic.name: len(await records_of(log, topic.name)) for topic in COMMON}
        answers = []
        for address in ("inconnu@example.org", "personne@nulle.example", ADDRESS.upper()):
            answer = await gateway.client.post("/connexion/lien", data={"address": address}, headers=ORIGIN)
            answers.append((answer.status, await answer.text()))
            if address != ADDRESS.upper():
                await gateway.mails()
                assert before == {topic.name: len(await records_of(log, topic.name)) for topic in COMMON}
        assert 1 == len(set(answers))
        wrong = await gateway.client.post("/connexion/lien", data={"address": "pas une adresse"}, headers=ORIGIN)
        assert (422, True) == (wrong.status, 'value="pas une adresse"' in await wrong.text())
        for _ in range(5):
            await gateway.harness.federation.contacts.ask_link(ADDRESS)
        assert before[NOTICES] + 3 == len(await records_of(log, NOTICES)), "it floods no topic"
        await gateway.mails()
        await gateway.mails()
        links = gateway.box.taken[sent:]
        assert ["Votre lien de connexion aux pages d’Occitanie"] * 3 == [one["Subject"] for one in links]
        found = gateway.link("/connexion").partition("link=")[2]
        answer = await gateway.client.post("/connexion", data={"link": found}, headers=ORIGIN, allow_redirects=False)
        assert 303 == answer.status
        assert gateway.contact().seen_at == gateway.harness.federation.clock()


async def test_no_address_is_in_the_log_lines_the_journal_or_the_metrics(tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as lines:
        async with opened(tmp_path) as gateway:
            await gateway.add()
            await gateway.confirm()
            await gateway.client.post("/connexion/lien", data={"address": ADDRESS}, headers=ORIGIN)
            await gateway.mails()
            log = gateway.harness.federation.log
            kept = [await records_of(log, topic.name) for topic in COMMON if topic.name != CONTACTS]
            assert await records_of(log, NOTICES)
    assert "example.org" not in f"{lines}{kept}"


async def test_the_page_says_when_the_last_mail_was_sent_what_waits_and_what_had_no_answer(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        await gateway.add()
        await gateway.confirm()
        gateway.box.data = lambda _: "cut"
        failed = Event(contact=gateway.contact().id, kind="ends", about=SIGNED.platform)
        record = notice_record(due(failed, now=gateway.clock()))
        await gateway.harness.federation.log.append(NOTICES, PARTITION, [record])
        assert "1 avis attend d’être envoyé" in await (await gateway.client.get(LIST)).text()
        gateway.clock.move((next_digest(gateway.clock()) - gateway.clock()) / 1_000)
        for _ in range(3):
            await gateway.mails()
            gateway.clock.move(DEADLINE_MS / 1_000)
        gateway.client.session.headers["Cookie"] = await cookie_of(gateway.harness.federation, SIGNED.platform)
        page = await (await gateway.client.get(LIST)).text()
        assert "1 courriel est resté deux fois sans réponse" in page
        assert "Dernier courriel" in page, "the one that confirmed"


async def test_another_platform_changes_no_contact(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        await gateway.add()
        contact = gateway.contact().id
        gateway.client.session.headers["Cookie"] = await cookie_of(gateway.harness.federation, OPERATOR.platform)
        for act in ("choose", "stop", "erase"):
            assert "n’existe plus" in await (await gateway.send(act=act, contact=contact)).text()
        assert gateway.contact().stopped is None


async def test_a_gateway_without_a_relay_has_none_of_these_pages(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        gateway.harness.settings = replace(gateway.harness.settings, smtp=None)
        app = build_app(gateway.harness.context())
        add_pages(app, gateway.harness.settings, gateway.harness.federation, URL)
        async with TestClient(TestServer(app)) as client:
            assert [404] * 2 == [(await client.get(path)).status for path in (LIST, "/connexion/lien")]
            assert "/connexion/lien" not in await (await client.get("/")).text()
