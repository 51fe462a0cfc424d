"""Record batches: their size limits, and their encoding."""

from collections.abc import Iterator, Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from gateway.log.common import MAX_BYTES, check_bounds, size_of
from gateway.protocol.record import Record

BATCH_BYTES = 2 * MAX_BYTES
"""The largest batch, framing included: the topics' ``max.message.bytes``."""
FRAMED_BYTES = BATCH_BYTES - 64
"""The part of a batch that is available for framed records."""

_FRAMING_OF_RECORD = 32
_FRAMING_OF_HEADER = 12


def framed_size(records: Sequence[Record]) -> int:
    """The most bytes that these records take in a batch."""
    return _framed(size_of(records), records)


def check_framed_bounds(records: Sequence[Record]) -> int:
    """The framed bytes of one append. Raises ValueError when it is empty or too large."""
    framed = _framed(check_bounds(records), records)
    if framed > FRAMED_BYTES:
        raise ValueError(f"append takes at most {FRAMED_BYTES} bytes with the framing of records, not {framed}")
    return framed


def _framed(size: int, records: Sequence[Record]) -> int:
    return size + len(records) * _FRAMING_OF_RECORD + _FRAMING_OF_HEADER * sum(len(one.headers) for one in records)


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
        needed = framed_size([record])
        if part and needed > available:
            yield part
            part, available = [], FRAMED_BYTES
        part.append(record)
        available -= needed
    if part:
        yield part
