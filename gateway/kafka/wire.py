"""What goes out to the brokers, seen request by request: the ground for saying what is certain and what is unknown."""

from collections import Counter
from typing import Any

from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.errors import IncompatibleBrokerVersion, NodeNotReadyError, ProducerFenced
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import AddPartitionsToTxnRequest, EndTxnRequest

_SPENT = "a request of the transaction stayed without a clear answer"


class SpentError(IncompatibleBrokerVersion, ProducerFenced):  # type: ignore[misc]
    """Stops a producer instead of letting it send again. Of its two bases the first makes aiokafka's request code give
    up rather than retry, the second makes its sender end quietly.
    """


class Wire:
    """Stands before a producer's ``client.send``.

    - It counts per partition how often a batch was sent since ``forget``: once refused is certainly not written; sent
      twice, the first may have been.
    - It lets one commit request through per transaction, and nothing after a commit or AddPartitions request that
      stayed without an answer. aiokafka would send again silently; a delayed first request could then commit (or
      extend) the next transaction.
    """

    def __init__(self, client: AIOKafkaClient) -> None:
        self._send = client.send
        self._sent: Counter[tuple[str, int]] = Counter()
        self._spent = False
        self.commits = 0
        client.send = self.send

    def begin(self) -> None:
        """A new transaction starts; the one before it ended with an answer."""
        self.commits = 0

    def stop(self) -> None:
        """Let nothing more out."""
        self._spent = True

    def forget(self, topic: str, partition: int) -> None:
        """A new batch is handed over for this partition."""
        self._sent.pop((topic, partition), None)

    def sent(self, topic: str, partition: int) -> int:
        """How often a batch for this partition went out since ``forget``."""
        return self._sent[topic, partition]

    async def send(self, node: int, request: Any, *, group: ConnectionGroup = ConnectionGroup.DEFAULT) -> Any:
        """As ``AIOKafkaClient.send``. Raises SpentError."""
        if self._spent:
            raise SpentError(_SPENT)
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
            raise SpentError(_SPENT)
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
        places = [(topic, partition) for topic, parts in request._topics for partition, _ in parts]  # noqa: SLF001
        self._sent.update(places)
        try:
            return await self._send(node, request, group=group)
        except NodeNotReadyError:
            self._sent.subtract(places)
            raise
