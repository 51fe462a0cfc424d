"""The act of a day: when it is refused, and that refused acts write nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial

import pytest

from gateway.operate.activation import LAST_MS, take_back
from gateway.operate.activation import activate as activate_release
from gateway.operate.desk import Desk, RefusedActError
from gateway.operate.journal import Journal
from gateway.operate.releases import ReleaseBook
from gateway.partners import Partners
from gateway.partners.partners import ChangeConflictError
from gateway.protocol.journal import Actor, read_entry
from gateway.protocol.paris_time import paris_midnight
from gateway.protocol.record import Record, offer_record, position_record
from gateway.protocol.release import PARTITION, SEEN_MS, Activation, activation_record, replica_record
from gateway.protocol.topic import COMMON, DAY_MS, JOURNAL, OFFERS, POSITIONS, RELEASES, SUBMISSIONS
from tests.clock import ManualClock
from tests.harness import SECRET, records_of, until
from tests.memory_log import MemoryLog
from tests.store.offer_topic import OfferTopic, offer_of

TODAY = date(2027, 8, 1)
DAY = date(2027, 9, 1)
HELD = Activation(release="9.9", begins=TODAY, fields=("remote",), entry=1, at=1)
ACCEPTED = Record(b"bretagne:1", b'{"kind":"publish","offer":{"id":"bretagne:1","remote":true}}')


async def activate(desk: Desk, book: ReleaseBook, release: str, day: date) -> bool:
    """The act on a release, without senders of what ends."""
    return await activate_release(desk, book, release, day, senders=None)


@dataclass
class Office:
    clock: ManualClock
    log: MemoryLog
    desk: Desk
    book: ReleaseBook

    async def refused(self, release: str, day: date | None) -> tuple[str, str | None]:
        """The refusal of an act, which wrote nothing."""
        before = [len(await records_of(self.log, topic.name)) for topic in COMMON]
        with pytest.raises(RefusedActError) as found:
            await (
                take_back(self.desk, self.book, release, seconds=0)
                if day is None
                else activate(self.desk, self.book, release, day)
            )
        assert before == [len(await records_of(self.log, topic.name)) for topic in COMMON]
        return found.value.refusal, found.value.actual


@pytest.fixture
async def office() -> Office:
    clock = ManualClock(paris_midnight(TODAY))
    log = MemoryLog(clock=clock)
    await log.create_topics(COMMON)
    journal = Journal(log, secret=SECRET, clock=clock)
    desk = Desk(log=log, partners=Partners(log), journal=journal, actor=Actor(client="exploitation"), clock=clock)
    return Office(clock, log, desk, ReleaseBook(log, clock=clock, knows=("1.0", "1.1")))


async def test_the_record_names_the_entry_of_the_journal(office: Office) -> None:
    """EVO-004: by whom is in the journal alone, where a name can be erased."""
    assert await activate(office.desk, office.book, "1.1", DAY)
    (record,) = await records_of(office.log, RELEASES)
    (entry,) = [read_entry(one.value or b"") for one in await records_of(office.log, JOURNAL)]
    assert ("release.activate", "1.1", {"day": "2027-09-01"}) == (entry.act, entry.about, entry.details)
    assert entry.number == office.book.state.activations["1.1"].entry
    assert b"exploitation" not in (record.value or b"")
    assert {"1.1": DAY} == office.book.activations


async def test_a_later_day_needs_no_force_though_platforms_send_what_ends(office: Office) -> None:
    """EVO-006: an end that was forced is postponed like any other; an earlier day asks again."""

    async def senders(_code: str, _now: int) -> list[str]:
        return ["bretagne"]

    forced = replace(office.desk, why="Announced a year ago")
    act = partial(activate_release, book=office.book, release="1.1", senders=senders)
    assert await act(forced, day=DAY, force=True)
    assert await act(office.desk, day=DAY + timedelta(days=7))
    with pytest.raises(RefusedActError, match="bretagne"):
        await act(office.desk, day=DAY)


async def test_a_day_is_two_days_ahead_at_least(office: Office) -> None:
    """EVO-004"""
    first = TODAY + timedelta(days=2)
    for day in (TODAY - timedelta(days=400), TODAY, TODAY + timedelta(days=1)):
        assert ("release-early", first.isoformat()) == await office.refused("1.1", day)
    assert await activate(office.desk, office.book, "1.1", first)


async def test_a_replica_seen_within_the_hour_keeps_a_release_it_lacks_from_beginning(office: Office) -> None:
    """EVO-004: it is named; one that was not seen for an hour prevents nothing."""
    await office.log.append(
        RELEASES, PARTITION, [replica_record("old", ["1.0"]), replica_record("new", ["1.0", "1.1"])]
    )
    assert ("release-lacking", "old") == await office.refused("1.1", DAY)
    office.clock.now += SEEN_MS
    await office.book.announce("new")
    assert await activate(office.desk, office.book, "1.1", DAY)


@pytest.mark.parametrize("ahead", [-3, 0, 3])
async def test_no_clock_of_a_replica_decides_when_a_release_may_begin(office: Office, ahead: int) -> None:
    """EVO-004: one that is behind sets no day that has come, one that is ahead forgets no replica."""
    await office.log.append(RELEASES, PARTITION, [replica_record("old", ["1.0"])])
    office.clock.now += ahead * DAY_MS
    assert "release-lacking" == (await office.refused("1.1", DAY))[0]
    assert "release-early" == (await office.refused("1.1", TODAY + timedelta(days=1)))[0]


async def test_an_unknown_release_has_no_day(office: Office) -> None:
    assert ("release-unknown", "1.2") == await office.refused("1.2", DAY)


async def test_a_day_moves_until_it_has_come(office: Office) -> None:
    """EVO-004: verdicts of a day that is over stay what they were."""
    await activate(office.desk, office.book, "1.1", DAY)
    assert await activate(office.desk, office.book, "1.1", DAY + timedelta(days=1))
    for early in (LAST_MS, 0):  # minutes before, an act would be on the log too late
        office.clock.now = paris_midnight(DAY + timedelta(days=1)) - early
        assert ("release-begun", "2027-09-02") == await office.refused("1.1", DAY + timedelta(days=90))


class Overtaken(ReleaseBook):
    """A book beside which something happens before its second reading: after the record, before the answer."""

    then: Callable[[], Awaitable[object]]
    readings = 0

    async def catch_up(self) -> None:
        self.readings += 1
        if self.readings == 2:
            await self.then()
        await super().catch_up()


async def test_of_two_acts_at_once_the_last_on_the_log_holds(office: Office) -> None:
    """EVO-004: the other one answers that it changed nothing."""
    overtaken = Overtaken(office.log, clock=office.clock, knows=("1.0", "1.1"))
    later = DAY + timedelta(days=7)
    overtaken.then = lambda: activate(office.desk, office.book, "1.1", later)
    assert not await activate(office.desk, overtaken, "1.1", DAY)
    assert {"1.1": later} == overtaken.activations == office.book.activations
    overtaken.readings = 0
    assert not await take_back(office.desk, overtaken, "1.1")
    overtaken.readings, overtaken.then = 0, lambda: take_back(office.desk, office.book, "1.1")
    assert not await activate(office.desk, overtaken, "1.1", DAY)
    assert {} == overtaken.activations


async def test_a_day_is_taken_back_until_an_offer_has_a_field(office: Office) -> None:
    """EVO-004: also that of a release which this version does not know, so that the version before can be installed."""
    for held in (False, True):
        await office.log.append(RELEASES, PARTITION, [activation_record(HELD)])
        if held:
            state = OfferTopic().publish(offer_of("bretagne:1", remote=True))
            await office.log.append(OFFERS, PARTITION, [offer_record(state)])
            for begins in (TODAY, DAY):
                await office.log.append(RELEASES, PARTITION, [activation_record(replace(HELD, begins=begins))])
                assert ("release-begun", begins.isoformat()) == await office.refused("9.9", None)
            await office.log.append(OFFERS, PARTITION, [Record(offer_record(state).key, None)])
        assert await take_back(office.desk, office.book, "9.9", seconds=0)
        assert {} == office.book.activations


async def test_an_accepted_offer_with_a_field_keeps_a_day_from_being_taken_back(office: Office) -> None:
    """EVO-004: it is not decided yet, and goes live with the field."""
    await office.log.append(RELEASES, PARTITION, [activation_record(HELD)])
    await office.log.append(SUBMISSIONS, PARTITION, [ACCEPTED])
    assert ("release-begun", "2027-08-01") == await office.refused("9.9", None)
    await office.log.append(POSITIONS, PARTITION, [position_record(SUBMISSIONS, PARTITION, 1)])  # refused by the relay
    assert await take_back(office.desk, office.book, "9.9", seconds=0)


@pytest.mark.parametrize("beside", [None, "release.cancel", "release.activate"])
async def test_an_offer_accepted_while_a_day_is_taken_back_brings_it_back(office: Office, beside: str | None) -> None:
    """EVO-004: at a replica that has not yet read it; the journal says that the act failed, and so does one beside it,
    at another replica.
    """
    await office.log.append(RELEASES, PARTITION, [activation_record(HELD)])
    first = asyncio.create_task(take_back(office.desk, office.book, "9.9", seconds=0.2))
    await until(partial(is_put_off, office))
    other = ReleaseBook(office.log, clock=office.clock, knows=("9.9",))
    again = {
        "release.cancel": lambda: take_back(office.desk, other, "9.9", seconds=0.2),
        "release.activate": lambda: activate_release(office.desk, other, "9.9", DAY, senders=None, seconds=0.2),
    }
    second = [] if beside is None else [asyncio.create_task(again[beside]())]
    await until(partial(has_acted, office, 1 + len(second)))
    await office.log.append(SUBMISSIONS, PARTITION, [ACCEPTED])
    with pytest.raises(RefusedActError, match="have its fields: 1"):
        await first
    for act in second:
        with pytest.raises(ChangeConflictError):
            await act
    await office.book.catch_up()
    assert {"9.9": TODAY} == office.book.activations
    acts = [read_entry(one.value or b"") for one in await records_of(office.log, JOURNAL)]
    begun = ["release.cancel", *filter(None, [beside])]
    ended = [(act, number) for number, act in enumerate(begun, 1)]
    found = [(one.act, one.failed) for one in acts]
    assert [(act, None) for act in begun] == found[: len(begun)]
    assert ended == sorted(found[len(begun) :], key=lambda one: one[1] or 0), "in either order"


async def is_put_off(office: Office) -> bool:
    await office.book.catch_up()
    return {"9.9": TODAY + timedelta(days=2)} == office.book.activations


async def has_acted(office: Office, number: int) -> bool:
    return len(await records_of(office.log, JOURNAL)) == number


async def test_who_ends_while_a_begun_release_is_taken_back_has_put_it_off(office: Office) -> None:
    """EVO-004: the release is not lost with the offers that were accepted meanwhile, and the act can be repeated."""
    await office.log.append(RELEASES, PARTITION, [activation_record(HELD)])
    act = asyncio.create_task(take_back(office.desk, office.book, "9.9", seconds=3600))
    await until(partial(is_put_off, office))
    await office.log.append(SUBMISSIONS, PARTITION, [ACCEPTED])
    act.cancel()
    await asyncio.wait([act])
    assert await is_put_off(office)
    assert ("release-begun", "2027-08-03") == await office.refused("9.9", None)


async def test_a_day_that_moves_while_it_is_taken_back_is_not_lost(office: Office) -> None:
    """EVO-004: the act that finds another day than it has read fails."""
    await office.log.append(RELEASES, PARTITION, [activation_record(HELD)])
    act = asyncio.create_task(take_back(office.desk, office.book, "9.9", seconds=0.2))
    await until(partial(is_put_off, office))
    await office.log.append(RELEASES, PARTITION, [activation_record(replace(HELD, begins=DAY))])
    with pytest.raises(ChangeConflictError):
        await act
    assert {"9.9": DAY} == office.book.activations


async def test_what_is_so_already_is_no_act(office: Office) -> None:
    await activate(office.desk, office.book, "1.1", DAY)
    assert not await activate(office.desk, office.book, "1.1", DAY)
    assert not await take_back(office.desk, office.book, "1.0")
    assert 1 == len(await records_of(office.log, JOURNAL))
