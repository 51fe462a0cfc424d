"""Export: a quiet log as one file. Memory is bounded: of each partition the last offsets are found first, in a
temporary database on disk, then its records are written in log order.
"""

import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing, closing
from pathlib import Path

from gateway.errors import LogDamagedError, LogError, TopicError
from gateway.log.port import EventLog
from gateway.log.positions import read_positions
from gateway.log.reading import read_records
from gateway.operate.transfer.archive import MALFORMED, ArchiveWriter, Manifest, created, to_line
from gateway.operate.transfer.content import MOVED, TopicContent, without_secrets
from gateway.partners.record import read_partner
from gateway.protocol.journal import FIRST, LAST, PARTITION, read_entry
from gateway.protocol.record import Record, StoredRecord, position_key, utc
from gateway.protocol.topic import INBOX, JOURNAL, PARTNERS, RELEASES, SUBMISSIONS

_MARKS = ("snapshot.", "begun.snapshot.", "marked.snapshot.")
"""Names of positions that hold numbers of marks."""


class NotQuietError(LogError):
    """The log is not at rest: a gateway works on it, or left submissions undecided. Nothing was exported."""


async def export_log(
    log: EventLog,
    path: Path,
    *,
    now: int,
    versions: Mapping[str, str],
    secrets: bool = False,
    contacts: bool = False,
    leave_undecided: bool = False,
) -> tuple[Manifest, bytes]:
    """Write the federation on a log to a new private file, persons' contacts only if asked for. Returns the manifest,
    and its bytes.

    Raises NotQuietError where the log changes meanwhile, or has submissions or inbox messages that no gateway has
    decided, unless ``leave_undecided``; LogDamagedError for a record that cannot be read; OSError; LogError.
    """
    contents = [content for content in MOVED if contacts or not content.asked]
    ends = {topic: await log.ends(topic) for topic in (*(one.topic for one in contents), SUBMISSIONS)}
    positions: dict[str, int] = {}
    for partition in range(log.partitions):
        positions |= await read_positions(log, partition)
    undecided = await _unread(log, SUBMISSIONS, positions)
    with created(path) as file, ArchiveWriter(file, at=now) as writer:
        for content in contents:
            with writer.member(content.member, content.topic) as write:
                async for record in _records(log, content, ends[content.topic]):
                    if content.topic == PARTNERS and read_partner(record.value or b"").inbox:
                        undecided += await _unread(log, INBOX + (record.key or b"").decode(), positions)
                    write(_line(content, record, secrets=secrets))
        if undecided and not leave_undecided:
            raise NotQuietError(f"{undecided} submissions or inbox messages are not decided")
        for topic, end in ends.items():  # the days of releases change with the journal, announcements each minute
            if topic != RELEASES and await log.ends(topic) != end:
                raise NotQuietError(f"{topic} changed during the export")
        manifest = Manifest(
            exported_at=utc(now),
            log=await log.identity(),
            partitions=log.partitions,
            undecided=undecided,
            mark=max((number for key, number in positions.items() if key.startswith(_MARKS)), default=0),
            journal=await _journal(log, positions),
            secrets=secrets,
            versions=versions,
            members=writer.members,
        )
        return manifest, writer.finish(manifest)


async def _journal(log: EventLog, positions: Mapping[str, int]) -> tuple[int, int]:
    """The numbers of the first entry that the log is to hold, as it says itself, and of the last one written."""
    first = positions.get(position_key(FIRST, PARTITION).decode(), 1)
    last = positions.get(position_key(LAST, PARTITION).decode(), 0)
    if (await log.starts(JOURNAL))[PARTITION] == 0:
        return first, last
    async with aclosing(read_records(log, JOURNAL, PARTITION)) as records:
        async for record in records:  # earlier ones have expired
            return read_entry(record.value or b"").number, last
    return last + 1, last


def _line(content: TopicContent, stored: StoredRecord, *, secrets: bool) -> bytes:
    """A record as a line, in the form in which another log admits it. Raises LogDamagedError."""
    value = stored.value or b""
    try:
        if content.topic == PARTNERS and not secrets:
            value = without_secrets(value)
        record = content.admit(Record(stored.key, value, stored.headers))
    except MALFORMED as error:
        raise LogDamagedError(f"A record of {content.topic} cannot be read ({stored.key!r}: {error})") from error
    return to_line(record.key or b"", record.value or b"", record.headers)


async def _unread(log: EventLog, topic: str, positions: Mapping[str, int]) -> int:
    """The number of records of an input topic from its stored positions on."""
    try:
        starts, ends = await log.starts(topic), await log.ends(topic)
    except TopicError:
        return 0  # an inbox that was never created
    unread = 0
    for partition, (start, end) in enumerate(zip(starts, ends, strict=True)):
        at = max(start, positions.get(position_key(topic, partition).decode(), 0))
        async for _ in read_records(log, topic, partition, start=at, end=end):
            unread += 1
    return unread


async def _records(log: EventLog, content: TopicContent, ends: tuple[int, ...]) -> AsyncIterator[StoredRecord]:
    """The records of a topic that count, a partition after the other, each in log order."""
    for partition, (start, end) in enumerate(zip(await log.starts(content.topic), ends, strict=True)):
        if content.every:
            async for record in read_records(log, content.topic, partition, start=start, end=end):
                if record.key is not None and record.value is not None and content.holds(record.key):
                    yield record
            continue
        with closing(_LastOffsets()) as last:
            async for record in read_records(log, content.topic, partition, start=start, end=end):
                if record.key is not None and content.holds(record.key):
                    last.note(record)
            wanted = last.offsets()
            following = next(wanted, None)
            async for record in read_records(log, content.topic, partition, start=start, end=end):
                if following == record.offset:
                    yield record
                    following = next(wanted, None)
            if following is not None:
                raise NotQuietError(f"{content.topic} changed during the export")


class _LastOffsets:
    """The offset of the last record of each key, without keys that were deleted; in a temporary database."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("")  # SQLite spills it to disk, and deletes it
        self._db.execute("CREATE TABLE last (key BLOB PRIMARY KEY, offset INTEGER NOT NULL) WITHOUT ROWID")

    def note(self, record: StoredRecord) -> None:
        """Take the next record, in log order."""
        if record.value is None:
            self._db.execute("DELETE FROM last WHERE key = ?", (record.key,))
        else:
            self._db.execute("INSERT OR REPLACE INTO last VALUES (?, ?)", (record.key, record.offset))

    def offsets(self) -> Iterator[int]:
        """The offsets, ascending."""
        return (offset for (offset,) in self._db.execute("SELECT offset FROM last ORDER BY offset"))

    def close(self) -> None:
        """Delete the database."""
        self._db.close()
