"""A replica beside releases: announced each minute, unready where it lacks one, ended before the day of that one."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from gateway.bootstrap.parts import conditions
from gateway.federation.doctor import examine_releases
from gateway.operate.releases import ReleaseBook, UnknownReleaseError, count_holding, replica_id
from gateway.protocol.paris_time import paris_midnight
from gateway.protocol.record import offer_record
from gateway.protocol.release import PARTITION, SEEN_MS, Activation, activation_record, replica_record
from gateway.protocol.topic import COMMON, DAY_MS, OFFERS, RELEASES
from schemas.rulebook import SCHEMA_RELEASES, SCHEMA_VERSION
from tests.clock import ManualClock
from tests.harness import built, records_of
from tests.memory_log import MemoryLog
from tests.store.offer_topic import OfferTopic, offer_of

DAY = date(2027, 9, 1)
UNKNOWN = Activation(release="9.9", begins=DAY, fields=("remote", "employer.size"), entry=1, at=1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(paris_midnight(date(2027, 8, 1)))


@pytest.fixture
async def log(clock: ManualClock) -> MemoryLog:
    log = MemoryLog(clock=clock)
    await log.create_topics(COMMON)
    return log


async def book_of(log: MemoryLog, at: int, knows: tuple[str, ...] = ("1.0",)) -> ReleaseBook:
    book = ReleaseBook(log, clock=lambda: at, knows=knows)
    await book.catch_up()
    return book


def test_this_version_knows_its_release_and_those_before() -> None:
    assert SCHEMA_VERSION == SCHEMA_RELEASES[-1]
    assert ["1.0"] == [*SCHEMA_RELEASES[:1]]


async def test_a_replica_says_what_it_knows_and_erases_those_that_are_gone(log: MemoryLog, clock: ManualClock) -> None:
    """EVO-004"""
    at = clock.now
    await log.append(RELEASES, PARTITION, [replica_record("gone", ["1.0"])])
    clock.now += DAY_MS
    await (await book_of(log, at, ("1.0", "1.1"))).announce("here")
    (here,) = (await book_of(log, at)).state.replicas.values()
    assert ("here", frozenset({"1.0", "1.1"})) == (here.id, here.knows)


async def test_a_replica_that_was_down_for_a_day_does_not_erase_itself(log: MemoryLog, clock: ManualClock) -> None:
    """EVO-004"""
    for _ in range(2):
        await log.append(RELEASES, PARTITION, [replica_record("here", ["1.0"])])
        clock.now += DAY_MS
        await log.append(RELEASES, PARTITION, [replica_record("other", ["1.0"])])
    await (await book_of(log, clock.now)).announce("here")
    assert {"here", "other"} == {*(await book_of(log, clock.now)).state.replicas}


async def test_a_replica_whose_clock_is_a_day_ahead_erases_no_other(log: MemoryLog, clock: ManualClock) -> None:
    """EVO-004: the log's time counts."""
    await log.append(RELEASES, PARTITION, [replica_record("other", ["1.0"])])
    await (await book_of(log, clock.now + 2 * DAY_MS)).announce("here")
    assert {"here", "other"} == {*(await book_of(log, clock.now)).state.replicas}


def test_a_replica_has_one_name_in_a_data_folder(tmp_path: Path) -> None:
    """Two gateways of one machine have two."""
    names = [replica_id(tmp_path / name) for name in ("a", "a", "b")]
    assert names[0] == names[1] != names[2]


async def test_a_replica_without_an_activated_release_is_unready_at_once(log: MemoryLog, tmp_path: Path) -> None:
    """EVO-004: and ready again once the activation is taken back."""
    async with built(tmp_path, log=log, clock=ManualClock(paris_midnight(date(2027, 8, 1)))) as harness:
        assert conditions(harness.federation)["releases"]
        await log.append(RELEASES, PARTITION, [activation_record(UNKNOWN)])
        await harness.federation.releases.catch_up()
        assert not conditions(harness.federation)["releases"]
        await log.append(RELEASES, PARTITION, [replace(activation_record(UNKNOWN), value=None)])
        await harness.federation.releases.catch_up()
        assert conditions(harness.federation)["releases"]


@pytest.mark.parametrize(
    ("at", "ends"),
    [(paris_midnight(date(2027, 8, 31)) - 1, False), (paris_midnight(date(2027, 8, 31)), True), (2**42, True)],
    ids=["two days before", "the day before", "long after"],
)
async def test_a_replica_without_an_activated_release_ends_the_day_before(log: MemoryLog, at: int, ends: bool) -> None:  # noqa: FBT001
    """EVO-004: it names release, day and the offers that have its fields."""
    topic = OfferTopic()
    states = [topic.publish(offer_of(f"bretagne:{n}", **({"remote": True} if n < 3 else {}))) for n in range(5)]
    states.append(topic.withdraw("bretagne:0"))
    for state in states:
        await log.append(OFFERS, PARTITION, [offer_record(state)])
    await log.append(RELEASES, PARTITION, [activation_record(UNKNOWN)])
    book = await book_of(log, at)
    if not ends:
        await book.refuse_unknown()
        return
    with pytest.raises(UnknownReleaseError) as found:
        await book.attend("here")
    for part in ("9.9", "2027-09-01", "knows 1.0 only", "2 offers, live or accepted, have one of its fields"):
        assert part in str(found.value)


async def test_a_known_release_ends_nobody(log: MemoryLog) -> None:
    await log.append(RELEASES, PARTITION, [activation_record(UNKNOWN)])
    await (await book_of(log, 2**42, ("1.0", "9.9"))).refuse_unknown()


async def test_offers_that_have_a_field_are_counted_at_any_depth(log: MemoryLog) -> None:
    topic = OfferTopic()
    offer = offer_of("bretagne:1")
    deep = {**offer, "employer": {**offer["employer"], "size": 3}}
    for state in (topic.publish(deep), topic.publish(offer_of("bretagne:2"))):
        await log.append(OFFERS, PARTITION, [offer_record(state)])
    assert [1, 0, 0] == [await count_holding(log, fields) for fields in (["employer.size"], ["remote"], [])]


async def test_the_doctor_names_what_keeps_a_release_from_beginning(log: MemoryLog, clock: ManualClock) -> None:
    """EVO-004"""
    await log.append(RELEASES, PARTITION, [replica_record("old", ["1.0"]), replica_record("new", ["1.0", "1.1"])])
    book = await book_of(log, clock.now, ("1.0", "1.1"))
    found = [examine_releases(book)]
    clock.now += SEEN_MS
    await book.announce("new")
    found.append(examine_releases(book))
    assert [("warn", {"release": "1.1", "replicas": "old"}), ("ok", {})] == [(one.state, one.values) for one in found]
    await log.append(RELEASES, PARTITION, [activation_record(UNKNOWN)])
    await book.catch_up()
    assert ("fail", "release_unknown") == (examine_releases(book).state, examine_releases(book).code)


async def test_announcements_are_no_personal_data_and_few(log: MemoryLog) -> None:
    """A replica is one record after compaction, whose value names releases only."""
    book = await book_of(log, paris_midnight(date(2027, 8, 1)))
    for _ in range(3):
        await book.announce("here")
    assert {b"replica/here"} == {record.key for record in await records_of(log, RELEASES)}
    assert {b'{"knows":["1.0"]}'} == {record.value for record in await records_of(log, RELEASES)}
