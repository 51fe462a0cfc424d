"""Notices become due once, wait for one another, and end: played by a model with kills at every step."""

import random
from collections import Counter
from dataclasses import replace
from math import inf

import pytest

from gateway.notices.notice import (
    DEADLINE_MS,
    GIVEN_UP_MS,
    PAUSE_MS,
    Event,
    Ledger,
    Notice,
    asked_record,
    due,
    fold_notices,
    lost,
    notice_record,
    read_notice,
    sending,
    settled,
)
from gateway.notices.notice import KEPT_MS as NOTICE_KEPT_MS
from gateway.notices.notice import dropped as without
from gateway.notices.plan import (
    ASKED_MS,
    BETWEEN_MS,
    DAY_MS,
    HOUR_MS,
    LINKS_AN_HOUR,
    SETTLE_MS,
    expired,
    new_notices,
    next_digest,
    next_step,
    service_events,
)
from gateway.notices.plan import KEPT_MS as CONTACT_KEPT_MS
from gateway.protocol.contact import UNCONFIRMED_MS, Contact, Contacts, Erased
from gateway.protocol.record import Record, StoredRecord

NOW = 1_800_000_000_000
CONTACT = Contact(
    id="c1",
    platform="bretagne",
    address="essai@example.org",
    name="Personne d’essai",
    language="fr",
    asked_at=NOW - DAY_MS,
    confirmed_at=NOW - DAY_MS,
)
FAILED = Event(contact="c1", kind="feed-failed", about="bretagne", window="1")
REFUSED = Event(contact="c1", kind="refusals", about="bretagne", window="2027-01-15", number=900)


class World:
    """A log in order, what the relay has taken, and what a sender knows. A kill loses everything but the log."""

    def __init__(self, contacts: Contacts) -> None:
        self.contacts = contacts
        self.now = NOW
        self.records: list[StoredRecord] = []
        self._read: tuple[int, Ledger] = (0, Ledger())
        self.taken: Counter[str] = Counter()

    @property
    def ledger(self) -> Ledger:
        """As every owner reads it from the log."""
        read, ledger = self._read
        self._read = len(self.records), fold_notices(ledger, self.records[read:])
        return self._read[1]

    def commit(self, *notices: Notice) -> None:
        self.append(*map(notice_record, notices))

    def append(self, *records: Record) -> None:
        first = len(self.records)
        self.records += [StoredRecord(first + n, self.now, one.key, one.value) for n, one in enumerate(records)]

    def find(self, *events: Event) -> None:
        found = new_notices(events, self.contacts, self.ledger, now=self.now)
        if found:
            self.commit(*found)

    def step(self, chance: random.Random) -> bool:
        """One step of a sender that may be killed after each commit and after the relay took a mail."""
        step = next_step(self.contacts, self.ledger, now=self.now, ceiling=1_000)
        if step is None:
            return False
        if step.step == "lose":
            self.commit(*lost(step.notices, now=self.now))
        elif step.step == "drop":
            self.commit(*(without(one, now=self.now) for one in step.notices))
        else:
            copies = sending(step.notices, now=self.now)
            self.commit(*copies)
            if chance.random() < 0.3:
                return True  # killed before the relay has it
            outcome = chance.choice(["sent", "sent", "refused", "later"])
            self.taken.update([copies[0].mail or ""] if outcome == "sent" else [])
            if chance.random() < 0.7:  # else killed before the outcome is written
                self.commit(*settled(copies, outcome, now=self.now))  # type: ignore[arg-type]  # one of the three
        return True


@pytest.mark.parametrize("seed", range(60))
def test_every_notice_ends_and_no_mail_is_taken_more_than_twice(seed: int) -> None:
    chance = random.Random(seed)
    world = World({f"c{n}": replace(CONTACT, id=f"c{n}") for n in range(3)})
    kinds = ["feed-failed", "feed-recovered", "refusals", "ends"]
    events = [
        Event(contact=f"c{chance.randrange(3)}", kind=chance.choice(kinds), about="bretagne", window=str(n))
        for n in range(20)
    ]
    for event in events:
        world.find(event, event)
        world.step(chance)
        world.now += chance.randrange(HOUR_MS)
    for _ in range(3_000):
        world.now += 0 if world.step(chance) else 10 * 60_000
        if not any(one.open for one in world.ledger.notices.values()):
            break
    ended = world.ledger.notices
    assert ended == fold_notices(Ledger(), world.records).notices
    assert {event.id for event in events} == ended.keys()
    assert {"sent", "failed", "unknown"} >= {one.state for one in ended.values()}
    assert all(times <= 2 for times in world.taken.values())
    for one in ended.values():
        if one.state == "sent":
            assert 1 <= world.taken[one.mail or ""]
        if one.state == "failed":
            assert 0 == world.taken[one.mail or ""] or one.copy == 2


def test_facts_of_one_minute_go_in_one_mail_and_the_next_waits_an_hour() -> None:
    world = World({"c1": CONTACT})
    world.find(FAILED, replace(FAILED, kind="moderated"))
    assert next_step(world.contacts, world.ledger, now=NOW, ceiling=9) is None
    step = next_step(world.contacts, world.ledger, now=NOW + SETTLE_MS, ceiling=9)
    assert step is not None
    assert ("send", 2) == (step.step, len(step.notices))
    world.commit(*settled(sending(step.notices, now=NOW), "sent", now=NOW))
    world.find(replace(FAILED, window="2"))
    assert next_step(world.contacts, world.ledger, now=NOW + BETWEEN_MS - 1, ceiling=9) is None
    assert next_step(world.contacts, world.ledger, now=NOW + BETWEEN_MS, ceiling=9) is not None


def test_nine_hundred_refusals_are_one_notice_of_the_digest_with_their_last_number() -> None:
    world = World({"c1": CONTACT})
    world.find(replace(REFUSED, number=10))
    world.now += HOUR_MS
    world.find(REFUSED)
    world.find(REFUSED)
    [notice] = world.ledger.notices.values()
    assert (900, NOW, 2) == (notice.event.number, notice.at, len(world.records))
    assert next_step(world.contacts, world.ledger, now=next_digest(NOW) - 1, ceiling=9) is None
    step = next_step(world.contacts, world.ledger, now=next_digest(NOW), ceiling=9)
    assert step is not None
    assert "send" == step.step
    world.commit(*settled(sending(step.notices, now=world.now), "sent", now=world.now))
    assert [] == new_notices([replace(REFUSED, number=901)], world.contacts, world.ledger, now=world.now)


def test_a_notice_of_a_kind_that_a_later_version_knows_is_left_to_it() -> None:
    world = World({"c1": CONTACT})
    world.commit(due(replace(FAILED, kind="of-a-later-version"), now=NOW), due(FAILED, now=NOW))
    step = next_step(world.contacts, world.ledger, now=NOW + DAY_MS, ceiling=9)
    assert step is not None
    assert ["feed-failed"] == [one.event.kind for one in step.notices]


def test_what_could_not_be_sent_for_a_day_goes_in_one_mail() -> None:
    world = World({"c1": CONTACT})
    for number in range(5):
        world.find(replace(FAILED, window=str(number)), replace(REFUSED, window=str(number)))
        world.now += HOUR_MS
    step = next_step(world.contacts, world.ledger, now=NOW + DAY_MS, ceiling=9)
    assert step is not None
    assert 10 == len(step.notices)


def test_a_choice_of_nothing_makes_nothing_due_and_a_later_one_drops_what_is() -> None:
    world = World({"c1": replace(CONTACT, choices={"feed-failed": "never"})})
    world.find(FAILED)
    assert {} == world.ledger.notices
    world.contacts = {"c1": CONTACT}
    world.find(FAILED)
    world.contacts = {"c1": replace(CONTACT, stopped="left")}
    step = next_step(world.contacts, world.ledger, now=NOW, ceiling=9)
    assert step is not None
    assert "drop" == step.step


def test_at_the_ceiling_of_an_hour_nothing_is_sent_and_nothing_is_lost() -> None:
    world = World({"c1": CONTACT, "c2": replace(CONTACT, id="c2")})
    world.commit(*settled(sending([due(replace(FAILED, contact="c2"), now=NOW)], now=NOW), "sent", now=NOW))
    world.find(FAILED)
    assert next_step(world.contacts, world.ledger, now=NOW + SETTLE_MS, ceiling=1) is None
    assert next_step(world.contacts, world.ledger, now=NOW + HOUR_MS + 1, ceiling=1) is not None


def test_a_copy_that_was_put_off_does_not_count_and_a_week_of_that_is_a_failure() -> None:
    [first] = sending([due(FAILED, now=NOW)], now=NOW)
    [later] = settled([first], "later", now=NOW)
    assert ("due", 0, None, NOW + PAUSE_MS) == (later.state, later.copy, later.mail, later.until)
    [second] = sending([first], now=NOW + DEADLINE_MS)
    assert (2, first.mail) == (second.copy, second.mail)
    [open_again] = settled([second], "later", now=NOW)
    assert ("sending", 1, first.mail) == (open_again.state, open_again.copy, open_again.mail)
    [failed] = settled([first], "later", now=NOW + GIVEN_UP_MS + 1)
    assert "failed" == failed.state


def test_consent_is_asked_for_once_and_a_contact_without_it_is_erased_after_a_week() -> None:
    new = replace(CONTACT, confirmed_at=None, asked_at=NOW)
    world = World({"c1": new})
    world.find(*service_events(world.contacts, world.ledger, now=NOW), FAILED)
    world.find(*service_events(world.contacts, world.ledger, now=NOW))
    assert ["confirm"] == [one.event.kind for one in world.ledger.notices.values()]
    none: dict[str, float] = {}
    assert [] == expired(world.contacts, world.ledger, none, now=NOW + UNCONFIRMED_MS - 1)
    assert ["c1"] == expired(world.contacts, world.ledger, none, now=NOW + UNCONFIRMED_MS)


def test_a_contact_that_was_not_seen_is_asked_before_it_is_erased() -> None:
    world = World({"c1": CONTACT})
    seen, none = CONTACT.confirmed_at or 0, dict[str, float]()
    assert ASKED_MS + NOTICE_KEPT_MS > CONTACT_KEPT_MS + DAY_MS, "its notice is known until then, and a day longer"
    world.now = seen + CONTACT_KEPT_MS
    assert [] == expired(world.contacts, world.ledger, none, now=world.now), "it was not asked"
    world.find(*service_events(world.contacts, world.ledger, now=world.now))
    [stay] = world.ledger.notices.values()
    assert "stay" == stay.event.kind
    world.commit(*settled(sending([stay], now=world.now), "sent", now=world.now))
    assert ["c1"] == expired(world.contacts, world.ledger, none, now=world.now)
    assert ["c1"] == expired(world.contacts, Ledger(), {"bretagne": inf}, now=NOW), "its platform was revoked"
    again = {"bretagne": world.contacts["c1"].asked_at + 61_000}
    assert ["c1"] == expired(world.contacts, Ledger(), again, now=NOW), "its platform was added again"
    assert [] == expired(world.contacts, Ledger(), {"bretagne": world.contacts["c1"].asked_at + 59_000}, now=NOW)
    erased = Erased(id="c2", platform="bretagne", digest="d", asked_at=NOW)
    assert ["c2"] == expired({"c2": erased}, Ledger(), none, now=NOW + DAY_MS)


def test_three_links_an_hour_are_made_for_a_contact_however_often_it_asks() -> None:
    world = World({"c1": CONTACT})
    for _ in range(5):
        world.append(asked_record("c1", now=world.now), asked_record("unknown", now=world.now))
    world.find(*service_events(world.contacts, world.ledger, now=NOW))
    world.find(*service_events(world.contacts, world.ledger, now=NOW))
    assert LINKS_AN_HOUR == len(world.ledger.notices)
    world.now += HOUR_MS + 1
    world.append(asked_record("c1", now=world.now))
    world.find(*service_events(world.contacts, world.ledger, now=world.now))
    assert LINKS_AN_HOUR + 1 == len(world.ledger.notices)


def test_records_come_back_as_they_were_and_are_forgotten_after_thirty_days() -> None:
    [notice] = sending([due(REFUSED, now=NOW)], now=NOW)
    record = notice_record(notice)
    assert notice == read_notice(record.value or b"")
    assert b"example.org" not in (record.value or b"")
    sent = settled([notice], "sent", now=NOW)
    ledger = fold_notices(Ledger(), [StoredRecord(0, NOW, b"x", notice_record(sent[0]).value)])
    assert 1 == len(ledger.notices)
    other = notice_record(due(FAILED, now=NOW + NOTICE_KEPT_MS + 1))
    after = fold_notices(ledger, [StoredRecord(1, NOW + NOTICE_KEPT_MS + 1, other.key, other.value)])
    assert {FAILED.id} == after.notices.keys()
    for wrong in (b"", b"{}", b'{"state": "x"}'):
        with pytest.raises(ValueError):  # noqa: PT011  # of JSON, or ours
            read_notice(wrong)
