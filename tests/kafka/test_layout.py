"""Who leads: the newest word counts, whoever said it, to whichever client of the process."""

import pytest
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.cluster import ClusterMetadata

from gateway.kafka import KafkaLog
from gateway.kafka.broker import LocalBroker
from gateway.kafka.connection import keep_in_sight
from gateway.kafka.layout import LEADERS, Leaders, _Answer
from gateway.protocol.topic import SUBMISSIONS

BROKERS = [(1, "127.0.0.1", 9091, None), (2, "127.0.0.1", 9092, None)]
PLACE = TopicPartition("offers", 0)
UNKNOWN_TOPIC, NO_LEADER = 3, 5


def word(leader: int, number: int) -> _Answer:
    """What a broker says of one partition: its leader, and the number of that leadership."""
    return _Answer(0, BROKERS, "cluster", 1, [(0, "offers", False, [(0, 0, leader, number, [1, 2], [1, 2], [])])])


def heard(leaders: Leaders, answer: _Answer) -> ClusterMetadata:
    """What a client knows that has this one answer."""
    cluster = ClusterMetadata()
    leaders.correct(cluster)
    cluster.update_metadata(leaders.hear(answer))
    return cluster


def test_an_older_word_does_not_count() -> None:
    leaders = Leaders()
    fresh, stale = heard(leaders, word(2, number=7)), heard(leaders, word(1, number=6))
    assert [2, 2] == [fresh.leader_for_partition(PLACE), stale.leader_for_partition(PLACE)]


def test_a_newer_word_counts_for_all() -> None:
    leaders = Leaders()
    stale = heard(leaders, word(1, number=6))
    assert 1 == stale.leader_for_partition(PLACE)
    heard(leaders, word(-1, number=7))
    assert -1 == stale.leader_for_partition(PLACE)
    heard(leaders, word(2, number=7))
    assert 2 == stale.leader_for_partition(PLACE)


def test_a_topic_that_is_gone_is_forgotten() -> None:
    """One that is made anew begins to count at nought."""
    leaders = Leaders()
    heard(leaders, word(2, number=7))
    heard(leaders, _Answer(0, BROKERS, "cluster", 1, [(UNKNOWN_TOPIC, "offers", False, [])]))
    assert 1 == heard(leaders, word(1, number=0)).leader_for_partition(PLACE)


def test_a_topic_of_which_a_broker_cannot_tell_now_is_not_forgotten() -> None:
    leaders = Leaders()
    heard(leaders, word(2, number=7))
    heard(leaders, _Answer(0, BROKERS, "cluster", 1, [(NO_LEADER, "offers", False, [])]))
    assert 2 == heard(leaders, word(1, number=6)).leader_for_partition(PLACE)


@pytest.mark.kafka
async def test_a_broker_tells_the_numbers(kafka_broker: LocalBroker, log: KafkaLog) -> None:
    """And is asked for nothing else than aiokafka would ask."""
    assert 3 == len(await log.ends(SUBMISSIONS))
    client, plain = (AIOKafkaClient(bootstrap_servers=kafka_broker.bootstrap_servers) for _ in range(2))
    keep_in_sight(client)
    try:
        for each in (client, plain):
            await each.bootstrap()
            await each.set_topics([])
        assert client.cluster.brokers() == plain.cluster.brokers()
        assert client.cluster.topics() == plain.cluster.topics()
        topic = log._settings.topic(SUBMISSIONS)
        numbered = LEADERS[kafka_broker.bootstrap_servers]._heard[topic]
        assert client.cluster.partitions_for_topic(topic) == numbered.keys()
        assert {(0, 1)} == set(numbered.values())
    finally:
        for each in (client, plain):
            await each.close()
