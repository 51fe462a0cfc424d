"""Fetching: one request in flight per leader, and the fetched records until they are taken."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import READ_COMMITTED
from aiokafka.errors import KafkaError, OffsetOutOfRangeError, UnsupportedCodecError, for_code
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.memory_records import MemoryRecords

from gateway.log.kafka.aiokafka_patches import CommittedRecords
from gateway.protocol.record import StoredRecord
from gateway.runtime.loop import stop

_WAIT_MS = 500
_LEAST_BYTES = 1
_MAX_BYTES = 16 << 20
_MAX_BYTES_OF_PARTITION = 1 << 19
_RETRY_SECONDS = 0.1
_BATCH_HEAD = 23
_CURRENT_MAGIC = 2
_CODEC_BITS = 0x07
_VERSION_WITH_REPLICA = 11
"""From FetchResponse v11 on, ``preferred_read_replica`` precedes the records."""


class Taken(NamedTuple):
    """Records taken of one partition, the next offset to read, and whether the broker had more when it answered; no
    records where only gaps were passed.
    """

    topic_partition: TopicPartition
    records: Sequence[StoredRecord]
    position: int
    more: bool


class Fetcher:
    """Fetches committed records of some partitions, from given positions on.

    A broker answers the requests of one connection in order, and delays the answer to one without new records by half a
    second. One request therefore covers all partitions of a leader, and none is sent while fetched records of one of
    them wait to be taken: no partition then waits for another, and each answer holds all records of that moment.
    aiokafka's own fetcher sends the next request after the first few records: the next poll returns only those, and
    all later records lag by one poll.
    """

    def __init__(self, client: AIOKafkaClient, positions: Mapping[TopicPartition, int]) -> None:
        self._client = client
        self._positions = dict(positions)
        self._fetched: dict[TopicPartition, CommittedRecords] = {}
        self._ends = dict.fromkeys(positions, 0)
        self._requests: dict[int | None, asyncio.Task[None]] = {}
        self._error: BaseException | None = None
        self._unanswered_since: float | None = None

    def is_unanswered(self, seconds: float) -> bool:
        """Whether no broker has answered a request for more than ``seconds``; True restarts the measurement. A single
        silent broker among several is detected by the client's own time-out.
        """
        at = asyncio.get_running_loop().time()
        if self._unanswered_since is None or at - self._unanswered_since <= seconds:
            return False
        self._unanswered_since = at
        return True

    def take(self, limit: int) -> list[Taken]:
        """Fetched records, at most ``limit``. Does not suspend. Raises KafkaError: that of a request at the next call,
        whatever other partitions deliver; that of a record once those before it are taken.
        """
        self._raise_error()
        taken: list[Taken] = []
        for topic_partition in list(self._fetched):
            if limit == 0:
                break
            try:
                found = self._unpack(topic_partition, limit)
            except KafkaError as error:
                self._error = error
                break
            limit -= len(found.records)
            if found.position != self._positions[topic_partition]:
                self._positions[topic_partition] = found.position
                taken.append(found)
        if not taken:
            self._raise_error()
        if any(self._ends[topic_partition] > position for topic_partition, position in self._positions.items()):
            self._ask()  # more records exist: fetch them while the caller processes these
        return taken

    def _raise_error(self) -> None:
        failure, self._error = self._error, None
        if failure is not None:
            raise failure

    async def wait(self, seconds: float) -> None:
        """Wait for the next answer, at most ``seconds``. Requires partitions, and no records to be taken."""
        self._ask()
        await asyncio.wait(self._requests.values(), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)

    async def close(self) -> None:
        """Cancel all requests."""
        await stop(list(self._requests.values()))

    def _unpack(self, topic_partition: TopicPartition, limit: int) -> Taken:
        """Take up to ``limit`` records of a partition. From a header name that is not UTF-8 on (a partner's inbox), the
        rest of the answer is decoded with replacement characters.
        """
        waiting, records = self._fetched[topic_partition], list[StoredRecord]()
        try:
            try:
                _move(waiting, records, limit)
            except UnicodeDecodeError:
                waiting = self._fetched[topic_partition] = waiting.with_replaced_names()
                _move(waiting, records, limit - len(records))
        except BaseException:
            del self._fetched[topic_partition]
            raise
        if len(records) < limit:
            del self._fetched[topic_partition]
        position = waiting.next_fetch_offset
        return Taken(topic_partition, records, position, self._ends[topic_partition] > position)

    def _ask(self) -> None:
        by_leader: dict[int | None, list[TopicPartition]] = defaultdict(list)
        for topic_partition in self._positions:
            leader = self._client.cluster.leader_for_partition(topic_partition)
            by_leader[None if leader == -1 else leader].append(topic_partition)
        for leader, topic_partitions in by_leader.items():
            if leader not in self._requests and not any(each in self._fetched for each in topic_partitions):
                if self._unanswered_since is None:
                    self._unanswered_since = asyncio.get_running_loop().time()
                task = asyncio.create_task(self._retry() if leader is None else self._fetch(leader, topic_partitions))
                self._requests[leader] = task
                task.add_done_callback(partial(self._answered, leader))

    def _answered(self, leader: int | None, task: "asyncio.Task[None]") -> None:
        del self._requests[leader]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._error = error

    async def _fetch(self, leader: int, topic_partitions: list[TopicPartition]) -> None:
        random.shuffle(topic_partitions)  # a batch above the size limit is returned only as the first one
        positions = {topic_partition: self._positions[topic_partition] for topic_partition in topic_partitions}
        parts: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
        for topic_partition, position in positions.items():
            parts[topic_partition.topic].append((topic_partition.partition, position, _MAX_BYTES_OF_PARTITION))
        request = FetchRequest(_WAIT_MS, _LEAST_BYTES, _MAX_BYTES, READ_COMMITTED, list(parts.items()))
        try:
            answer = await self._client.send(leader, request)
        except KafkaError:
            await self._retry()
            return
        self._unanswered_since = None
        errors = [
            error
            for topic, answers in answer.topics
            for partition, code, _, *found in answers
            if self._is_current((topic_partition := TopicPartition(topic, partition)), positions[topic_partition])
            and (error := self._keep(topic_partition, code, answer.API_VERSION, found)) is not None
        ]
        self._error = next((error for error in errors if not error.retriable), self._error)
        if any(error.retriable for error in errors):
            await self._retry()

    def _is_current(self, topic_partition: TopicPartition, position: int) -> bool:
        """Whether a partition's position is that of the request. During a change of leader, two brokers may answer."""
        return topic_partition not in self._fetched and self._positions[topic_partition] == position

    def _keep(self, partition: TopicPartition, code: int, version: int, found: Sequence[Any]) -> KafkaError | None:
        """Keep the records of one partition's answer; returns its error, if any."""
        kind = for_code(code)
        if kind is OffsetOutOfRangeError:
            return kind({partition: self._positions[partition]})
        if code:
            return kind(f"{partition.topic} {partition.partition}")
        self._ends[partition], aborted = found[0], found[2] if version >= _VERSION_WITH_REPLICA else found[-2]
        content = found[-1] or b""
        if _is_compressed(content):
            return UnsupportedCodecError(
                f"{partition.topic} holds packed batches; set its compression.type=uncompressed"
            )
        if MemoryRecords(content).has_next():
            self._fetched[partition] = CommittedRecords(partition, content, aborted, self._positions[partition])
        return None

    async def _retry(self) -> None:
        """Refresh the metadata, and pause."""
        self._client.force_metadata_update()
        await asyncio.sleep(_RETRY_SECONDS)


def _is_compressed(content: bytes) -> bool:
    """Whether a batch is compressed. The topics are not (``compression.type``), and the decompressed size has no bound.
    The record batch's format: length at 8, magic at 16, attributes at 21 with the codec in the lowest bits.
    """
    at = 0
    while at + _BATCH_HEAD <= len(content):
        if content[at + 16] >= _CURRENT_MAGIC and content[at + 22] & _CODEC_BITS:
            return True
        at += 12 + int.from_bytes(content[at + 8 : at + 12])
    return False


def _move(waiting: CommittedRecords, records: list[StoredRecord], limit: int) -> None:
    """Append the next records; those before an error are kept."""
    for record in islice(waiting, limit):
        records.append(record)  # noqa: PERF402  # ``extend`` does not guarantee to keep the items before an error
