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
from gateway.log.kafka.error import told
from gateway.log.kafka.settings import KafkaSettings, client_options

_LOOK_SECONDS = 0.02


class AdminQueries:
    """An admin client and a consumer that only query. They never ask for a topic by name before the cluster's own list
    names it, because many clusters create each topic that they are asked for. Raises LogUnavailableError when no answer
    comes in time.
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
        async with self._asking("connecting"):
            await self._admin.start()
            await self._consumer.start()

    async def close(self) -> None:
        """Disconnect."""
        await self._admin.close()
        await self._consumer.stop()

    async def counts(self) -> dict[str, int]:
        """The partition count of every topic, by full name."""
        return _counted(await self._leaders())

    async def starts(self, places: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The first offset that each partition still holds."""
        async with self._asking("asking for starts"):
            found: Mapping[TopicPartition, int] = await self._consumer.beginning_offsets(places)
        return found

    async def ends(self, places: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The last stable offset of each partition."""
        async with self._asking("asking for ends"):
            found: Mapping[TopicPartition, int] = await self._consumer.end_offsets(places)
        return found

    async def create(self, topics: Iterable[NewTopic]) -> dict[str, int]:
        """Create topics and wait for their leaders: ``counts`` with them, by a broker that knows them. Another may not
        yet. Those that another has created meanwhile are left as they are. Raises TopicError.
        """
        wanted = list(topics)
        async with self._asking("creating topics"):
            answer = await self._admin.create_topics(wanted, timeout_ms=int(self._patience * 1_000))
        for name, code, *message in answer.topic_errors:
            if code not in {0, TopicAlreadyExistsError.errno}:
                reason = message[0] if message and message[0] else for_code(code).__name__
                raise TopicError(f"Kafka did not create {name}: {reason}.")
        names = {topic.name for topic in wanted}
        async with self._asking("waiting for the leaders of new topics"):
            while True:
                leaders = await self._leaders()
                if all(-1 not in leaders.get(name, [-1]) for name in names):
                    return _counted(leaders)
                await asyncio.sleep(_LOOK_SECONDS)

    async def configs(self, names: Sequence[str]) -> dict[str, dict[str, str]]:
        """The configuration of these topics, which must exist."""
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        async with self._asking("reading the topics' configuration"):
            answers = await self._admin.describe_configs(resources) if resources else []
        found: dict[str, dict[str, str]] = {}
        for answer in answers:
            for code, message, _, name, entries in answer.resources:
                if code:
                    raise TopicError(f"Kafka does not tell the configuration of {name}: {message}.")
                found[name] = {entry[0]: entry[1] for entry in entries}
        return found

    async def _leaders(self) -> dict[str, list[int]]:
        """Who leads each partition of every topic, -1 where nobody does at present."""
        async with self._asking("listing topics"):
            topics = await self._admin.describe_topics()
        return {each["topic"]: [part["leader"] for part in each["partitions"]] for each in topics if each["partitions"]}

    @asynccontextmanager
    async def _asking(self, doing: str) -> AsyncIterator[Any]:
        try:
            async with asyncio.timeout(self._patience):
                yield
        except (KafkaError, OSError) as error:
            raise LogUnavailableError(f"Kafka did not answer while {doing}: {told(error)}.") from error


def _counted(leaders: Mapping[str, Sequence[int]]) -> dict[str, int]:
    return {topic: len(each) for topic, each in leaders.items()}
