"""The audit of the journal: its chain is whole, its end is there and sealed, each name has its own pseudonym.

It reads the whole journal each time: an entry that was altered on the disk is found only by its digest. The digests are
computed in a thread, so that the event loop of a gateway goes on meanwhile.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from gateway.clock import Clock, now
from gateway.errors import TopicError
from gateway.log.mirror import fold_topic
from gateway.log.port import EventLog
from gateway.log.positions import read_positions
from gateway.log.reading import read_all
from gateway.operate.journal import read_end
from gateway.protocol.journal import FIRST, GENESIS, LAST, PARTITION, Chain, ChainFinding, read_name
from gateway.protocol.journal_seal import KnownEntry, SealedEnd, journal_seal, read_sealed
from gateway.protocol.record import StoredRecord, position_key
from gateway.protocol.topic import COMMON, JOURNAL, OPERATORS
from gateway.runtime.loop import in_thread

_PAGE = 1_000
_LAST = position_key(LAST, PARTITION).decode()
_TOPIC = f"{JOURNAL}/{PARTITION}"
_RETENTION_MS = next(topic.retention_ms for topic in COMMON if topic.name == JOURNAL)


@dataclass(slots=True)
class JournalReport:
    """The number of retained entries, the last one with its digest, and the first one that a seal covers. ``sealed``:
    whether seals were checked.
    """

    entries: int = 0
    last: KnownEntry = field(default=KnownEntry(0, GENESIS))
    since: int = 1
    sealed: bool = False


async def audit_journal(
    log: EventLog,
    add: Callable[[ChainFinding], None],
    *,
    secret: bytes | None = None,
    known: KnownEntry | None = None,
    clock: Clock = now,
) -> JournalReport:
    """Read the whole journal and report each finding; a log of an earlier version has none. ``secret`` is that of the
    gateway: without it no seal is checked. ``known`` is an entry that was noted before: it vouches for all up to it.
    """
    report = JournalReport()
    try:
        starts, ends = await log.starts(JOURNAL), await log.ends(JOURNAL)
    except TopicError:
        return report
    # The number first: the entry that was written with it is then certain to be read.
    kept, seal = await read_end(log)
    ends = await log.ends(JOURNAL)
    for partition, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if partition != PARTITION and end > start:
            message = f"{JOURNAL}/{partition} has records; the chain is on partition {PARTITION} alone"
            add(ChainFinding(message, "elsewhere"))
    chain = _Audit(first=kept.get(position_key(FIRST, PARTITION).decode(), 1), fresh=starts[PARTITION] == 0)
    own = {PARTITION: starts[PARTITION]}, {PARTITION: ends[PARTITION]}
    async with read_all(log, JOURNAL, limit=_PAGE, starts=own[0], ends=own[1]) as chunks:
        async for chunk in chunks:
            for offset, wrong in await in_thread(partial(chain.take, chunk.records)):
                add(wrong.located(f"{_TOPIC} at {offset}"))
    least = kept.get(_LAST, 0)
    # The number again: entries that were written meanwhile are read as well.
    most = (await read_positions(log, PARTITION)).get(_LAST, 0)
    found = [*chain.bounds(least, most), *chain.known(known)]
    if secret is not None:
        sealed = None if seal is None else read_sealed(journal_seal(secret), seal)
        vouched = 0 if known is None else known.number
        found += chain.seal(sealed, present=seal is not None, last=least, vouched=vouched, now=clock())
        report.sealed, report.since = True, chain.reached + 1 if sealed is None else sealed.since
    for wrong in found:
        add(wrong)
    report.entries, report.last = chain.count, KnownEntry(chain.reached, chain.digests.get(chain.reached, GENESIS))
    await _audit_names(log, add)
    return report


class _Audit:
    """The entries that were read, with the digest of each. ``first`` is the number with which this log began.
    ``fresh``: nothing has expired from it.
    """

    def __init__(self, *, first: int, fresh: bool) -> None:
        self._first = first
        self._fresh = fresh
        self._chain = Chain()
        self.digests: dict[int, str] = {}
        self.count = 0

    @property
    def reached(self) -> int:
        """The number of the last entry."""
        return self._chain.number if self.count else self._first - 1

    def take(self, records: Sequence[StoredRecord]) -> list[tuple[int, ChainFinding]]:
        """The findings of the next records, with their offsets."""
        found: list[tuple[int, ChainFinding]] = []
        for record in records:
            _, wrong = self._chain.take(record.value)
            self.digests[self._chain.number] = self._chain.digest
            found += [] if wrong is None else [(record.offset, wrong)]
        self.count += len(records)
        return found

    def bounds(self, least: int, most: int) -> Iterator[ChainFinding]:
        """Whether the chain begins with its first entry and ends with the last that was written: from ``least`` to
        ``most``, before and after it was read.
        """
        first = self._chain.first
        if self._fresh and first not in {None, self._first}:
            message = f"{_TOPIC} begins with entry {first} instead of {self._first}, and nothing has expired"
            yield ChainFinding(message, "cut_beginning", first or 0)
        if self.reached < least and (self.count or self._fresh):
            message = f"{_TOPIC} ends with entry {self.reached}, and entry {least} was written"
            yield ChainFinding(message, "cut_end", self.reached, least)
        if self.count and self.reached > most:
            message = f"{_TOPIC} ends with entry {self.reached}, and entry {most} is the last that was written"
            yield ChainFinding(message, "beyond_end", self.reached, most)

    def known(self, known: KnownEntry | None) -> Iterator[ChainFinding]:
        """Whether an entry is as it was noted."""
        if known is not None and self.digests.get(known.number) != known.digest:
            message = f"{_TOPIC}: entry {known.number} is not as it was noted: altered, or one before it, or expired"
            yield ChainFinding(message, "known", known.number)

    def seal(
        self, sealed: SealedEnd | None, *, present: bool, last: int, vouched: int, now: int
    ) -> Iterator[ChainFinding]:
        """Whether the seal is that of the chain. Entries up to ``vouched`` need none."""
        if sealed is None:
            if max(last, self.reached) > vouched:
                message = f"{_TOPIC}: the seal of entry {last} was not made with this secret"
                missing = f"{_TOPIC}: entry {last} has no seal"
                yield ChainFinding(message if present else missing, "seal" if present else "unsealed", last)
            return
        first = self._chain.first
        if sealed.number != last or (first is not None and self.digests.get(sealed.number) != sealed.digest):
            message = f"{_TOPIC}: the seal of entry {sealed.number} is not that of entry {last} as it is"
            yield ChainFinding(message, "seal_differs", last, sealed.number)
        elif not self.count and sealed.at > now - _RETENTION_MS:
            message = f"{_TOPIC} has no entries, and entry {sealed.number} cannot have expired"
            yield ChainFinding(message, "cut_end", 0, sealed.number)
        if self._fresh and first is not None and first > sealed.since:
            message = f"{_TOPIC} begins with entry {first}, and entry {sealed.since} was sealed"
            yield ChainFinding(message, "cut_beginning", first)
        if sealed.since > max(vouched + 1, self._first if first is None else first):
            message = f"{_TOPIC}: entries before {sealed.since} were not sealed with this secret when it was written"
            yield ChainFinding(message, "sealed_since", sealed.since)


async def _audit_names(log: EventLog, add: Callable[[ChainFinding], None]) -> None:
    values: Mapping[bytes, bytes | None] = await fold_topic(log, OPERATORS, _fold_values, {})
    for key, value in values.items():
        pseudonym = key.decode(errors="replace")
        try:
            right = value is None or read_name(value).pseudonym == pseudonym
        except ValueError:
            right = False
        if not right:
            message = f"{OPERATORS} has another name than the one that {pseudonym[:12]}… is the digest of"
            add(ChainFinding(message, "name"))


def _fold_values(values: Mapping[bytes, bytes | None], records: Sequence[StoredRecord]) -> Mapping[bytes, bytes | None]:
    return {**values, **{record.key or b"": record.value for record in records}}
