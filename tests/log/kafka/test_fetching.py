"""Fetching from scripted brokers: damage, moved leaders, and a resumed one."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CorruptRecordException, OffsetOutOfRangeError, UnsupportedCodecError
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from gateway.errors import LogUnavailableError, PositionLostError
from gateway.log.kafka import KafkaSettings
from gateway.log.kafka.admin import AdminQueries
from gateway.log.kafka.fetcher import Fetcher
from gateway.log.kafka.reader import KafkaReader
from gateway.protocol.record import StoredRecord
from tests.log.contract.log_fixture import DEADLINE


@dataclass
class Answer:
    """A leader's answer to a fetch."""

    topics: list[Any]
    API_VERSION = 4


@dataclass
class Leaders:
    """A client with scripted answers per node; a node without any left does not answer."""

    leaders: dict[TopicPartition, int]
    answers: dict[int, deque[Answer]]
    asked: list[tuple[int, dict[int, int]]] = field(default_factory=list)

    @property
    def cluster(self) -> "Leaders":
        return self

    def leader_for_partition(self, topic_partition: TopicPartition) -> int:
        return self.leaders[topic_partition]

    def force_metadata_update(self) -> None:
        """Nothing changes."""

    async def send(self, node: int, request: FetchRequest) -> Answer:
        self.asked.append((node, {part: offset for _, parts in request.topics for part, offset, _ in parts}))
        while not self.answers[node]:
            await asyncio.sleep(0.01)
        return self.answers[node].popleft()


def batch(offset: int, *keys: str, damaged: bool = False) -> bytes:
    """Records as they lie in a partition from this offset on."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    for number, key in enumerate(keys):
        builder.append(number, timestamp=1, key=key.encode(), value=b"v", headers=[])
    content = bytearray(builder.build())
    content[:8] = offset.to_bytes(8, "big")
    content[-3] ^= damaged
    return bytes(content)


def with_header_names(offset: int, *names: bytes) -> bytes:
    """A batch of one record per name, each with a header of that name, which the library would not write itself."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    for number, name in enumerate(names):
        builder.append(number, timestamp=1, key=b"k%d" % number, value=b"v", headers=[("#" * len(name), b"h")])
    content = bytearray(builder.build())
    at = 0
    for name in names:
        at = content.index(b"#" * len(name), at)
        content[at : at + len(name)] = name
    content[17:21] = calc_crc32c(bytes(content[21:])).to_bytes(4, "big")
    content[:8] = offset.to_bytes(8, "big")
    return bytes(content)


def answer(*parts: tuple[int, bytes]) -> Answer:
    """No error, and these bytes per partition; without an end, so that nothing is fetched ahead."""
    return Answer([("t", [(partition, 0, 0, 0, [], found) for partition, found in parts])])


PARTITIONS = [TopicPartition("t", partition) for partition in range(2)]


async def next_keys(fetcher: Fetcher) -> list[str]:
    async with asyncio.timeout(DEADLINE):
        while not (taken := fetcher.take(100)):
            await fetcher.wait(1.0)
    return [one.key.decode() for part in taken for one in part.records if one.key is not None]


async def test_a_silent_leader_does_not_hold_back_another() -> None:
    leaders = Leaders(dict(zip(PARTITIONS, (1, 2), strict=True)), {1: deque([answer((0, batch(0, "a")))]), 2: deque()})
    fetcher = Fetcher(leaders, dict.fromkeys(PARTITIONS, 0))
    assert ["a"] == await next_keys(fetcher)
    leaders.answers[1].append(answer((0, batch(1, "b"))))
    assert ["b"] == await next_keys(fetcher)
    await fetcher.close()
    assert [(1, {0: 0}), (2, {1: 0}), (1, {0: 1})] == leaders.asked


async def test_records_of_one_partition_are_returned_though_another_is_damaged() -> None:
    """The next poll raises the damage, and that partition is fetched again from its position."""
    both = answer((0, batch(0, "whole")), (1, batch(0, "damaged", damaged=True)))
    leaders = Leaders(dict.fromkeys(PARTITIONS, 1), {1: deque([both, answer((1, batch(0, "mended")))])})
    fetcher = Fetcher(leaders, dict.fromkeys(PARTITIONS, 0))
    assert ["whole"] == await next_keys(fetcher)
    with pytest.raises(CorruptRecordException):
        fetcher.take(100)
    assert ["mended"] == await next_keys(fetcher)
    await fetcher.close()
    assert [(1, {0: 0, 1: 0}), (1, {0: 1, 1: 0})] == leaders.asked


async def test_an_error_of_one_partition_is_not_hidden_by_what_another_delivers() -> None:
    """It is raised at once; the records that were fetched with it are there afterwards."""
    found = answer((0, batch(0, "a", "b", "c")))
    found.topics[0][1].append((1, OffsetOutOfRangeError.errno, 0, 0, [], b""))
    leaders = Leaders(dict.fromkeys(PARTITIONS, 1), {1: deque([found])})
    fetcher = Fetcher(leaders, dict.fromkeys(PARTITIONS, 0))
    await fetcher.wait(DEADLINE)
    with pytest.raises(OffsetOutOfRangeError):
        fetcher.take(1)
    assert ["a", "b", "c"] == await next_keys(fetcher)
    await fetcher.close()


async def test_a_packed_batch_is_not_unpacked() -> None:
    """Its unpacked size is unknown: topics hold none, as ``passerelle topics check`` ensures."""
    builder = DefaultRecordBatchBuilder(2, DefaultRecordBatch.CODEC_GZIP, 0, -1, -1, -1, 1 << 20)
    builder.append(0, timestamp=1, key=b"k", value=bytes(100_000), headers=[])
    content = batch(0, "plain") + bytes(builder.build())
    leaders = Leaders({PARTITIONS[0]: 1}, {1: deque([answer((0, content))])})
    fetcher = Fetcher(leaders, {PARTITIONS[0]: 0})
    await fetcher.wait(DEADLINE)
    with pytest.raises(UnsupportedCodecError, match="packed"):
        fetcher.take(100)
    await fetcher.close()


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_a_header_name_that_is_not_utf8_takes_no_sound_record_with_it(limit: int) -> None:
    """[PUB-035]: the records of its batch, before and behind, come whole, and so do those of the next batch."""
    names = [b"sound", b"\xff\xfe\xfd", b"caf\xc3\xa9", b"\xe9t\xe9", b"sound"]
    content = batch(5, "a") + batch(6, "b") + with_header_names(7, *names) + batch(12, "next")
    leaders = Leaders({PARTITIONS[0]: 1}, {1: deque([answer((0, content))])})
    fetcher = Fetcher(leaders, {PARTITIONS[0]: 5})
    taken: list[StoredRecord] = []
    async with asyncio.timeout(DEADLINE):
        while len(taken) < 8:
            found = fetcher.take(limit)
            taken += [record for part in found for record in part.records]
            if not found:
                await fetcher.wait(1.0)
    await fetcher.close()
    assert list(range(5, 13)) == [one.offset for one in taken]
    assert [b"a", b"b", b"k0", b"k1", b"k2", b"k3", b"k4", b"next"] == [one.key for one in taken]
    assert ["sound", "\ufffd" * 3, "café", "\ufffdt\ufffd", "sound"] == [one.headers[0][0] for one in taken[2:7]]
    assert {(b"v", b"h")} == {(one.value, one.headers[0][1]) for one in taken[2:7]}
    assert [(1, {0: 5})] == leaders.asked


async def test_of_two_leaders_that_both_answer_for_a_partition_one_counts() -> None:
    """It moved while the first was asked; the late answer begins before the records fetched meanwhile."""
    leaders = Leaders({PARTITIONS[0]: 1}, {1: deque(), 2: deque([answer((0, batch(0, "a", "b")))])})
    fetcher = Fetcher(leaders, {PARTITIONS[0]: 0})
    await fetcher.wait(0.01)
    leaders.leaders[PARTITIONS[0]] = 2
    assert ["a", "b"] == await next_keys(fetcher)
    leaders.answers[1].append(answer((0, batch(0, "a"))))
    await asyncio.sleep(0.1)
    leaders.answers[2].append(answer((0, batch(2, "c"))))
    assert ["c"] == await next_keys(fetcher)
    await fetcher.close()


class Held(AdminQueries):
    """Admin queries to a log that holds offsets 10 to 20."""

    def __init__(self) -> None:
        """Without clients."""

    async def starts(self, topic_partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        return dict.fromkeys(topic_partitions, 10)

    async def ends(self, topic_partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        return dict.fromkeys(topic_partitions, 20)


@pytest.mark.parametrize(
    ("position", "error_type"), [(9, PositionLostError), (15, LogUnavailableError), (21, PositionLostError)]
)
async def test_an_out_of_range_answer_is_a_lost_position_only_outside_the_logs_bounds(
    position: int, error_type: type[Exception]
) -> None:
    """A broker suspended while another led denies later offsets: the reader tries again, and loses nothing."""
    settings = KafkaSettings(bootstrap_servers="127.0.0.1:1", prefix="p", partitions=1)

    async def find(_: str) -> list[TopicPartition]:
        return PARTITIONS

    reader = KafkaReader(settings, {("t", 0): position}, find=find, admin=Held())
    topic_partition = TopicPartition(settings.topic("t"), 0)
    answers = {1: deque([Answer([(topic_partition.topic, [(0, OffsetOutOfRangeError.errno, 0, 0, [], b"")])])])}
    reader._fetcher = Fetcher(Leaders({topic_partition: 1}, answers), {topic_partition: position})
    with pytest.raises(error_type):
        await reader.poll(limit=10, wait=5.0)
    await reader.close()
