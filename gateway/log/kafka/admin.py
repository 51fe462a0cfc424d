"""Topics of the cluster: created, listed with their offsets, and their configuration checked."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from gateway.errors import LogUnavailableError, TopicError
from gateway.log.common import missing_topic
from gateway.log.kafka.aiokafka_patches import client_of, close_unanswered, learn_topics, patch_client
from gateway.log.kafka.batch import BATCH_BYTES
from gateway.log.kafka.error import describe
from gateway.log.kafka.settings import KafkaSettings, client_options
from gateway.protocol.topic import INBOX, Topic

_POLL_SECONDS = 0.02
_SMALL_SEGMENT = {"segment.bytes": "1048576", "segment.ms": "600000", "min.cleanable.dirty.ratio": "0.1"}
"""Segments roll after 1 MiB or ten minutes and become eligible for compaction; a rebuild then reads little."""
_ERASABLE = {"max.compaction.lag.ms": "86400000"}
"""The broker compacts within a day, whatever the share of replaced records."""


class AdminQueries:
    """An admin client and a consumer that only query, for topics by name: a cluster may hold thousands of others.
    ``patch_client`` keeps a broker from creating each topic that is requested, as many are configured to. Raises
    LogUnavailableError when no answer arrives in time.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        options = client_options(settings)
        self._patience = settings.patience
        self._admin = AIOKafkaAdminClient(**options)
        self._consumer = AIOKafkaConsumer(**options, isolation_level="read_committed", enable_auto_commit=False)
        for each in (self._admin, self._consumer):
            patch_client(client_of(each))
        self._found: set[str] = set()

    async def start(self) -> None:
        """Connect."""
        async with self._query("connecting", self._admin, self._consumer):
            await self._admin.start()
            await self._consumer.start()

    async def close(self) -> None:
        """Disconnect."""
        await self._admin.close()
        await self._consumer.stop()

    async def counts(self, names: Collection[str]) -> dict[str, int]:
        """The partition count of those of these topics that exist, by full name."""
        return _counted(await self._leaders(names))

    async def starts(self, topic_partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The first offset that each partition still holds."""
        async with self._query("asking for starts", self._consumer):
            await self._learn(topic_partitions)
            found: Mapping[TopicPartition, int] = await self._consumer.beginning_offsets(topic_partitions)
        return found

    async def ends(self, topic_partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The last stable offset of each partition."""
        async with self._query("asking for ends", self._consumer):
            await self._learn(topic_partitions)
            found: Mapping[TopicPartition, int] = await self._consumer.end_offsets(topic_partitions)
        return found

    async def create(self, topics: Iterable[NewTopic]) -> dict[str, int]:
        """Create topics and wait for their leaders. Returns their ``counts``, by a broker that has them; other brokers
        may not yet. Topics that another process has created meanwhile stay unchanged. Raises TopicError.
        """
        wanted = list(topics)
        async with self._query("creating topics", self._admin):
            answer = await self._admin.create_topics(wanted, timeout_ms=int(self._patience * 1_000))
        for name, code, *message in answer.topic_errors:
            if code not in {0, TopicAlreadyExistsError.errno}:
                reason = message[0] if message and message[0] else for_code(code).__name__
                raise TopicError(f"Kafka did not create {name}: {reason}.")
        names = {topic.name for topic in wanted}
        async with self._query("waiting for the leaders of new topics", self._admin):
            while True:
                leaders = await self._leaders(names)
                if all(-1 not in leaders.get(name, [-1]) for name in names):
                    return _counted(leaders)
                await asyncio.sleep(_POLL_SECONDS)

    async def configs(self, names: Sequence[str]) -> dict[str, dict[str, str]]:
        """The configuration of these topics, which must exist."""
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        async with self._query("reading the topics' configuration", self._admin):
            answers = await self._admin.describe_configs(resources) if resources else []
        found: dict[str, dict[str, str]] = {}
        for answer in answers:
            for code, message, _, name, entries in answer.resources:
                if code:
                    raise TopicError(f"Kafka did not return the configuration of {name}: {message}.")
                found[name] = {entry[0]: entry[1] for entry in entries}
        return found

    async def _leaders(self, names: Collection[str]) -> dict[str, list[int]]:
        """The leader of each partition of these topics, -1 where there is none at present."""
        async with self._query("describing topics", self._admin):
            topics = await self._admin.describe_topics(list(names))
        found = {
            each["topic"]: [part["leader"] for part in each["partitions"]] for each in topics if each["partitions"]
        }
        self._found |= found.keys()
        return found

    async def _learn(self, topic_partitions: Sequence[TopicPartition]) -> None:
        """Let the consumer know these topics, and with them all that were described: most are queried soon."""
        await learn_topics(client_of(self._consumer), {*self._found, *(each.topic for each in topic_partitions)})

    @asynccontextmanager
    async def _query(self, doing: str, *asked: AIOKafkaAdminClient | AIOKafkaConsumer) -> AsyncIterator[Any]:
        try:
            async with asyncio.timeout(self._patience):
                yield
        except TimeoutError as error:
            for each in asked:
                close_unanswered(client_of(each))
            raise LogUnavailableError(f"Kafka did not answer while {doing}, within {self._patience} s.") from error
        except (KafkaError, OSError) as error:
            raise LogUnavailableError(f"Kafka did not answer while {doing}: {describe(error)}.") from error


def _counted(leaders: Mapping[str, Sequence[int]]) -> dict[str, int]:
    return {topic: len(each) for topic, each in leaders.items()}


def new_topic(topic: Topic, settings: KafkaSettings) -> NewTopic:
    """The request that creates a topic."""
    return NewTopic(
        settings.topic(topic.name), settings.partitions, settings.replication, topic_configs=wanted(topic, settings)
    )


def wanted(topic: Topic, settings: KafkaSettings) -> dict[str, str]:
    """The required configuration of a topic."""
    keep = "delete.retention.ms" if topic.policy == "compact" else "retention.ms"
    return {
        "cleanup.policy": topic.policy,
        "compression.type": "uncompressed",  # the broker decompresses a partner's batches before it measures them
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": str(BATCH_BYTES),
        "min.insync.replicas": str(settings.min_insync),
        "unclean.leader.election.enable": "false",
        keep: str(topic.retention_ms),
        **(_SMALL_SEGMENT if topic.small_segments else {}),
        **(_ERASABLE if topic.erasable else {}),
    }


def findings(
    topics: Iterable[Topic],
    settings: KafkaSettings,
    *,
    counts: Mapping[str, int],
    configs: Mapping[str, Mapping[str, str]],
) -> Sequence[str]:
    """Deviations from the required configuration, one sentence each; ``counts`` and ``configs`` by full name."""
    found: list[str] = []
    for topic in topics:
        name = settings.topic(topic.name)
        if name not in counts:
            found.append(missing_topic(name))
            continue
        if counts[name] != settings.partitions:
            found.append(
                f"The topic {name} has {counts[name]} partitions instead of {settings.partitions}, and the count must "
                "never change: set PASSERELLE_PARTITIONS to what the topics have, or use another prefix."
            )
        found += _wrong(topic, name, settings, configs[name])
    return found


def _wrong(topic: Topic, name: str, settings: KafkaSettings, config: Mapping[str, str]) -> Iterable[str]:
    required = wanted(topic, settings)
    for key in ("cleanup.policy", "compression.type", "message.timestamp.type", "unclean.leader.election.enable"):
        if config[key] != required[key]:
            yield _sentence(name, key, config[key], required[key])
    for key in ("max.message.bytes", "min.insync.replicas"):
        if int(config[key]) < int(required[key]):
            yield _sentence(name, key, config[key], required[key])
    if topic.name.startswith(INBOX) and int(config["max.message.bytes"]) > BATCH_BYTES:
        yield _sentence(name, "max.message.bytes", config["max.message.bytes"], str(BATCH_BYTES))
    if config["cleanup.policy"] != topic.policy:
        return
    keep = "delete.retention.ms" if topic.policy == "compact" else "retention.ms"
    if 0 <= int(config[keep]) < topic.retention_ms:
        yield _sentence(name, keep, config[keep], required[keep])
    if topic.policy == "delete" and int(config["retention.bytes"]) >= 0:
        yield _sentence(name, "retention.bytes", config["retention.bytes"], "-1")


def _sentence(name: str, key: str, is_now: str, must_be: str) -> str:
    return (
        f"The topic {name} has {key}={is_now} instead of {must_be}: run `kafka-configs --alter --entity-type topics "
        f"--entity-name {name} --add-config {key}={must_be}`."
    )
