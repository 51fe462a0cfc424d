"""The journal's writer: every act of an operator becomes an entry before it takes effect.

One role owns the chain: a writer takes it, reads up to the end, and commits entry, name, number and seal in one
transaction. Two writers fence each other, and the one that lost reads and tries again, so that numbers have no gap.
"""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TypeVar

import structlog

from gateway.clock import Clock, now
from gateway.errors import FencedError, LogBusyError, LogError, PositionLostError
from gateway.log.fenced import change_fenced
from gateway.log.mirror import TopicMirror, fold_topic
from gateway.log.owner_loop import own_positions
from gateway.log.port import EventLog, Output, Owner
from gateway.log.positions import fold_positions
from gateway.log.reading import read_records
from gateway.protocol.journal import (
    LAST,
    PARTITION,
    SALT_BYTES,
    Act,
    Actor,
    Chain,
    JournalEntry,
    JournalFilter,
    Names,
    PersonName,
    clean_act,
    clean_name,
    digest_of,
    entry_record,
    erased_record,
    fold_names,
    name_record,
    pseudonyms_of,
    read_entry,
)
from gateway.protocol.journal_seal import SEAL_KEY, SealedEnd, journal_seal, read_sealed, sealed_record
from gateway.protocol.record import StoredRecord, position_key, position_record
from gateway.protocol.topic import JOURNAL, OPERATORS, POSITIONS

ROLE = "journal"
RETRY_SECONDS = 30.0
_ID_BYTES = 12
_SWEEP_SECONDS = 24 * 3_600.0

_Result = TypeVar("_Result")

_log = structlog.get_logger()


async def read_end(log: EventLog) -> tuple[Mapping[str, int], bytes | None]:
    """The positions beside the journal, and its seal, unopened; None if there is none."""
    starts, ends = await log.starts(POSITIONS), await log.ends(POSITIONS)
    own = {PARTITION: starts[PARTITION]}, {PARTITION: ends[PARTITION]}
    return await fold_topic(log, POSITIONS, _fold_end, ({}, None), starts=own[0], ends=own[1])


def _fold_end(
    kept: tuple[Mapping[str, int], bytes | None], records: Sequence[StoredRecord]
) -> tuple[Mapping[str, int], bytes | None]:
    seals = [record.value for record in records if record.key == SEAL_KEY]
    return fold_positions(kept[0], records), seals[-1] if seals else kept[1]


class Journal:
    """Writes entries, and erases names. ``names`` are those of persons that were not erased; ``run`` follows them.
    ``secret`` is the gateway's, which seals the end of the chain.
    """

    def __init__(
        self,
        log: EventLog,
        *,
        secret: bytes,
        clock: Clock = now,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._log = log
        self._clock = clock
        self._retry_seconds = retry_seconds
        self._writing = asyncio.Lock()
        self._known = _End()
        self._seal = journal_seal(secret)
        self._sealed = SealedEnd()
        """The end that this writer sealed last."""
        self.names: TopicMirror[Names] = TopicMirror(log, OPERATORS, fold=fold_names, empty={}, partitions=(PARTITION,))

    async def run(self) -> None:
        """Follow the names until cancelled."""
        await self.names.run()

    async def close(self) -> None:
        """Close the reader of the names."""
        await self.names.close()

    async def write(self, act: Act, actor: Actor, *, failed: int | None = None) -> JournalEntry:
        """Write an entry, durably. Contact data in it is redacted. Raises ValueError for a name or a reason that no
        entry may have, and LogError if it is not known to be written.
        """
        clean, name = clean_act(act), None if actor.name is None else clean_name(actor.name)
        entry_id = os.urandom(_ID_BYTES).hex()
        async with self._writing:
            return await self._changed(
                lambda owner: self._write(owner, clean, Actor(name=name, client=actor.client), entry_id, failed)
            )

    @asynccontextmanager
    async def acting(self, act: Act, actor: Actor) -> AsyncIterator[JournalEntry]:
        """An act: the entry is written before the block. If the block raises, so that the act certainly did not happen,
        a further entry says so; an error of the log leaves that open.
        """
        entry = await self.write(act, actor)
        try:
            yield entry
        except LogError:
            raise
        except Exception:
            with suppress(LogError):
                await self.write(Act(act=act.act, about=act.about), actor, failed=entry.number)
            raise

    async def erase_name(self, name: str, actor: Actor) -> bool:
        """Erase a person's name, after an entry that has its pseudonym only; entries stay, without the name. False if
        the name is not known. Raises as ``write``.
        """
        wanted = clean_name(name)
        await self.names.catch_up()
        found = sorted(pseudonyms_of(self.names.state, wanted))
        own = actor.name is not None and clean_name(actor.name) == wanted
        by = Actor(client=actor.client, name=None if own else actor.name)
        for pseudonym in found:
            await self.write(Act(act="journal.erase-name", about=pseudonym), by)
        async with self._writing:
            await self._changed(lambda owner: self._erase(owner, found))
        return bool(found)

    async def sweep(self) -> int:
        """Erase the names that no retained entry has any more. Returns their number."""
        async with self._writing:
            return await self._changed(self._sweep)

    async def sweep_daily(self) -> None:
        """Sweep at once and then every day, until cancelled. While others write all the time, the next day will do."""
        while True:
            with suppress(LogBusyError):
                await self.sweep()
            await asyncio.sleep(_SWEEP_SECONDS)

    async def _changed(self, attempt: Callable[[Owner], Awaitable[_Result]]) -> _Result:
        try:
            return await change_fenced(self._log, ROLE, PARTITION, attempt, seconds=self._retry_seconds)
        except FencedError as error:
            raise LogBusyError(
                "Another entry of the journal was made at the same time; nothing was changed."
            ) from error

    async def _write(self, owner: Owner, act: Act, actor: Actor, entry_id: str, failed: int | None) -> JournalEntry:
        known = await self._read(owner, entry_id)
        if known.found is not None:  # written by an attempt of unknown outcome
            return known.found
        end = await self._sealed_end(owner, known.chain)
        names: list[Output] = []
        person = None
        if actor.name is not None:
            person = min(pseudonyms_of(self.names.state, actor.name), default=None)
            if person is None:
                name = PersonName(actor.name, os.urandom(SALT_BYTES).hex())
                person, names = name.pseudonym, [Output(OPERATORS, PARTITION, name_record(name))]
        entry = JournalEntry(
            number=known.chain.number + 1,
            previous=known.chain.digest,
            id=entry_id,
            at=self._clock(),
            act=act.act,
            about=act.about,
            person=person,
            client=actor.client,
            details=act.details,
            why=act.why,
            failed=failed,
        )
        record = entry_record(entry)
        end = replace(end, number=entry.number, digest=digest_of(record.value or b""), at=entry.at)
        outputs = [
            Output(JOURNAL, PARTITION, record),
            Output(POSITIONS, PARTITION, position_record(LAST, PARTITION, entry.number)),
            Output(POSITIONS, PARTITION, sealed_record(self._seal, end)),
            *names,
        ]
        ends = await owner.commit(outputs)
        self._sealed = end
        if names:
            await self.names.advance({PARTITION: ends[OPERATORS, PARTITION]})
        return entry

    async def _sealed_end(self, owner: Owner, chain: Chain) -> SealedEnd:
        """The sealed end on which the next entry is written. Where the seal on the log is not the chain's, the next
        entry is the first that rests on one: a chain that was computed again is not sealed by what is written after it.
        """
        if chain.first is not None and self._sealed.precedes(chain):
            return self._sealed
        await own_positions(self._log, owner, role=ROLE, partition=PARTITION)
        kept, value = await read_end(self._log)
        if chain.first is None:  # nothing is retained: the numbers go on all the same
            chain.number = kept.get(position_key(LAST, PARTITION).decode(), 0)
        sealed = SealedEnd() if value is None else read_sealed(self._seal, value)
        if sealed is not None and sealed.precedes(chain):
            return sealed
        _log.error("journal.seal_broken", entry=chain.number)
        return SealedEnd(since=chain.number + 1)

    async def _erase(self, owner: Owner, pseudonyms: list[str]) -> int:
        outputs = [Output(OPERATORS, PARTITION, erased_record(pseudonym)) for pseudonym in pseudonyms]
        if outputs:
            ends = await owner.commit(outputs)
            await self.names.advance({PARTITION: ends[OPERATORS, PARTITION]})
        return len(outputs)

    async def _sweep(self, owner: Owner) -> int:
        known = await self._read(owner)
        start = (await self._log.starts(JOURNAL))[PARTITION]
        used = {person for person, offset in known.used.items() if offset >= start}
        return await self._erase(owner, sorted(self.names.state.keys() - used))

    async def _read(self, owner: Owner, entry_id: str | None = None) -> "_End":
        """The end of the chain and the names as they are under this owner; ``found`` has the entry of this id."""
        await self.names.advance({PARTITION: await owner.end(OPERATORS, PARTITION)})
        end = await owner.end(JOURNAL, PARTITION)
        try:
            return await self._read_on(end, entry_id)
        except PositionLostError:  # the log was restored, or nothing was written here for the whole retention
            self._known = _End()
            return await self._read_on(end, entry_id)

    async def _read_on(self, end: int, entry_id: str | None) -> "_End":
        known = self._known
        known.seek(entry_id)
        async for record in read_records(self._log, JOURNAL, PARTITION, start=known.position, end=end):
            known.take(record)
            known.position = record.offset + 1
        known.position = end
        return known


class _End:
    """The chain as a writer knows it: its end, and the offset of each person's last entry. ``found``: the entry that
    is sought, once it is read; between the attempts of one writer others may write.
    """

    def __init__(self) -> None:
        self.position: int | None = None
        self.chain = Chain()
        self.found: JournalEntry | None = None
        self.used: dict[str, int] = {}
        self._sought: str | None = None

    def seek(self, entry_id: str | None) -> None:
        """Look for the entry of this id from here on; the same id again keeps what was found."""
        if entry_id != self._sought:
            self._sought, self.found = entry_id, None

    def take(self, record: StoredRecord) -> None:
        """The next record."""
        entry, _ = self.chain.take(record.value)
        if entry is None:
            return
        if entry.id == self._sought:
            self.found = entry
        if entry.person is not None:
            self.used[entry.person] = record.offset


async def read_journal(log: EventLog, criteria: JournalFilter, *, most: int) -> Sequence[JournalEntry]:
    """The newest selected entries that the log holds, newest first; for commands, which have no view."""
    found: deque[JournalEntry] = deque(maxlen=most)
    async for record in read_records(log, JOURNAL, PARTITION):
        with suppress(ValueError):  # an unreadable entry, which the audit reports
            entry = read_entry(record.value or b"")
            found.extend([entry] if criteria.selects(entry) else ())
    return tuple(reversed(found))
