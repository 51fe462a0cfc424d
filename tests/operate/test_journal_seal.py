"""[T-33] The seal of the journal: who can write to the log, and has no secret, cannot change the journal unnoticed."""

from collections.abc import Sequence

import pytest

from gateway.operate.audit import audit
from gateway.operate.journal import Journal
from gateway.operate.journal_audit import audit_journal
from gateway.protocol.journal import GENESIS, LAST, Act, Actor, JournalEntry, digest_of, entry_record, read_entry
from gateway.protocol.journal_seal import SEAL_KEY, KnownEntry, SealedEnd, journal_seal, sealed_record
from gateway.protocol.record import Record, position_record
from gateway.protocol.topic import COMMON, DAY_MS, JOURNAL, POSITIONS
from tests.clock import ManualClock
from tests.harness import SECRET, records_of
from tests.memory_log import MemoryLog

ACT = Act(act="partner.add", about="bretagne")
BY = Actor(client="exploitation")
OTHER_SECRET = b"another secret of thirty-two bytes"


class Attacked:
    """A journal of three entries, and an attacker who can write any record of the log."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.log = MemoryLog(clock=self.clock)

    async def begin(self) -> None:
        await self.log.create_topics(COMMON)
        for _ in range(3):
            await self.write()

    async def write(self, secret: bytes = SECRET) -> JournalEntry:
        """An honest entry, by a process that has just started."""
        return await Journal(self.log, secret=secret, clock=self.clock).write(ACT, BY)

    async def entries(self) -> list[JournalEntry]:
        return [read_entry(record.value or b"") for record in await records_of(self.log, JOURNAL)]

    async def last(self) -> KnownEntry:
        value = (await records_of(self.log, JOURNAL))[-1].value or b""
        return KnownEntry(read_entry(value).number, digest_of(value))

    async def forge(self, entries: Sequence[JournalEntry], *, last: int | None = None) -> None:
        """Another log with these entries, chained to one another, and the rest of the positions as it was."""
        forged = MemoryLog(clock=self.clock)
        await forged.create_topics(COMMON)
        previous = GENESIS
        for entry in entries:
            record = entry_record(_with_previous(entry, previous))
            previous = digest_of(record.value or b"")
            await forged.append(JOURNAL, 0, [record])
        for one in await records_of(self.log, POSITIONS):
            await forged.append(POSITIONS, 0, [Record(one.key, one.value)])
        if last is not None:
            await forged.append(POSITIONS, 0, [position_record(LAST, 0, last)])
        self.log = forged

    async def seal(self) -> bytes:
        return [one.value or b"" for one in await records_of(self.log, POSITIONS) if one.key == SEAL_KEY][-1]

    async def findings(self, secret: bytes = SECRET, known: KnownEntry | None = None) -> list[str]:
        findings: list[str] = []
        await audit_journal(self.log, findings.append, secret=secret, known=known, clock=self.clock)
        return findings


def _with_previous(entry: JournalEntry, previous: str) -> JournalEntry:
    return JournalEntry(
        number=entry.number, previous=previous, id=entry.id, at=entry.at, act=entry.act, about=entry.about, client="x"
    )


@pytest.fixture
async def attacked() -> Attacked:
    attacked = Attacked()
    await attacked.begin()
    return attacked


def made_up(number: int) -> JournalEntry:
    return JournalEntry(number=number, previous=GENESIS, id="f" * 24, at=1, act="partner.revoke", about="bretagne")


async def test_an_untouched_journal_has_no_finding_and_is_sealed_from_its_start(attacked: Attacked) -> None:
    report = await audit(attacked.log, secret=SECRET, clock=attacked.clock)
    assert [] == report.findings
    assert (3, 1, True) == (report.journal.last.number, report.journal.since, report.journal.sealed)
    assert await attacked.last() == report.journal.last
    assert [] == await attacked.findings(known=report.journal.last)


async def test_a_chain_that_was_computed_again_is_found(attacked: Attacked) -> None:
    await attacked.forge(await attacked.entries())
    assert ["journal/0: the seal of entry 3 is not that of entry 3 as it is"] == await attacked.findings()


@pytest.mark.parametrize("last", [None, 4])
async def test_an_entry_made_up_at_the_end_is_found(attacked: Attacked, last: int | None) -> None:
    await attacked.log.append(JOURNAL, 0, [entry_record(_with_previous(made_up(4), (await attacked.last()).digest))])
    if last is not None:
        await attacked.log.append(POSITIONS, 0, [position_record(LAST, 0, last)])
    [found] = await attacked.findings()
    assert found == (
        "journal/0: the seal of entry 3 is not that of entry 4 as it is"
        if last
        else "journal/0 ends with entry 4, and entry 3 is the last that was written"
    )


@pytest.mark.parametrize("last", [None, 2])
async def test_an_entry_removed_at_the_end_is_found(attacked: Attacked, last: int | None) -> None:
    await attacked.forge((await attacked.entries())[:2], last=last)
    assert [] != await attacked.findings()


async def test_an_entry_removed_at_the_start_is_found_whatever_the_positions_say(attacked: Attacked) -> None:
    entries = await attacked.entries()
    await attacked.forge(entries[1:])
    await attacked.log.append(POSITIONS, 0, [position_record("journal.first", 0, 2)])
    assert any("entry 1 was sealed" in finding for finding in await attacked.findings())


async def test_a_seal_of_an_earlier_entry_does_not_fit_the_journal(attacked: Attacked) -> None:
    early = await attacked.seal()
    await attacked.write()
    await attacked.log.append(POSITIONS, 0, [Record(SEAL_KEY, early)])
    assert ["journal/0: the seal of entry 3 is not that of entry 4 as it is"] == await attacked.findings()
    await attacked.log.append(POSITIONS, 0, [position_record(LAST, 0, 3)])
    assert [] != await attacked.findings()


async def test_a_journal_set_back_as_a_whole_is_found_by_an_entry_that_was_noted(attacked: Attacked) -> None:
    early, entries = await attacked.seal(), await attacked.entries()
    await attacked.write()
    noted = await attacked.last()
    back = Attacked()
    back.clock, back.log = attacked.clock, MemoryLog(clock=attacked.clock)
    await back.log.create_topics(COMMON)
    await back.log.append(JOURNAL, 0, [entry_record(entry) for entry in entries])
    await back.log.append(POSITIONS, 0, [position_record(LAST, 0, 3), Record(SEAL_KEY, early)])
    assert [] == await back.findings()
    assert [] != await back.findings(known=noted)


async def test_an_emptied_journal_is_found_unless_all_can_have_expired(attacked: Attacked) -> None:
    seal, now = await attacked.seal(), attacked.clock()
    await attacked.forge([made_up(1)])
    await attacked.log.append(POSITIONS, 0, [Record(SEAL_KEY, seal)])
    attacked.clock.now = now + 1_097 * DAY_MS
    await attacked.forge([])
    attacked.clock.now = now
    assert [] != await attacked.findings()


@pytest.mark.parametrize("value", [b"", b"AAAA", b"not-base64!", b"\xff\xfe"])
async def test_a_seal_that_was_removed_or_made_up_is_found(attacked: Attacked, value: bytes) -> None:
    await attacked.log.append(POSITIONS, 0, [Record(SEAL_KEY, value or None)])
    [found] = await attacked.findings()
    assert "entry 3" in found


async def test_a_seal_made_with_another_secret_is_none(attacked: Attacked) -> None:
    end = SealedEnd(number=3, digest=(await attacked.last()).digest)
    await attacked.log.append(POSITIONS, 0, [sealed_record(journal_seal(OTHER_SECRET), end)])
    assert ["journal/0: the seal of entry 3 was not made with this secret"] == await attacked.findings()


async def test_an_honest_entry_after_a_forgery_does_not_seal_it(attacked: Attacked) -> None:
    await attacked.forge(await attacked.entries())
    await attacked.write()
    expected = "journal/0: entries before 4 were not sealed with this secret when it was written"
    assert [expected] == await attacked.findings()
    await attacked.write()
    assert [expected] == await attacked.findings()


async def test_after_the_secret_was_changed_an_entry_noted_before_vouches_for_the_earlier_ones(
    attacked: Attacked,
) -> None:
    noted = await attacked.last()
    assert [] != await attacked.findings(OTHER_SECRET)
    assert [] == await attacked.findings(OTHER_SECRET, noted)
    await attacked.write(OTHER_SECRET)
    assert [] != await attacked.findings(OTHER_SECRET)
    assert [] == await attacked.findings(OTHER_SECRET, noted)
    await attacked.forge(await attacked.entries())
    assert [] != await attacked.findings(OTHER_SECRET, noted)
