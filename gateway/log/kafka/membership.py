"""Assignment of a topic's partitions by Kafka's consumer groups; nothing is consumed through them."""

import asyncio
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from gateway.errors import LogUnavailableError
from gateway.log.kafka.aiokafka_patches import (
    client_of,
    member_of,
    own_sticky_assignor,
    patch_client,
    resume_membership,
    stop_consumer,
)
from gateway.log.kafka.error import describe
from gateway.log.kafka.kept_member import KeptMember
from gateway.log.kafka.settings import KafkaSettings, client_options

_SESSION_MS = 10_000
_HEARTBEAT_MS = 1_000
_POLL_MS = 1_000
_STOP_SECONDS = 5.0


class KafkaMembership(ConsumerRebalanceListener):  # type: ignore[misc]
    """A consumer whose partitions are all paused; polling keeps it a member of the group.

    A crashed member is removed after ten seconds, unless a process of the same data folder resumes its membership; one
    that closes leaves at once. A member keeps its old assignment
    until a rebalance has ended: a new owner that is early fences the former one.
    """

    def __init__(self, settings: KafkaSettings, group: str, topic: str) -> None:
        self._topic = settings.topic(topic)
        self._patience = settings.patience
        self._consumer = AIOKafkaConsumer(
            **client_options(settings),
            group_id=f"{settings.prefix}.{group}",
            enable_auto_commit=False,
            auto_offset_reset="latest",
            session_timeout_ms=_SESSION_MS,
            heartbeat_interval_ms=_HEARTBEAT_MS,
            partition_assignment_strategy=(own_sticky_assignor(),),
        )
        patch_client(client_of(self._consumer))
        self._kept = KeptMember(settings.members, f"{settings.prefix}.{group}")
        self._assignment: frozenset[int] | None = None
        self._returned: frozenset[int] | None = None
        self._updated = asyncio.Event()
        self._polling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Join the group. Raises LogUnavailableError."""
        try:
            async with asyncio.timeout(self._patience):
                await self._consumer.start()
        except BaseException as error:
            await stop_consumer(self._consumer, _STOP_SECONDS)
            if isinstance(error, KafkaError | OSError):
                raise LogUnavailableError(f"The group could not be joined: {describe(error)}.") from error
            raise
        member = self._kept.read()
        if member is not None:
            resume_membership(self._consumer, member)
        self._consumer.subscribe([self._topic], listener=self)
        self._polling = asyncio.create_task(self._poll())

    async def changed(self) -> frozenset[int]:
        """As ``Membership.changed``. Raises LogUnavailableError when the group has removed this member."""
        while self._assignment is None or self._assignment == self._returned:
            if self._polling is None or self._polling.done():
                raise LogUnavailableError("This member has left its group.")
            self._updated.clear()
            waiting = asyncio.create_task(self._updated.wait())
            try:
                await asyncio.wait([waiting, self._polling], return_when=asyncio.FIRST_COMPLETED)
            finally:
                waiting.cancel()
            if self._polling.done() and (error := self._polling.exception()) is not None:
                raise LogUnavailableError(f"The group gave up this member: {describe(error)}.") from error
        self._returned = self._assignment
        return self._returned

    async def close(self) -> None:
        """Leave the group; bounded in time."""
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.wait([self._polling])
        self._kept.forget()
        await stop_consumer(self._consumer, _STOP_SECONDS)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """A rebalance begins; the old assignment remains."""

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """A rebalance has ended."""
        topic_partitions = list(assigned)
        self._consumer.pause(*topic_partitions)
        self._assignment = frozenset(topic_partition.partition for topic_partition in topic_partitions)
        self._kept.keep(member_of(self._consumer))
        self._updated.set()

    async def _poll(self) -> None:
        while True:
            await self._consumer.getmany(timeout_ms=_POLL_MS)
