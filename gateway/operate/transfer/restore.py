"""Import: a file enters an empty log. All of it is checked before anything is written; each batch of records is one
transaction with the number of lines that it reaches, so that an import which was interrupted goes on where it was, and
writes nothing twice. While one is not complete, no gateway starts on the log (``refuse_incomplete_import``).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from gateway.errors import LogError
from gateway.ingest.snapshot import begun_name
from gateway.log.common import MAX_BYTES, MAX_RECORDS, size_of
from gateway.log.owner_loop import own_positions
from gateway.log.port import EventLog, Output, Owner
from gateway.log.positions import read_positions
from gateway.operate.releases import is_known
from gateway.operate.transfer.archive import Archive, ArchiveError
from gateway.operate.transfer.content import MOVED, TopicContent
from gateway.partners.record import read_partner
from gateway.protocol.identity import partition_of
from gateway.protocol.journal import FIRST, LAST, digest_of, read_entry
from gateway.protocol.journal import PARTITION as CHAIN
from gateway.protocol.journal_seal import SealedEnd, journal_seal, sealed_record
from gateway.protocol.partner import Partner
from gateway.protocol.record import Record, position_key, position_record
from gateway.protocol.release import activated_release
from gateway.protocol.topic import COMMON, JOURNAL, OFFERS, PARTNERS, POSITIONS, RELEASES
from gateway.store.offer_rows import offer_row

ROLE = "import"
_PARTITION = 0
"""The partition of the role, and of the position of an import."""
_MARK = f"{ROLE}."
_BARRIER = "turn."


class NotEmptyError(LogError):
    """The log holds records of its own, or of another import: nothing was written."""


class IncompleteImportError(LogError):
    """An import into this log has begun and not ended."""


def check(archive: Archive) -> Sequence[Partner]:
    """Read a whole file and return its partners. Raises ArchiveError: nothing of such a file may be imported."""
    partners: list[Partner] = []
    contents = _contents(archive)
    required = {content.member for content in MOVED if not content.asked and not content.later}
    known = {content.member for content in contents}
    if not required <= known or known != archive.manifest.members.keys():
        raise ArchiveError("its members are not those that this version of the gateway knows")
    for content in contents:
        if archive.manifest.members[content.member].topic != content.topic:
            raise ArchiveError(f"{content.member} holds another topic")

        def each(record: Record, content: TopicContent = content) -> None:
            if not content.holds(record.key or b""):
                raise ValueError(f"the key {record.key!r} does not belong here")
            admitted = content.admit(record)
            if size_of([admitted]) > MAX_BYTES:
                raise ValueError("it is larger than a record may be")
            if content.topic == OFFERS:
                offer_row(0, 0, (admitted.key or b"").decode(), admitted.value or b"")  # what a view will do with it
            elif content.topic == PARTNERS:
                partners.append(read_partner(admitted.value or b""))
            elif content.topic == RELEASES and not is_known(activated_release(admitted.key or b"")):
                raise ValueError("this version does not know that release: import with one that does")

        archive.check(content.member, each)
    return partners


async def import_archive(
    log: EventLog,
    archive: Archive,
    *,
    now: int,
    secret: bytes,
    at_once: int = MAX_RECORDS,
    progress: Callable[[int], None] = lambda _: None,
) -> Sequence[Partner]:
    """Write a file to a log with its topics, which must be empty or hold the beginning of this same import. The journal
    is sealed under ``secret``.

    ``at_once`` records are one transaction, fewer when they are large. Afterwards every snapshot mark issued before
    the import is stale. Returns the partners. Raises ArchiveError and NotEmptyError, with nothing written; LogError:
    the same import again goes on.
    """
    partners = check(archive)
    owner = await log.own(ROLE, _PARTITION)
    try:
        done = await _begin(log, owner, archive)
        reached = 0
        for outputs, lines in _batches(archive, log.partitions, at_once):
            reached += lines
            if reached > done:
                await owner.commit([*outputs, _position(archive, reached)])
                progress(reached)
        await _refuse_running(log)
        await owner.commit([*_stale_marks(log, archive, partners, now=now), *_chain(archive, secret), _end(archive)])
    finally:
        await owner.close()
    return partners


def _contents(archive: Archive) -> Sequence[TopicContent]:
    """The topics of a file: persons' contacts only if they were asked for."""
    return [content for content in MOVED if content.member in archive.manifest.members]


async def refuse_incomplete_import(log: EventLog) -> None:
    """Raise IncompleteImportError where an import into this log has begun and not ended."""
    if any(key.startswith(_MARK) for key in await read_positions(log, _PARTITION)):
        raise IncompleteImportError("An import into this log is not complete")


async def _begin(log: EventLog, owner: Owner, archive: Archive) -> int:
    """The number of lines that are on the log; marks a new import as begun."""
    positions = await own_positions(log, owner, role=ROLE, partition=_PARTITION)
    name = position_key(_name(archive), _PARTITION).decode()
    await _refuse_running(log)
    if name in positions:
        return positions[name]
    if any(key.startswith(_MARK) for key in positions):
        raise NotEmptyError("The import of another file into this log has begun")
    for topic in COMMON:
        if topic.name != POSITIONS and await log.starts(topic.name) != await log.ends(topic.name):
            raise NotEmptyError(f"The log is not empty: {topic.name} has records")
    await owner.commit([_position(archive, 0)])
    return 0


async def _refuse_running(log: EventLog) -> None:
    """Refuse a log that a gateway has worked on: its roles left their barriers on ``positions``."""
    for partition in range(log.partitions):
        for key in await read_positions(log, partition):
            if key.startswith(_BARRIER) and not key.startswith(f"{_BARRIER}{ROLE}/"):
                raise NotEmptyError("A gateway has worked on this log")


def _batches(archive: Archive, partitions: int, at_once: int) -> Iterator[tuple[list[Output], int]]:
    """The records as outputs, in batches of the size of an append; the same ones at every attempt."""
    for content in _contents(archive):
        records = archive.records(content.member)
        while batch := list(islice(_bounded(map(content.admit, records)), at_once)):
            homes = [content.partition((one.key or b"").decode(), partitions) for one in batch]
            yield [Output(content.topic, home, one) for home, one in zip(homes, batch, strict=True)], len(batch)


def _bounded(records: Iterator[Record]) -> Iterator[Record]:
    """Records until they have the bytes of an append."""
    size = 0
    for record in records:
        yield record
        size += size_of([record])
        if size >= MAX_BYTES:
            return


def _stale_marks(log: EventLog, archive: Archive, partners: Sequence[Partner], *, now: int) -> list[Output]:
    """For each platform a mark begun, above all that were issued: they name offsets of the former log."""
    number = max(now, archive.manifest.mark) + 1
    homes = {partner.platform: partition_of(partner.platform, log.partitions) for partner in partners}
    return [
        Output(POSITIONS, home, position_record(begun_name(platform), home, number)) for platform, home in homes.items()
    ]


def _chain(archive: Archive, secret: bytes) -> list[Output]:
    """The numbers between which the audit is to find the journal whole, and its seal; new entries continue after the
    last one.
    """
    first, last = archive.manifest.journal
    sealed = SealedEnd(number=last, since=first)
    for record in archive.records(next(content.member for content in MOVED if content.topic == JOURNAL)):
        value = record.value or b""
        sealed = replace(sealed, digest=digest_of(value), at=read_entry(value).at)
    records = (position_record(FIRST, CHAIN, first), position_record(LAST, CHAIN, last))
    return [Output(POSITIONS, CHAIN, one) for one in (*records, sealed_record(journal_seal(secret), sealed))]


def _name(archive: Archive) -> str:
    return f"{_MARK}{archive.digest}"


def _position(archive: Archive, lines: int) -> Output:
    return Output(POSITIONS, _PARTITION, position_record(_name(archive), _PARTITION, lines))


def _end(archive: Archive) -> Output:
    return Output(POSITIONS, _PARTITION, Record(position_key(_name(archive), _PARTITION), None))
