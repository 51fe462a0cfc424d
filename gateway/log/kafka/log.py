"""The event log on Kafka: a facade of the appender, readers, owners, groups and topics."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Self

from aiokafka import TopicPartition

from gateway.errors import FencedError, LogUnavailableError, TopicError, UnknownOutcomeError
from gateway.log.common import NO_IDENTITY, missing_topic
from gateway.log.fenced import change_fenced
from gateway.log.kafka.admin import AdminQueries, findings, new_topic
from gateway.log.kafka.appender import Appender
from gateway.log.kafka.batch import check_framed_bounds
from gateway.log.kafka.membership import KafkaMembership
from gateway.log.kafka.owner import KafkaOwner
from gateway.log.kafka.reader import KafkaReader
from gateway.log.kafka.settings import KafkaSettings
from gateway.log.port import Appended, Output, Owner
from gateway.log.reading import read_records
from gateway.protocol.record import Record
from gateway.protocol.topic import POSITIONS, Topic

_IDENTITY_KEY = b"log"
_IDENTITY_ROLE = "topics"
_IDENTITY_SECONDS = 30.0


class KafkaLog:
    """An ``EventLog`` on a Kafka cluster. Made by ``open``."""

    def __init__(self, settings: KafkaSettings, admin: AdminQueries) -> None:
        self._settings = settings
        self._admin = admin
        self._known: dict[str, Sequence[TopicPartition]] = {}
        self._appender = Appender(settings, topics=self._known.keys())
        self._identity: str | None = None
        self._closed = False

    @classmethod
    async def open(cls, settings: KafkaSettings) -> Self:
        """Connect. Raises LogUnavailableError when no broker answers, OSError for unreadable certificate files."""
        admin = AdminQueries(settings)
        try:
            await admin.start()
        except BaseException:
            await admin.close()
            raise
        return cls(settings, admin)

    @property
    def partitions(self) -> int:
        """The partition count of every topic; ``check_topics`` holds the cluster to it."""
        return self._settings.partitions

    async def identity(self) -> str:
        """The UUID that ``create_topics`` gave this log. Raises TopicError."""
        if self._identity is None:
            self._identity = await self._read_identity()
        if self._identity is None:
            raise TopicError(NO_IDENTITY)
        return self._identity

    async def create_topics(self, topics: Iterable[Topic]) -> None:
        """Create missing topics and the log's identity. Never changes an existing topic."""
        wanted = {self._settings.topic(topic.name): topic for topic in topics}
        counts = await self._admin.counts({*wanted, self._settings.topic(POSITIONS)})
        missing = [topic for name, topic in wanted.items() if name not in counts]
        if missing:
            counts |= await self._admin.create(new_topic(topic, self._settings) for topic in missing)
        self._known |= _by_topic(counts)
        if self._settings.topic(POSITIONS) in counts:
            await self._write_identity()

    async def check_topics(self, topics: Iterable[Topic]) -> Sequence[str]:
        """Deviations from the required configuration, one sentence each with the remedy; empty without any."""
        wanted = list(topics)
        counts = await self._admin.counts([self._settings.topic(topic.name) for topic in wanted])
        return findings(wanted, self._settings, counts=counts, configs=await self._admin.configs(list(counts)))

    async def append(self, topic: str, partition: int, records: Sequence[Record]) -> Appended:
        """Write a batch durably (idempotent, acks=all) and in order. Raises ValueError when it is empty or too large,
        TopicError for a partition that does not exist, else as ``EventLog.append``.
        """
        size = check_framed_bounds(records)
        return await self._appender.append(await self._topic_partition(topic, partition), records, size)

    def reader(self, positions: Mapping[tuple[str, int], int]) -> KafkaReader:
        """A reader that starts at the given offset of each (topic, partition)."""
        return KafkaReader(self._settings, positions, find=self._topic_partitions, admin=self._admin)

    async def starts(self, topic: str) -> tuple[int, ...]:
        """Per partition the first offset that the log still holds."""
        topic_partitions = await self._topic_partitions(topic)
        found = await self._admin.starts(topic_partitions)
        return tuple(found[topic_partition] for topic_partition in topic_partitions)

    async def ends(self, topic: str) -> tuple[int, ...]:
        """Per partition the last stable offset."""
        topic_partitions = await self._topic_partitions(topic)
        found = await self._admin.ends(topic_partitions)
        return tuple(found[topic_partition] for topic_partition in topic_partitions)

    async def own(self, role: str, partition: int) -> KafkaOwner:
        """Take a partition for a role; the former owner is fenced. Raises LogUnavailableError."""
        self._check_open()
        owner = KafkaOwner(
            self._settings, role, partition, find=self._topic_partitions, ends=self._admin.ends, topics=self._known
        )
        await owner.take()
        return owner

    async def join(self, group: str, topic: str) -> KafkaMembership:
        """Join a consumer group that shares the partitions of a topic. Raises LogUnavailableError."""
        await self._topic_partitions(topic)
        membership = KafkaMembership(self._settings, group, topic)
        await membership.start()
        return membership

    async def close(self) -> None:
        """Write queued records, then close the connections."""
        if not self._closed:
            self._closed = True
            await self._appender.close()
            await self._admin.close()

    def _check_open(self) -> None:
        if self._closed:
            raise LogUnavailableError("The log is closed.")

    async def _topic_partition(self, topic: str, partition: int) -> TopicPartition:
        topic_partitions = await self._topic_partitions(topic)
        if not 0 <= partition < len(topic_partitions):
            raise TopicError(f"The topic {topic} has no partition {partition}, only {len(topic_partitions)}.")
        return topic_partitions[partition]

    async def _topic_partitions(self, topic: str) -> Sequence[TopicPartition]:
        """All partitions of a topic. The cluster is asked for an unknown name."""
        self._check_open()
        name = self._settings.topic(topic)
        if name not in self._known:
            self._known |= _by_topic(await self._admin.counts([name]))
        if name not in self._known:
            raise TopicError(missing_topic(topic))
        return self._known[name]

    async def _read_identity(self) -> str | None:
        found = None
        try:
            start, end = (await self.starts(POSITIONS))[0], (await self.ends(POSITIONS))[0]
        except TopicError:  # a partial read is none of "no identity": only the topic's absence is
            return None
        async for record in read_records(self, POSITIONS, 0, start=start, end=end):
            if record.key == _IDENTITY_KEY and record.value is not None:
                found = record.value.decode()
        return found

    async def _write_identity(self) -> None:
        """Write the identity once: a later owner of the role reads the identity that a former one has written."""

        async def write(owner: Owner) -> None:
            if await self._read_identity() is None:
                await owner.commit([Output(POSITIONS, 0, Record(_IDENTITY_KEY, str(uuid.uuid4()).encode()))])

        if await self._read_identity() is not None:
            return
        try:
            await change_fenced(self, _IDENTITY_ROLE, 0, write, seconds=_IDENTITY_SECONDS)
        except (FencedError, UnknownOutcomeError) as error:
            raise LogUnavailableError(
                "Others are creating the same topics; run `passerelle topics create` again."
            ) from error


def _by_topic(counts: Mapping[str, int]) -> dict[str, Sequence[TopicPartition]]:
    """The partitions of each topic, by its partition count."""
    return {name: [TopicPartition(name, partition) for partition in range(count)] for name, count in counts.items()}
