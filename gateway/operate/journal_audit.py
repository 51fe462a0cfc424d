"""The audit of the journal: its chain is whole, its end is there, each name has its own pseudonym.

It reads the whole journal each time: an entry that was altered on the disk is found only by its digest. The digests are
computed in a thread, so that the event loop of a gateway goes on meanwhile.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from gateway.errors import TopicError
from gateway.log.mirror import fold_topic
from gateway.log.port import EventLog
from gateway.log.positions import read_positions
from gateway.log.reading import read_up_to
from gateway.protocol.journal import FIRST, LAST, PARTITION, Chain, ChainFinding, read_name
from gateway.protocol.record import StoredRecord, position_key
from gateway.protocol.topic import JOURNAL, OPERATORS
from gateway.runtime.loop import in_thread

_PAGE = 1_000


async def audit_journal(log: EventLog, add: Callable[[ChainFinding], None]) -> int:
    """Read the whole journal and report each finding. Returns the number of its entries; 0 on a log of an earlier
    version, which has none.
    """
    try:
        starts, ends = await log.starts(JOURNAL), await log.ends(JOURNAL)
    except TopicError:
        return 0
    # The number first: the entry that was written with it is then certain to be read.
    kept = await read_positions(log, PARTITION)
    first = kept.get(position_key(FIRST, PARTITION).decode(), 1)
    last = kept.get(position_key(LAST, PARTITION).decode(), 0)
    ends = await log.ends(JOURNAL)
    for partition, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if partition != PARTITION and end > start:
            said = f"{JOURNAL}/{partition} has records; the chain is on partition {PARTITION} alone"
            add(ChainFinding(said, "elsewhere"))
    number = await _audit_chain(log, add, start=starts[PARTITION], end=ends[PARTITION], first=first, last=last)
    await _audit_names(log, add)
    return number


async def _audit_chain(
    log: EventLog, add: Callable[[ChainFinding], None], *, start: int, end: int, first: int, last: int
) -> int:
    """Check the entries between two offsets. ``first`` is the number with which this log began, ``last`` the one that
    was last written.
    """
    chain, number, topic = Chain(), 0, f"{JOURNAL}/{PARTITION}"
    async with read_up_to(log, JOURNAL, PARTITION, start=start, end=end, limit=_PAGE) as chunks:
        async for chunk in chunks:
            for offset, wrong in await in_thread(partial(_take, chain, chunk.records)):
                add(wrong.located(f"{topic} at {offset}"))
            number += len(chunk.records)
    if start == 0 and chain.first not in {None, first}:
        said = f"{topic} begins with entry {chain.first} instead of {first}, and nothing has expired"
        add(ChainFinding(said, "cut_beginning", chain.first or 0))
    reached = chain.number if number else first - 1
    if reached < last and (number or start == 0):
        said = f"{topic} ends with entry {reached}, and entry {last} was written"
        add(ChainFinding(said, "cut_end", reached, last))
    return number


def _take(chain: Chain, records: Sequence[StoredRecord]) -> list[tuple[int, ChainFinding]]:
    """What is wrong with the next records, with their offsets."""
    taken = ((record.offset, chain.take(record.value)[1]) for record in records)
    return [(offset, wrong) for offset, wrong in taken if wrong is not None]


async def _audit_names(log: EventLog, add: Callable[[ChainFinding], None]) -> None:
    values: Mapping[bytes, bytes | None] = await fold_topic(log, OPERATORS, _fold_values, {})
    for key, value in values.items():
        pseudonym = key.decode(errors="replace")
        try:
            right = value is None or read_name(value).pseudonym == pseudonym
        except ValueError:
            right = False
        if not right:
            said = f"{OPERATORS} has another name than the one that {pseudonym[:12]}… is the digest of"
            add(ChainFinding(said, "name"))


def _fold_values(values: Mapping[bytes, bytes | None], records: Sequence[StoredRecord]) -> Mapping[bytes, bytes | None]:
    return {**values, **{record.key or b"": record.value for record in records}}
