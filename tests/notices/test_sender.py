"""The sender with a real relay: what each answer means, kills between every two commits, three replicas."""

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest
import structlog

from gateway.federation.doctor import examine_mail
from gateway.log.memory import MemoryLog
from gateway.log.memory.store import Store
from gateway.log.mirror import fold_topic
from gateway.log.port import Output, Owner
from gateway.notices.contacts import ContactBook
from gateway.notices.mail import MailLinks, compose
from gateway.notices.notice import DEADLINE_MS, Event, Ledger, Notice, fold_notices
from gateway.notices.plan import SETTLE_MS
from gateway.notices.sender import ROLE, Sender
from gateway.notices.smtp import MailRelay, RelayAwayError
from gateway.protocol.contact import PARTITION, Contact, Contacts, contact_record
from gateway.protocol.topic import COMMON, CONTACTS, NOTICES
from tests.clock import ManualClock
from tests.harness import SECRET, records_of
from tests.notices.relay import SENDER, Mailbox, serving

HOUR = 3_600
LINKS = MailLinks(page="https://p.example/a", choose="https://p.example/b", leave="https://p.example/c")
FAILED = Event(contact="c1", kind="feed-failed", about="bretagne", window="1")


def contact(number: int, clock: ManualClock) -> Contact:
    return Contact(
        id=f"c{number}",
        platform="bretagne",
        address=f"essai{number}@example.org",
        name="Personne d’essai",
        language="fr",
        asked_at=clock(),
        confirmed_at=clock(),
    )


class Office:
    """A log with contacts, the facts of this moment, and senders on it."""

    def __init__(self, clock: ManualClock, store: Store | None = None) -> None:
        self.clock = clock
        self.log = MemoryLog(clock=clock, store=store)
        self.book = ContactBook(self.log, secret=SECRET, clock=clock)
        self.facts: list[Event] = []
        self.counts: list[str] = []
        self.erasing: ManualClock | None = None

    def sender(self, relay: MailRelay | None, *, ceiling: int = 10_000, every: float = 0.01) -> Sender:
        async def facts(_contacts: Contacts, _ledger: Ledger) -> Sequence[Event]:
            return list(self.facts)

        def mail(one: Contact, notices: Sequence[Notice]) -> bytes:
            return compose(one, notices, LINKS, platform="IDÉO", sender=SENDER, now=self.clock())

        return Sender(
            log=self.log,
            book=self.book,
            relay=relay,
            facts=facts,
            compose=mail,
            begun=dict,
            clock=self.clock,
            erasing=self.clock if self.erasing is None else self.erasing,
            ceiling=ceiling,
            count=self.counts.append,
            every=every,
        )

    async def work(self, relay: MailRelay | None, *, ceiling: int = 10_000) -> None:
        """One pass of a new sender, as after a start."""
        owner = await self.log.own(ROLE, PARTITION)
        try:
            await self.sender(relay, ceiling=ceiling).work(owner)
        finally:
            await owner.close()

    async def states(self) -> Mapping[str, Notice]:
        return (await fold_topic(self.log, NOTICES, fold_notices, Ledger())).notices

    async def state(self) -> str:
        [one] = (await self.states()).values()
        return f"{one.state} {one.copy}"


@asynccontextmanager
async def office(*facts: Event, contacts: int = 1) -> AsyncIterator[Office]:
    """An office in which these facts are due."""
    made = Office(ManualClock())
    await made.log.create_topics(COMMON)
    people = [contact_record(contact(number + 1, made.clock)) for number in range(contacts)]
    await made.log.append(CONTACTS, PARTITION, people)
    made.facts += facts
    await made.work(MailRelay("smtp://localhost:1", SENDER))  # finds what is due; the relay is away
    made.clock.move(SETTLE_MS / 1_000)
    yield made


async def test_a_notice_is_one_mail_over_starttls_and_is_not_sent_again() -> None:
    async with office(FAILED) as here, serving(box := Mailbox()) as relay:
        await here.work(relay)
        await here.work(relay)
        [mail] = box.taken
        assert "Le flux d’IDÉO n’a pas pu être lu" == mail["Subject"]
        assert ("essai1@example.org", "List-Unsubscribe=One-Click") == (mail["To"], mail["List-Unsubscribe-Post"])
        assert "<https://p.example/c>" == mail["List-Unsubscribe"]
        assert "sent 1" == await here.state()


async def test_a_relay_without_starttls_gets_nothing() -> None:
    async with office(FAILED) as here, serving(box := Mailbox(), starttls=False) as relay:
        await here.work(relay)
        assert ([], "due 0") == (box.taken, await here.state())
        with pytest.raises(RelayAwayError):
            async with relay.session():
                pass


async def test_the_doctor_says_whether_the_relay_takes_mails_over_tls_and_who_signs_them() -> None:
    async with serving(Mailbox()) as relay, serving(Mailbox(), starttls=False) as plain:
        found = await examine_mail(relay)
        assert ("ok", True) == (found.state, "it signs them (DKIM)" in found.message)
        for wrong in (plain, replace(relay, context=ssl.create_default_context()), MailRelay("smtp://[::1]:1", SENDER)):
            found = await examine_mail(wrong)
            assert ("warn", "relay_away") == (found.state, found.code)
            assert "SSL_CERT_FILE" in (found.step or "")
    assert "no notices are sent" in (await examine_mail(None)).message


@pytest.mark.parametrize("answer", ["450 4.2.0 later", "451 4.3.0 later"])
@pytest.mark.parametrize("where", ["rcpt", "data"])
async def test_what_the_relay_puts_off_is_due_again(where: str, answer: str) -> None:
    async with office(FAILED) as here, serving(box := Mailbox()) as relay:
        setattr(box, where, lambda _: answer)
        await here.work(relay)
        assert "due 0" == await here.state()
        setattr(box, where, lambda _: "250 OK")
        here.clock.move(HOUR)
        await here.work(relay)
        assert ("sent 1", 1) == (await here.state(), len(box.taken))


@pytest.mark.parametrize("where", ["rcpt", "data"])
async def test_an_address_that_is_refused_for_good_is_stopped(where: str) -> None:
    async with office(FAILED) as here, serving(box := Mailbox()) as relay:
        setattr(box, where, lambda _: "550 5.1.1 no such mailbox")
        await here.work(relay)
        assert ("failed 1", "refused") == (await here.state(), here.book.get("c1").stopped)
        here.facts.append(replace(FAILED, window="2"))
        here.clock.move(2 * HOUR)
        await here.work(relay)
        assert 1 == len(await here.states())


@pytest.mark.parametrize("where", ["rcpt", "data"])
async def test_a_relay_that_refuses_the_sender_stops_no_address(where: str) -> None:
    async with office(FAILED) as here, serving(box := Mailbox()) as relay:
        setattr(box, where, lambda _: "554 5.7.1 relay access denied")
        await here.work(relay)
        assert ("due 0", None) == (await here.state(), here.book.get("c1").stopped)


@pytest.mark.parametrize("answer", ["554 5.6.0 content rejected", "552 5.2.2 mailbox full", "554 transaction failed"])
async def test_a_refusal_of_the_content_stops_no_address(answer: str) -> None:
    async with office(FAILED) as here, serving(box := Mailbox()) as relay:
        box.data = lambda _: answer
        await here.work(relay)
        assert ("due 0", None) == (await here.state(), here.book.get("c1").stopped)


async def test_a_recipient_that_is_unknown_without_a_status_is_stopped() -> None:
    async with office(FAILED) as here, serving(box := Mailbox()) as relay:
        box.rcpt = lambda _: "550 no such user"
        await here.work(relay)
        assert "refused" == here.book.get("c1").stopped


async def test_an_address_that_is_refused_while_its_contact_is_erased_stops_no_sender() -> None:
    async with office(FAILED) as here, serving(box := Mailbox()) as relay:
        other = ContactBook(here.log, secret=SECRET, clock=here.clock)

        async def erase(_server: object, _session: object, _envelope: object) -> str:
            await other.change(lambda _: ["c1"])
            return "550 5.1.1 no such mailbox"

        box.handle_DATA = erase  # type: ignore[method-assign,assignment]  # of this mailbox alone
        await here.work(relay)
        await other.close()
        assert "failed 1" == await here.state()


async def test_a_connection_cut_after_data_is_tried_once_more_with_the_same_message_id() -> None:
    async with office(FAILED) as here, serving(box := Mailbox()) as relay:
        box.data = lambda _: "cut"
        await here.work(relay)
        assert "sending 1" == await here.state()
        await here.work(relay)
        assert 1 == len(box.taken), "its deadline is not over"
        here.clock.move(DEADLINE_MS / 1_000)
        await here.work(relay)
        assert "sending 2" == await here.state()
        here.clock.move(DEADLINE_MS / 1_000)
        await here.work(relay)
        assert ("unknown 2", [2]) == (await here.state(), list(box.copies.values()))
        assert ["open", "open", "unknown"] == [one for one in here.counts if one != "away"]


async def test_a_relay_that_is_away_leaves_everything_due_and_writes_nothing() -> None:
    async with office(FAILED) as here, serving(box := Mailbox()) as relay:
        written = len(await records_of(here.log, NOTICES))
        for _ in range(5):
            await here.work(MailRelay("smtp://localhost:1", SENDER))
            here.clock.move(HOUR)
        assert written == len(await records_of(here.log, NOTICES))
        await here.work(relay)
        assert ("sent 1", 1) == (await here.state(), len(box.taken))


async def test_without_a_relay_contacts_that_never_agreed_are_erased_all_the_same() -> None:
    async with office() as here:
        await here.book.change(lambda _: [replace(contact(2, here.clock), confirmed_at=None)])
        here.clock.move(8 * 24 * HOUR)
        await here.work(None)
        assert {"c1"} == here.book.state.keys()


async def test_a_wall_clock_that_jumps_ahead_erases_no_contact() -> None:
    async with office() as here:
        here.erasing = ManualClock()
        await here.book.change(lambda _: [replace(contact(2, here.clock), confirmed_at=None)])
        here.clock.move(400 * 24 * HOUR)
        await here.work(None)
        assert {"c1", "c2"} == here.book.state.keys()


async def test_no_line_of_the_log_and_no_record_of_notices_has_an_address() -> None:
    with structlog.testing.capture_logs() as lines:
        async with office(FAILED) as here, serving(box := Mailbox()) as relay:
            box.data = lambda _: "cut"
            await here.work(relay)
            here.clock.move(DEADLINE_MS / 1_000)
            box.data, box.rcpt = (lambda _: "250 OK"), (lambda address: f"550 {address} unknown")
            await here.work(relay)
            records = await records_of(here.log, NOTICES)
    assert "notices.mail" in {one["event"] for one in lines}
    assert "example.org" not in f"{lines}{records}"


class KilledError(Exception):
    """The end of a process."""


class Mortal:
    """An owner whose process ends right before, or right after, one of its commits."""

    def __init__(self, owner: Owner, left: int, *, after: bool) -> None:
        self._owner = owner
        self._left = left
        self._after = after

    async def commit(self, outputs: Sequence[Output]) -> Mapping[tuple[str, int], int]:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise KilledError
        ends = await self._owner.commit(outputs)
        if self._left == 0:
            raise KilledError
        return ends

    async def end(self, topic: str, partition: int) -> int:
        return await self._owner.end(topic, partition)

    async def close(self) -> None:
        await self._owner.close()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 8))
async def test_a_kill_between_any_two_commits_loses_no_mail_and_sends_none_thrice(at: int, after: bool) -> None:  # noqa: FBT001
    events = [replace(FAILED, contact=f"c{number}") for number in (1, 2, 3)]
    async with office(contacts=3) as here, serving(box := Mailbox()) as relay:
        here.facts += events
        for left in (at, 10_000, 10_000):
            owner = Mortal(await here.log.own(ROLE, PARTITION), left, after=after)
            with suppress(KilledError):
                await here.sender(relay).work(owner)
            await owner.close()
            here.clock.move(DEADLINE_MS / 1_000)
        states = await here.states()
        assert {event.id: "sent" for event in events} == {key: one.state for key, one in states.items()}
        assert {f"essai{n}@example.org" for n in (1, 2, 3)} == {mail["To"] for mail in box.taken}
        assert max(box.copies.values()) <= 2


@pytest.mark.slow
@pytest.mark.timeout(280)
async def test_a_thousand_facts_over_three_replicas_with_kills_all_arrive_and_none_more_than_twice() -> None:
    chance = random.Random(7)
    async with office(contacts=250) as here:
        here.facts += [
            replace(FAILED, contact=f"c{n + 1}", kind=kind)
            for n in range(250)
            for kind in ("feed-failed", "moderated", "lifted", "feed-recovered")
        ]
        box = Mailbox()
        box.data = lambda _: chance.choice(["250 OK"] * 6 + ["cut", "451 later"])
        box.rcpt = lambda _: chance.choice(["250 OK"] * 9 + ["451 later"])
        store = here.log._store
        for _ in range(300):
            async with serving(box) as relay:
                replicas = [Office(here.clock, store) for _ in range(3)]
                for one in replicas:
                    one.facts = here.facts
                tasks = [asyncio.create_task(one.sender(relay).run()) for one in replicas]
                await asyncio.sleep(0.1 + chance.random())  # the moment of the kill
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            here.clock.move(HOUR + 60)
            states = (await here.states()).values()
            if len(states) == 1_000 and not any(one.open for one in states):
                break
        notices = (await here.states()).values()
        assert 1_000 == len(notices)
        assert not [one for one in notices if one.open]
        for notice in notices:
            copies = box.copies[f"<{notice.mail}@passerelle.example>"]
            assert copies <= 2
            assert (notice.state, copies > 0) in {("sent", True), ("unknown", True), ("unknown", False)}


def test_a_url_that_names_no_relay_is_refused() -> None:
    for url in ("http://localhost", "smtp://", "localhost:25", "smtp://localhost:0", "smtp://localhost/x"):
        with pytest.raises(ValueError, match="a relay is smtp"):
            MailRelay(url, SENDER)
    assert "secret" not in repr(MailRelay("smtp://a:secret@localhost", SENDER))
