"""The topics on Kafka: their configuration at creation, and the check of it."""

from collections.abc import Iterable, Mapping, Sequence

from aiokafka.admin import NewTopic

from gateway.log.kafka.batch import BATCH_BYTES
from gateway.log.kafka.settings import KafkaSettings
from gateway.protocol.topic import INBOX, Topic

_SMALL_SEGMENT = {"segment.bytes": "1048576", "segment.ms": "600000", "min.cleanable.dirty.ratio": "0.1"}
"""Segments roll after 1 MiB or ten minutes and become eligible for compaction; a rebuild then reads little."""


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
            found.append(f"The topic {name} does not exist: run `passerelle topics create`.")
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
