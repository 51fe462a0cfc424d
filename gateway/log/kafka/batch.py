"""Record batches: their size limits, and their encoding."""

from collections.abc import Iterator, Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from gateway.log.common import MAX_BYTES, MAX_RECORDS
from gateway.protocol.record import Record

BATCH_BYTES = 2 * MAX_BYTES
"""The largest batch, framing included: the topics' ``max.message.bytes``."""
FRAMED_BYTES = BATCH_BYTES - 64
"""The part of a batch that is available for framed records."""

_FRAMING_OF_RECORD = 32
_FRAMING_OF_HEADER = 12


def framed(record: Record) -> int:
    """The most bytes that a record takes in a batch."""
    return _size(record) + _FRAMING_OF_RECORD + _FRAMING_OF_HEADER * len(record.headers)


def check_bounds(records: Sequence[Record]) -> int:
    """The framed bytes of one append. Raises ValueError when it is empty or too large."""
    total = sum(map(_size, records))
    framing = len(records) * _FRAMING_OF_RECORD + _FRAMING_OF_HEADER * sum(len(record.headers) for record in records)
    if not 1 <= len(records) <= MAX_RECORDS or total > MAX_BYTES or total + framing > FRAMED_BYTES:
        raise ValueError(
            f"One append takes 1 to {MAX_RECORDS} records and {MAX_BYTES} bytes, not {len(records)} and {total}."
        )
    return total + framing


def _size(record: Record) -> int:
    """Bytes of key, value and headers."""
    total = 0
    if record.key is not None:
        total += len(record.key)
    if record.value is not None:
        total += len(record.value)
    for name, value in record.headers:
        total += len(name.encode()) + len(value)
    return total


def build(producer: AIOKafkaProducer, records: Sequence[Record]) -> BatchBuilder:
    """A batch of these records, which must fit together."""
    batch = producer.create_batch()
    append = batch.append
    for record in records:
        if append(timestamp=None, key=record.key, value=record.value, headers=list(record.headers)) is None:
            raise ValueError(f"{len(records)} records do not fit into one batch.")
    batch.close()
    return batch


def split(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """Parts in order, each small enough for one batch; a record that exceeds the bounds alone is a part of its own."""
    part: list[Record] = []
    available = FRAMED_BYTES
    for record in records:
        needed = framed(record)
        if part and needed > available:
            yield part
            part, available = [], FRAMED_BYTES
        part.append(record)
        available -= needed
    if part:
        yield part
