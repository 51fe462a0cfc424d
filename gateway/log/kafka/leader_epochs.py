"""Leader epochs: which broker leads a partition, by the highest epoch that any client of this process has seen.

A broker that is cut off from its cluster still names itself as leader, answers reads, and has nothing new. Only the
leader epoch (KIP-320) distinguishes a stale metadata answer from a current one.
"""

from collections import defaultdict
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError
from aiokafka.protocol.metadata import MetadataResponse_v5

VERSION_WITH_EPOCHS = 7
"""From this version of the metadata answer on, each partition has its leader epoch."""


class LeaderEpochs:
    """The leaders of one cluster's partitions, each with its leader epoch."""

    def __init__(self) -> None:
        self._known: dict[str, dict[int, tuple[int, int]]] = {}

    def note(self, answer: Any) -> Any:
        """Store the leaders of a metadata answer whose epochs are not older; returns the answer as version 5."""
        if answer.API_VERSION < VERSION_WITH_EPOCHS:
            return answer
        topics = []
        for code, topic, internal, partitions in answer.topics:
            known = self._known.setdefault(topic, {})
            for _, partition, leader, epoch, *_ in partitions:
                if partition not in known or epoch >= known[partition][0]:
                    known[partition] = epoch, leader
            if code == UnknownTopicOrPartitionError.errno:  # a new topic of this name starts at epoch 0
                del self._known[topic]
            topics.append((code, topic, internal, [(*part[:3], *part[4:]) for part in partitions]))
        return MetadataResponse_v5(
            answer.throttle_time_ms, answer.brokers, answer.cluster_id, answer.controller_id, topics
        )

    def leader(self, partition: TopicPartition, *, otherwise: int) -> int:
        """The leader's node id, -1 for none; ``otherwise`` where no answer with epochs has named the partition."""
        known = self._known.get(partition.topic, {}).get(partition.partition)
        return otherwise if known is None else known[1]


EPOCHS = defaultdict[str, LeaderEpochs](LeaderEpochs)
"""The epochs that this process has seen, by the bootstrap servers of each cluster."""
