"""The journal's writer: one chain of all writers, names apart from it, and the audit that reads both."""

import asyncio

import pytest

from gateway.errors import LogUnavailableError
from gateway.log.memory import Store
from gateway.log.port import Output, Owner
from gateway.operate.audit import audit
from gateway.operate.journal import Journal, read_journal
from gateway.operate.journal_audit import audit_journal
from gateway.protocol.journal import (
    GENESIS,
    LAST,
    Act,
    Actor,
    JournalEntry,
    JournalFilter,
    PersonName,
    entry_record,
    name_record,
    read_entry,
)
from gateway.protocol.record import Record, position_record
from gateway.protocol.topic import COMMON, DAY_MS, JOURNAL, OPERATORS, POSITIONS
from tests.clock import ManualClock
from tests.harness import SECRET, records_of
from tests.memory_log import MemoryLog, WriteFault

BY = Actor(name="Name of a person")
OTHER = Actor(name="Another person")
ACT = Act(act="partner.rotate", about="bretagne", why="Lost")
TOPICS = tuple(topic for topic in COMMON if topic.name in {JOURNAL, OPERATORS})


@pytest.fixture
async def log() -> MemoryLog:
    log = MemoryLog(clock=ManualClock())
    await log.create_topics(COMMON)
    return log


async def entries(log: MemoryLog) -> list[JournalEntry]:
    return [read_entry(record.value or b"") for record in await records_of(log, JOURNAL)]


async def test_writers_that_fence_one_another_write_one_chain(log: MemoryLog) -> None:
    journals = [Journal(log, secret=SECRET) for _ in range(3)]
    writes = (journals[n % 3].write(Act(act="partner.add", about=f"p{n}"), BY) for n in range(12))
    written = await asyncio.gather(*writes)
    found = await entries(log)
    assert list(range(1, 13)) == [entry.number for entry in found]
    assert sorted(one.number for one in written) == [entry.number for entry in found]
    assert {f"p{n}" for n in range(12)} == {entry.about for entry in found}
    assert 1 == len({entry.person for entry in found})
    report = await audit(log, secret=SECRET)
    assert report.clean, report.findings
    assert 12 == report.counts["journal entries"]


@pytest.mark.parametrize("fault", [WriteFault.UNANSWERED, WriteFault.LOST])
async def test_an_entry_of_unknown_outcome_is_written_once(log: MemoryLog, fault: WriteFault) -> None:
    journal = Journal(log, secret=SECRET)
    await journal.write(ACT, BY)
    log.inject(fault)
    await journal.write(ACT, OTHER)
    assert [1, 2] == [entry.number for entry in await entries(log)]
    assert (await audit(log, secret=SECRET)).clean


class OvertakenLog(MemoryLog):
    """A client that another writer overtakes when it takes the chain for the second time."""

    other: Journal | None = None
    owned = 0

    async def own(self, role: str, partition: int) -> Owner:  # type: ignore[override]  # the port's type
        self.owned += 1
        if self.owned == 2 and self.other is not None:
            await self.other.write(Act(act="partner.add", about="normandie"), OTHER)
        return await super().own(role, partition)


async def test_an_entry_of_unknown_outcome_is_written_once_although_another_follows_it() -> None:
    store = Store()
    log, overtaken = MemoryLog(clock=ManualClock(), store=store), OvertakenLog(clock=ManualClock(), store=store)
    await log.create_topics(COMMON)
    journal = Journal(overtaken, secret=SECRET)
    await journal.write(ACT, BY)
    overtaken.other, overtaken.owned = Journal(log, secret=SECRET), 0
    overtaken.inject(WriteFault.UNANSWERED)
    written = await journal.write(ACT, OTHER)
    assert ["bretagne", "bretagne", "normandie"] == [entry.about for entry in await entries(log)]
    assert 2 == written.number
    assert (await audit(log, secret=SECRET)).clean


async def test_an_act_that_fails_has_a_further_entry_unless_the_log_left_it_open(log: MemoryLog) -> None:
    journal = Journal(log, secret=SECRET)
    with pytest.raises(ValueError, match="conflict"):
        async with journal.acting(ACT, BY):
            raise ValueError("conflict")
    assert [None, 1] == [entry.failed for entry in await entries(log)]
    with pytest.raises(LogUnavailableError):
        async with journal.acting(ACT, BY):
            raise LogUnavailableError("nothing is known")
    assert [None, 1, None] == [entry.failed for entry in await entries(log)]


async def test_an_act_without_its_entry_is_not_begun(log: MemoryLog) -> None:
    journal, begun = Journal(log, secret=SECRET, retry_seconds=0.01), False
    log.inject(*[WriteFault.REFUSED] * 9)
    with pytest.raises(LogUnavailableError):
        async with journal.acting(ACT, BY):
            begun = True
    log.heal()
    assert not begun
    assert [] == await entries(log)


async def test_a_name_is_erased_and_the_chain_stays_whole(log: MemoryLog) -> None:
    journal = Journal(log, secret=SECRET)
    for by in (BY, OTHER, BY):
        await journal.write(ACT, by)
    assert await journal.erase_name("Name  of a person", OTHER)
    assert not await journal.erase_name("Name of a person", OTHER)
    await log.maintain(TOPICS, now=ManualClock()())
    records = [one for topic in COMMON for one in await records_of(log, topic.name)]
    held = b"".join((one.key or b"") + (one.value or b"") for one in records)
    assert b"Name of a person" not in held
    assert b"Another person" in held
    found = await entries(log)
    assert [ACT.act, ACT.act, ACT.act, "journal.erase-name"] == [entry.act for entry in found]
    assert found[0].person == found[2].person == found[3].about
    assert (await audit(log, secret=SECRET)).clean


async def test_who_erases_the_own_name_is_not_named_by_that(log: MemoryLog) -> None:
    journal = Journal(log, secret=SECRET)
    await journal.write(ACT, BY)
    assert await journal.erase_name("Name of a person", BY)
    assert {} == journal.names.state
    assert (await entries(log))[-1].person is None


async def test_a_person_who_acts_again_has_another_pseudonym(log: MemoryLog) -> None:
    journal = Journal(log, secret=SECRET)
    before = await journal.write(ACT, BY)
    await journal.erase_name("Name of a person", OTHER)
    after = await journal.write(ACT, BY)
    assert before.person not in {None, after.person}


async def test_names_without_an_entry_are_erased_when_the_entries_have_expired() -> None:
    clock = ManualClock()
    log = MemoryLog(clock=clock)
    await log.create_topics(COMMON)
    journal = Journal(log, secret=SECRET, clock=clock)
    await journal.write(ACT, BY)
    clock.move(1_000 * DAY_MS / 1_000)
    await journal.write(ACT, OTHER)
    assert 0 == await journal.sweep()
    clock.move(200 * DAY_MS / 1_000)
    await log.maintain(TOPICS, now=clock())
    assert 1 == await Journal(log, secret=SECRET, clock=clock).sweep()
    await journal.names.catch_up()
    assert ["Another person"] == [name.name for name in journal.names.state.values()]
    clock.move(1_000 * DAY_MS / 1_000)
    await log.maintain(TOPICS, now=clock())
    assert 1 == await journal.sweep()
    third = await Journal(log, secret=SECRET, clock=clock).write(ACT, BY)
    assert (3, GENESIS) == (third.number, third.previous)
    assert 4 == (await journal.write(ACT, BY)).number
    assert (await audit(log, secret=SECRET)).clean


async def test_the_newest_entries_are_read_first(log: MemoryLog) -> None:
    journal = Journal(log, secret=SECRET)
    for n in range(5):
        await journal.write(Act(act="feed.run", about=f"p{n % 2}"), BY)
    found = await read_journal(log, JournalFilter(about="p0"), most=2)
    assert [5, 3] == [entry.number for entry in found]


async def test_the_audit_finds_what_was_forged(log: MemoryLog) -> None:
    """An entry inserted, one missing at the end, one on another partition, a name under another's pseudonym."""
    journal = Journal(log, secret=SECRET)
    await journal.write(ACT, BY)
    owner = await log.own("forger", 0)
    forged = JournalEntry(number=2, previous=GENESIS, id="x", at=1, act="partner.add", about="forged")
    await owner.commit(
        [
            Output(JOURNAL, 0, entry_record(forged)),
            Output(JOURNAL, 1, entry_record(forged)),
            Output(POSITIONS, 0, position_record(LAST, 0, 9)),
            Output(OPERATORS, 0, Record(b"f" * 64, name_record(PersonName("Name of a person", "00")).value)),
        ]
    )
    findings: list[str] = []
    assert 2 == (await audit_journal(log, findings.append)).entries
    found = " ".join(findings)
    for said in ("entry 2 does not name entry 1", "journal/1 has records", "ends with entry 2", "another name"):
        assert said in found
