"""Who leads which partition, by the newest word that any client of this process has heard.

A broker that is cut off from the others goes on telling clients that it leads, answers their reads, and has nothing new
for them. Only the number of a leadership, which aiokafka does not ask for, tells such a word from one that is true.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.cluster import ClusterMetadata
from aiokafka.errors import UnknownTopicOrPartitionError
from aiokafka.protocol.api import Response
from aiokafka.protocol.metadata import MetadataRequest, MetadataRequest_v5, MetadataResponse_v5
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Schema, String

_NUMBERED = 7
"""Since this version an answer numbers each leadership: a later one has a greater number."""


class _Answer(Response):  # type: ignore[misc]
    API_KEY = MetadataResponse_v5.API_KEY
    API_VERSION = _NUMBERED
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", Array(("node_id", Int32), ("host", String()), ("port", Int32), ("rack", String()))),
        ("cluster_id", String()),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", String()),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline_replicas", Array(Int32)),
                    ),
                ),
            ),
        ),
    )


class _Question(MetadataRequest_v5):  # type: ignore[misc]
    API_VERSION = _NUMBERED
    RESPONSE_TYPE = _Answer


class LayoutRequest(MetadataRequest):  # type: ignore[misc]
    """aiokafka's question for the layout, which asks for the numbers too where the broker knows them."""

    def __init__(self, question: MetadataRequest) -> None:
        super().__init__(question._topics, question._allow_auto_topic_creation)  # noqa: SLF001 - it does not say them

    def prepare(self, versions: Mapping[int, tuple[int, int]]) -> Any:
        """As aiokafka's own."""
        lowest, highest = versions.get(self.API_KEY, (0, 0))
        return self.build(_Question) if lowest <= _NUMBERED <= highest else super().prepare(versions)


class Leaders:
    """What has been heard of one cluster."""

    def __init__(self) -> None:
        self._heard: dict[str, dict[int, tuple[int, int]]] = {}

    def hear(self, answer: Any) -> Any:
        """Note an answer; the same in the form that aiokafka knows."""
        if answer.API_VERSION < _NUMBERED:
            return answer
        topics = []
        for code, topic, internal, partitions in answer.topics:
            heard = self._heard.setdefault(topic, {})
            for _, partition, leader, number, *_ in partitions:
                if partition not in heard or number >= heard[partition][0]:
                    heard[partition] = number, leader
            if code == UnknownTopicOrPartitionError.errno:  # another topic of this name will begin to count anew
                del self._heard[topic]
            topics.append((code, topic, internal, [(*part[:3], *part[4:]) for part in partitions]))
        return MetadataResponse_v5(
            answer.throttle_time_ms, answer.brokers, answer.cluster_id, answer.controller_id, topics
        )

    def correct(self, cluster: ClusterMetadata) -> None:
        """Let what one client has heard give way to what any has."""
        find = cluster.leader_for_partition

        def leader_for_partition(place: TopicPartition) -> int | None:
            told: int | None = find(place)
            heard = self._heard.get(place.topic, {}).get(place.partition)
            return told if told is None or heard is None else heard[1]

        cluster.leader_for_partition = leader_for_partition


LEADERS = defaultdict[str, Leaders](Leaders)
"""What this process has heard, by the bootstrap servers of each cluster."""
