"""Fetching: one request under way at each leader, and what came by it until it is taken."""

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

_WAIT_MS = 500
_LEAST_BYTES = 1
_MOST_BYTES = 16 << 20
_MOST_BYTES_OF_PARTITION = 1 << 20
_RETRY_SECONDS = 0.1
_BATCH_HEAD = 23
_CURRENT_MAGIC = 2
_CODEC_BITS = 0x07
_NAMES_REPLICA = 11
"""Since this version of a fetch's answer a replica to be preferred stands before the records."""


class Taken(NamedTuple):
    """What was taken of one partition, and where to go on; without records where only gaps were passed."""

    place: TopicPartition
    records: Sequence[StoredRecord]
    position: int


class Fetcher:
    """Committed records of some partitions, from given positions on.

    A broker answers the requests of one connection one after the other, and keeps one that finds nothing for half a
    second. So a request is for all partitions of a leader, and none goes out while something of one of them waits to
    be taken: no partition then waits for the others, and each answer holds all that there is at that time. aiokafka's
    own fetcher asks on after the first few records; the next poll gets only those, and all that came since lags by one
    poll.
    """

    def __init__(self, client: AIOKafkaClient, positions: Mapping[TopicPartition, int]) -> None:
        self._client = client
        self._positions = dict(positions)
        self._waiting: dict[TopicPartition, CommittedRecords] = {}
        self._ends = dict.fromkeys(positions, 0)
        self._asking: dict[int | None, asyncio.Task[None]] = {}
        self._error: BaseException | None = None
        self._unanswered: float | None = None

    def unheard(self, seconds: float) -> bool:
        """Whether no broker at all has answered a request for more than so long; the time then begins anew. One of
        several that keeps silent is noticed by the client's own time-out.
        """
        at = asyncio.get_running_loop().time()
        if self._unanswered is None or at - self._unanswered <= seconds:
            return False
        self._unanswered = at
        return True

    def take(self, limit: int) -> list[Taken]:
        """What has come, at most so many records. Does not suspend. Raises KafkaError."""
        taken: list[Taken] = []
        for place in list(self._waiting):
            if limit == 0:
                break
            try:
                found = self._unpack(place, limit)
            except KafkaError as error:
                self._error = error
                break
            limit -= len(found.records)
            if found.position != self._positions[place]:
                self._positions[place] = found.position
                taken.append(found)
        if not taken and self._error is not None:
            told, self._error = self._error, None
            raise told
        if any(self._ends[place] > position for place, position in self._positions.items()):
            self._ask()  # there is more, for certain: it may come while this is worked on
        return taken

    async def wait(self, seconds: float) -> None:
        """Until an answer comes, at most so long. There must be partitions, and nothing to be taken."""
        self._ask()
        await asyncio.wait(self._asking.values(), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)

    async def close(self) -> None:
        """Ask no more."""
        for task in self._asking.values():
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    def _unpack(self, place: TopicPartition, limit: int) -> Taken:
        """Take up to ``limit`` records of a partition. From a header name that is not UTF-8 on (a partner's inbox), the
        rest of the answer is unpacked leniently.
        """
        waiting, records = self._waiting[place], list[StoredRecord]()
        try:
            try:
                _move(waiting, records, limit)
            except UnicodeDecodeError:
                waiting = self._waiting[place] = waiting.leniently()
                _move(waiting, records, limit - len(records))
        except BaseException:
            del self._waiting[place]
            raise
        if len(records) < limit:
            del self._waiting[place]
        return Taken(place, records, waiting.next_fetch_offset)

    def _ask(self) -> None:
        by_leader: dict[int | None, list[TopicPartition]] = defaultdict(list)
        for place in self._positions:
            leader = self._client.cluster.leader_for_partition(place)
            by_leader[None if leader == -1 else leader].append(place)
        for leader, places in by_leader.items():
            if leader not in self._asking and not any(place in self._waiting for place in places):
                if self._unanswered is None:
                    self._unanswered = asyncio.get_running_loop().time()
                task = asyncio.create_task(self._retry() if leader is None else self._fetch(leader, places))
                self._asking[leader] = task
                task.add_done_callback(partial(self._answered, leader))

    def _answered(self, leader: int | None, task: "asyncio.Task[None]") -> None:
        del self._asking[leader]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._error = error

    async def _fetch(self, leader: int, places: list[TopicPartition]) -> None:
        random.shuffle(places)  # a batch above the limit only comes as the first one
        asked = {place: self._positions[place] for place in places}
        parts: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
        for place, position in asked.items():
            parts[place.topic].append((place.partition, position, _MOST_BYTES_OF_PARTITION))
        request = FetchRequest(_WAIT_MS, _LEAST_BYTES, _MOST_BYTES, READ_COMMITTED, list(parts.items()))
        try:
            answer = await self._client.send(leader, request)
        except KafkaError:
            await self._retry()
            return
        self._unanswered = None
        errors = [
            error
            for topic, answers in answer.topics
            for partition, code, _, *found in answers
            if self._stands((place := TopicPartition(topic, partition)), asked[place])
            and (error := self._keep(place, code, answer.API_VERSION, found)) is not None
        ]
        self._error = next((error for error in errors if not error.retriable), self._error)
        if any(error.retriable for error in errors):
            await self._retry()

    def _stands(self, place: TopicPartition, position: int) -> bool:
        """Whether a partition is where it was when it was asked for. While its leadership moves, two may answer."""
        return place not in self._waiting and self._positions[place] == position

    def _keep(self, place: TopicPartition, code: int, version: int, found: Sequence[Any]) -> KafkaError | None:
        """Keep what one partition's answer holds, or say what is wrong with it."""
        kind = for_code(code)
        if kind is OffsetOutOfRangeError:
            return kind({place: self._positions[place]})
        if code:
            return kind(f"{place.topic} {place.partition}")
        self._ends[place], aborted = found[0], found[2] if version >= _NAMES_REPLICA else found[-2]
        content = found[-1] or b""
        if _is_compressed(content):
            return UnsupportedCodecError(f"{place.topic} holds packed batches; set its compression.type=uncompressed")
        if MemoryRecords(content).has_next():
            self._waiting[place] = CommittedRecords(place, content, aborted, self._positions[place])
        return None

    async def _retry(self) -> None:
        """Learn who leads by now, and let some time pass."""
        self._client.force_metadata_update()
        await asyncio.sleep(_RETRY_SECONDS)


def _is_compressed(content: bytes) -> bool:
    """Whether a batch is compressed. The topics are not (``compression.type``), and what one would unpack to has no
    bound. The record batch's format: length at 8, magic at 16, attributes at 21 with the codec in the lowest bits.
    """
    at = 0
    while at + _BATCH_HEAD <= len(content):
        if content[at + 16] >= _CURRENT_MAGIC and content[at + 22] & _CODEC_BITS:
            return True
        at += 12 + int.from_bytes(content[at + 8 : at + 12])
    return False


def _move(waiting: CommittedRecords, records: list[StoredRecord], limit: int) -> None:
    """Append the next records; those before an error stay."""
    for record in islice(waiting, limit):
        records.append(record)  # noqa: PERF402  # ``extend`` does not promise to keep what came before an error
