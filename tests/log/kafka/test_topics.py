"""Topics on Kafka: created as required, and every deviation is a finding with a next step."""

import asyncio
from collections.abc import Collection, Iterable

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from gateway.errors import TopicError
from gateway.log.kafka import KafkaLog, KafkaSettings
from gateway.log.kafka.admin import AdminQueries, findings, wanted
from gateway.protocol.topic import COMMON, DAY_MS, OFFERS, POSITIONS, REQUESTS, Topic, feed, inbox
from tests.log.contract.log_fixture import opened_log, record

COMPACT = Topic(OFFERS, "compact", 14 * DAY_MS)
DELETE = Topic(REQUESTS, "delete", 2 * DAY_MS)
SETTINGS = KafkaSettings(bootstrap_servers="kafka:9092", replication=3)


def check(topic: Topic, changes: dict[str, str] | None = None, *, partitions: int = 3) -> list[str]:
    """Findings for a topic that is as wanted except these settings."""
    name = SETTINGS.topic(topic.name)
    config = {"retention.bytes": "-1", **wanted(topic, SETTINGS), **(changes or {})}
    return list(findings([topic], SETTINGS, counts={name: partitions}, configs={name: config}))


@pytest.mark.parametrize("topic", [*COMMON, inbox("bretagne"), feed("national")], ids=lambda topic: topic.name)
def test_a_topic_as_it_is_created_is_as_it_must_be(topic: Topic) -> None:
    assert [] == check(topic)


def test_a_topic_that_keeps_more_than_required_has_no_finding() -> None:
    assert [] == check(DELETE, {"retention.ms": "-1", "max.message.bytes": "9999999", "min.insync.replicas": "3"})


@pytest.mark.parametrize(
    ("topic", "key", "value"),
    [
        (COMPACT, "cleanup.policy", "compact,delete"),
        (COMPACT, "compression.type", "zstd"),
        (COMPACT, "message.timestamp.type", "CreateTime"),
        (COMPACT, "unclean.leader.election.enable", "true"),
        (COMPACT, "max.message.bytes", "1048588"),
        (COMPACT, "min.insync.replicas", "1"),
        (COMPACT, "delete.retention.ms", "86400000"),
        (DELETE, "retention.ms", "86400000"),
        (DELETE, "retention.bytes", "1000000"),
    ],
)
def test_each_setting_that_loses_or_refuses_something_is_a_finding(topic: Topic, key: str, value: str) -> None:
    (finding,) = check(topic, {key: value})
    assert f"{key}={value}" in finding
    assert f"kafka-configs --alter --entity-type topics --entity-name {SETTINGS.topic(topic.name)}" in finding


def test_an_inbox_that_takes_larger_batches_than_the_gateway_reads_is_a_finding() -> None:
    """A partner's batch is bounded, and so is a fetch."""
    (finding,) = check(inbox("bretagne"), {"max.message.bytes": "9999999"})
    assert "max.message.bytes=9999999 instead of 2097152" in finding


def test_another_partition_count_is_a_finding_that_warns_of_changing_it() -> None:
    (finding,) = check(COMPACT, partitions=6)
    assert "6 partitions instead of 3" in finding
    assert "PASSERELLE_PARTITIONS" in finding


@pytest.mark.kafka
async def test_topics_that_someone_else_created_carelessly_are_found(settings: KafkaSettings) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic(settings.topic(OFFERS), 1, 1)])
    await admin.close()
    async with opened_log(KafkaLog.open(settings)) as log:
        found = await log.check_topics(COMMON)
    assert all(settings.topic(OFFERS) in finding for finding in found)
    for wrong in ("1 partitions", "cleanup.policy=delete", "message.timestamp.type=CreateTime", "max.message.bytes"):
        assert any(wrong in finding for finding in found), wrong


@pytest.mark.kafka
async def test_two_that_create_at_once_agree_on_one_identity(settings: KafkaSettings) -> None:
    logs = [await KafkaLog.open(settings) for _ in range(3)]
    try:
        await asyncio.gather(*(log.create_topics(COMMON) for log in logs))
        identities = {await log.identity() for log in logs}
    finally:
        for log in logs:
            await log.close()
    assert 1 == len(identities)


@pytest.mark.kafka
async def test_topics_that_kafka_refuses_are_named_with_its_reason(settings: KafkaSettings) -> None:
    """More replicas than brokers, here."""
    greedy = KafkaSettings(bootstrap_servers=settings.bootstrap_servers, prefix=settings.prefix, replication=3)
    async with opened_log(KafkaLog.open(greedy), ()) as log:
        with pytest.raises(TopicError, match="replication"):
            await log.create_topics([Topic(POSITIONS, "compact", DAY_MS)])


class Lagging(AdminQueries):
    """Asks a broker that does not know the newest topics yet, once they have been created by another."""

    hidden: frozenset[str] = frozenset()

    async def create(self, topics: Iterable[NewTopic]) -> dict[str, int]:
        wanted = list(topics)
        counts = await super().create(wanted)
        self.hidden = frozenset(topic.name for topic in wanted)
        return counts

    async def counts(self, names: Collection[str]) -> dict[str, int]:
        return await super().counts([name for name in names if name not in self.hidden])


@pytest.mark.kafka
async def test_a_created_topic_is_known_to_every_broker(settings: KafkaSettings) -> None:
    admin = Lagging(settings)
    await admin.start()
    log = KafkaLog(settings, admin)
    try:
        await log.create_topics([*COMMON, inbox("bretagne")])
        await log.append(inbox("bretagne").name, 0, [record("first")])
        with pytest.raises(TopicError):
            await log.append("nowhere", 0, [record("second")])
        await log.append(inbox("bretagne").name, 0, [record("third")])
    finally:
        await log.close()
