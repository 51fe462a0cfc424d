"""Request guard: counts and limits a producer's requests, which decides whether an outcome is certain or unknown."""

from collections import Counter
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.client import ConnectionGroup
from aiokafka.errors import NodeNotReadyError
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import AddPartitionsToTxnRequest, EndTxnRequest

from gateway.log.kafka.aiokafka_patches import StoppedProducerError, produced_partitions

_SPENT = "a request of the transaction had no clear answer"


class RequestGuard:
    """Replaces the ``client.send`` of a ``producer``.

    - It counts per partition how often a batch was sent since ``forget``: a batch that was sent once and refused is
      certainly not written; of one that was sent twice, the first may be.
    - It lets one commit request through per transaction, and nothing after a commit or AddPartitions request without an
      answer. aiokafka sends such a request again: a delayed first request could then commit (or extend) the next
      transaction.
    """

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self.producer = producer
        self._send = producer.client.send
        self._sent: Counter[tuple[str, int]] = Counter()
        self._spent = False
        self.commits = 0
        producer.client.send = self.send

    def begin(self) -> None:
        """A transaction starts; the one before it ended with an answer."""
        self.commits = 0

    def stop(self) -> None:
        """Refuse every further request."""
        self._spent = True

    def forget(self, topic: str, partition: int) -> None:
        """Start counting for the next batch of a partition."""
        self._sent.pop((topic, partition), None)

    def sent(self, topic: str, partition: int) -> int:
        """Number of times that a batch of this partition was sent since ``forget``."""
        return self._sent[topic, partition]

    async def send(self, node: int, request: Any, *, group: ConnectionGroup = ConnectionGroup.DEFAULT) -> Any:
        """As ``AIOKafkaClient.send``. Raises SpentError."""
        if self._spent:
            raise StoppedProducerError(_SPENT)
        match request:
            case EndTxnRequest():
                return await self._send_commit(node, request, group)
            case AddPartitionsToTxnRequest():
                return await self._send_once(node, request, group)
            case ProduceRequest():
                return await self._send_batches(node, request, group)
        return await self._send(node, request, group=group)

    async def _send_commit(self, node: int, request: EndTxnRequest, group: ConnectionGroup) -> Any:
        if self.commits:
            self._spent = True
            raise StoppedProducerError(_SPENT)
        self.commits += 1
        try:
            return await self._send_once(node, request, group)
        except NodeNotReadyError:
            self.commits -= 1
            raise

    async def _send_once(self, node: int, request: Any, group: ConnectionGroup) -> Any:
        try:
            return await self._send(node, request, group=group)
        except NodeNotReadyError:
            raise  # there was no connection to send it on
        except BaseException:
            self._spent = True
            raise

    async def _send_batches(self, node: int, request: ProduceRequest, group: ConnectionGroup) -> Any:
        partitions = produced_partitions(request)
        self._sent.update(partitions)
        try:
            return await self._send(node, request, group=group)
        except NodeNotReadyError:
            self._sent.subtract(partitions)
            raise
