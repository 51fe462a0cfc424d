"""The highest leader epoch counts, whichever broker named it, for all clients of the process."""

import pytest
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.cluster import ClusterMetadata

from demo.broker import LocalBroker
from gateway.log.kafka import KafkaLog
from gateway.log.kafka.aiokafka_patches import _MetadataResponseV7, patch_client, use_newest_leader
from gateway.log.kafka.leader_epochs import EPOCHS, LeaderEpochs
from gateway.protocol.topic import SUBMISSIONS

BROKERS = [(1, "127.0.0.1", 9091, None), (2, "127.0.0.1", 9092, None)]
PARTITION = TopicPartition("offers", 0)
UNKNOWN_TOPIC, NO_LEADER = 3, 5


def answer(leader: int, epoch: int) -> _MetadataResponseV7:
    """A broker's answer about one partition."""
    partition: tuple[int, int, int, int, list[int], list[int], list[int]] = (0, 0, leader, epoch, [1, 2], [1, 2], [])
    return _MetadataResponseV7(0, BROKERS, "cluster", 1, [(0, "offers", False, [partition])])


def client_with(epochs: LeaderEpochs, one: _MetadataResponseV7) -> ClusterMetadata:
    """The metadata of a client that has had this one answer."""
    cluster = ClusterMetadata()
    use_newest_leader(cluster, epochs)
    cluster.update_metadata(epochs.note(one))
    return cluster


def test_an_answer_with_an_older_epoch_does_not_count() -> None:
    epochs = LeaderEpochs()
    fresh, stale = client_with(epochs, answer(2, epoch=7)), client_with(epochs, answer(1, epoch=6))
    assert [2, 2] == [fresh.leader_for_partition(PARTITION), stale.leader_for_partition(PARTITION)]


def test_an_answer_with_a_newer_epoch_counts_for_all_clients() -> None:
    epochs = LeaderEpochs()
    stale = client_with(epochs, answer(1, epoch=6))
    assert 1 == stale.leader_for_partition(PARTITION)
    client_with(epochs, answer(-1, epoch=7))
    assert -1 == stale.leader_for_partition(PARTITION)
    client_with(epochs, answer(2, epoch=7))
    assert 2 == stale.leader_for_partition(PARTITION)


def test_a_deleted_topic_is_forgotten() -> None:
    """A new topic of the same name starts at epoch 0."""
    epochs = LeaderEpochs()
    client_with(epochs, answer(2, epoch=7))
    client_with(epochs, _MetadataResponseV7(0, BROKERS, "cluster", 1, [(UNKNOWN_TOPIC, "offers", False, [])]))
    assert 1 == client_with(epochs, answer(1, epoch=0)).leader_for_partition(PARTITION)


def test_a_topic_without_a_leader_is_not_forgotten() -> None:
    epochs = LeaderEpochs()
    client_with(epochs, answer(2, epoch=7))
    client_with(epochs, _MetadataResponseV7(0, BROKERS, "cluster", 1, [(NO_LEADER, "offers", False, [])]))
    assert 2 == client_with(epochs, answer(1, epoch=6)).leader_for_partition(PARTITION)


@pytest.mark.kafka
async def test_a_broker_answers_with_epochs(kafka_broker: LocalBroker, log: KafkaLog) -> None:
    """The rest of the metadata is what aiokafka's own request gets."""
    assert 3 == len(await log.ends(SUBMISSIONS))
    client, plain = (AIOKafkaClient(bootstrap_servers=kafka_broker.bootstrap_servers) for _ in range(2))
    patch_client(client)
    topic = log._settings.topic(SUBMISSIONS)
    try:
        for each in (client, plain):
            await each.bootstrap()
            await each.set_topics([topic])
        assert client.cluster.brokers() == plain.cluster.brokers()
        assert client.cluster.topics() == plain.cluster.topics()
        known = EPOCHS[kafka_broker.bootstrap_servers]._known[topic]
        assert client.cluster.partitions_for_topic(topic) == known.keys()
        assert {(0, 1)} == set(known.values())
    finally:
        for each in (client, plain):
            await each.close()
