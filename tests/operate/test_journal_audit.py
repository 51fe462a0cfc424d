"""The audit of a long journal leaves the event loop to others."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from gateway.log.memory.log import MemoryReader
from gateway.log.port import Chunk
from gateway.operate.journal_audit import audit_journal
from gateway.protocol.journal import GENESIS, LAST, JournalEntry, digest_of, entry_record
from gateway.protocol.record import Record, StoredRecord, position_record
from gateway.protocol.topic import COMMON, JOURNAL, POSITIONS
from tests.clock import ManualClock
from tests.memory_log import MemoryLog

ENTRIES = 2_500
threads: set[int] = set()
"""Those that have read records of the journal."""


class NotedRecords(list[StoredRecord]):
    def __iter__(self) -> Iterator[StoredRecord]:
        threads.add(threading.get_ident())
        return super().__iter__()


class NotingReader(MemoryReader):
    async def poll(self, *, limit: int, wait: float) -> Sequence[Chunk]:
        chunks = await super().poll(limit=limit, wait=wait)
        return [replace(one, records=NotedRecords(one.records)) if one.topic == JOURNAL else one for one in chunks]


class NotingLog(MemoryLog):
    def reader(self, positions: Mapping[tuple[str, int], int]) -> MemoryReader:
        return NotingReader(self._store, positions)


async def test_no_entry_is_examined_on_the_event_loop() -> None:
    log = NotingLog(clock=ManualClock())
    await log.create_topics(COMMON)
    previous, records = GENESIS, list[Record]()
    for number in range(1, ENTRIES + 1):
        entry = JournalEntry(
            number=number, previous=previous, id=f"{number}", at=number, act="feed.run", about="bretagne"
        )
        records.append(entry_record(entry))
        previous = digest_of(records[-1].value or b"")
    records[1_199] = Record(records[1_199].key, (records[1_199].value or b"").replace(b"bretagne", b"occitanie"))
    for first in range(0, ENTRIES, 500):
        await log.append(JOURNAL, 0, records[first : first + 500])
    await log.append(POSITIONS, 0, [position_record(LAST, 0, ENTRIES)])
    findings: list[str] = []
    assert ENTRIES == (await audit_journal(log, findings.append)).entries
    altered = "entry 1201 does not name entry 1200 as it is: one of them was altered"
    assert [altered] == [finding.partition(": ")[2] for finding in findings]
    assert threads
    assert threading.get_ident() not in threads
