"""Admin queries: which topics the cluster has, their first and last offsets, their configuration."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from gateway.errors import LogUnavailableError, TopicError
from gateway.log.kafka.aiokafka_patches import client_of, patch_client
from gateway.log.kafka.error import describe
from gateway.log.kafka.settings import KafkaSettings, client_options

_POLL_SECONDS = 0.02


class AdminQueries:
    """An admin client and a consumer that only query. They never request a topic by name before the cluster's list of
    topics contains it, because many clusters create each topic that is requested. Raises LogUnavailableError when no
    answer arrives in time.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        options = client_options(settings)
        self._patience = settings.patience
        self._admin = AIOKafkaAdminClient(**options)
        self._consumer = AIOKafkaConsumer(**options, isolation_level="read_committed", enable_auto_commit=False)
        for each in (self._admin, self._consumer):
            patch_client(client_of(each))

    async def start(self) -> None:
        """Connect."""
        async with self._query("connecting"):
            await self._admin.start()
            await self._consumer.start()

    async def close(self) -> None:
        """Disconnect."""
        await self._admin.close()
        await self._consumer.stop()

    async def counts(self) -> dict[str, int]:
        """The partition count of every topic, by full name."""
        return _counted(await self._leaders())

    async def starts(self, topic_partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The first offset that each partition still holds."""
        async with self._query("asking for starts"):
            found: Mapping[TopicPartition, int] = await self._consumer.beginning_offsets(topic_partitions)
        return found

    async def ends(self, topic_partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The last stable offset of each partition."""
        async with self._query("asking for ends"):
            found: Mapping[TopicPartition, int] = await self._consumer.end_offsets(topic_partitions)
        return found

    async def create(self, topics: Iterable[NewTopic]) -> dict[str, int]:
        """Create topics and wait for their leaders. Returns ``counts`` with the new topics, by a broker that has them;
        other brokers may not yet. Topics that another process has created meanwhile stay unchanged. Raises TopicError.
        """
        wanted = list(topics)
        async with self._query("creating topics"):
            answer = await self._admin.create_topics(wanted, timeout_ms=int(self._patience * 1_000))
        for name, code, *message in answer.topic_errors:
            if code not in {0, TopicAlreadyExistsError.errno}:
                reason = message[0] if message and message[0] else for_code(code).__name__
                raise TopicError(f"Kafka did not create {name}: {reason}.")
        names = {topic.name for topic in wanted}
        async with self._query("waiting for the leaders of new topics"):
            while True:
                leaders = await self._leaders()
                if all(-1 not in leaders.get(name, [-1]) for name in names):
                    return _counted(leaders)
                await asyncio.sleep(_POLL_SECONDS)

    async def configs(self, names: Sequence[str]) -> dict[str, dict[str, str]]:
        """The configuration of these topics, which must exist."""
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        async with self._query("reading the topics' configuration"):
            answers = await self._admin.describe_configs(resources) if resources else []
        found: dict[str, dict[str, str]] = {}
        for answer in answers:
            for code, message, _, name, entries in answer.resources:
                if code:
                    raise TopicError(f"Kafka did not return the configuration of {name}: {message}.")
                found[name] = {entry[0]: entry[1] for entry in entries}
        return found

    async def _leaders(self) -> dict[str, list[int]]:
        """The leader of each partition of every topic, -1 where there is none at present."""
        async with self._query("listing topics"):
            topics = await self._admin.describe_topics()
        return {each["topic"]: [part["leader"] for part in each["partitions"]] for each in topics if each["partitions"]}

    @asynccontextmanager
    async def _query(self, doing: str) -> AsyncIterator[Any]:
        try:
            async with asyncio.timeout(self._patience):
                yield
        except (KafkaError, OSError) as error:
            raise LogUnavailableError(f"Kafka did not answer while {doing}: {describe(error)}.") from error


def _counted(leaders: Mapping[str, Sequence[int]]) -> dict[str, int]:
    return {topic: len(each) for topic, each in leaders.items()}
