"""Subscribers: what each holds of the federation, by long poll of the changes feed or from its own Kafka topic."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from gateway.client import Client
from gateway.demo.book import Book, Stopwatch

_WAIT = "10"


@dataclass(slots=True)
class Holding:
    """What one subscriber holds: id → revision, with the sequence of each id's last change, removals included."""

    platform: str
    territory: frozenset[str]
    live: dict[str, int] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)
    upserts: int = 0
    removals: int = 0
    watch: Stopwatch | None = None
    """Set on the subscriber at whose place latencies are taken."""
    surprises: list[str] = field(default_factory=list)

    def apply(self, change: Mapping[str, Any]) -> None:
        """Take one change; what is not newer than what is held is nothing new (FEED: idempotent by sequence)."""
        offer_id, sequence = change["id"], change["sequence"]
        if sequence <= self.sequences.get(offer_id, -1):
            return
        self.sequences[offer_id] = sequence
        if change["op"] == "removal":
            # A removal may concern an offer that was never held: one outside the territory, for instance.
            self.removals += self.live.pop(offer_id, None) is not None
            return
        self.upserts += 1
        revision = change["offer"]["revision"]
        self.live[offer_id] = revision
        if self.watch is not None:
            self.watch.end(offer_id, revision, asyncio.get_running_loop().time())

    def expected(self, books: Sequence[Book]) -> dict[str, int]:
        """What it must hold: what the others publish in its territory (everywhere when it has none)."""
        return {
            offer_id: revision
            for book in books
            if book.platform != self.platform
            for offer_id, revision in book.live.items()
            if not self.territory or book.departments[offer_id] in self.territory
        }

    def difference(self, books: Sequence[Book]) -> int:
        """How many offers are missing, too many, or of another revision."""
        expected = self.expected(books)
        mine = {offer_id for book in books for offer_id in book.departments}
        held = {offer_id: revision for offer_id, revision in self.live.items() if offer_id in mine}
        return len(dict(expected.items() ^ held.items()))


async def follow_changes(client: Client, holding: Holding) -> None:
    """Follow the changes feed from its start, until cancelled."""
    cursor: str | None = None
    while True:
        params = {"wait": _WAIT, "limit": "500"} | ({"cursor": cursor} if cursor else {})
        answer = await client.call("GET", "/v1/changes", params=params)
        if not answer.ok:
            holding.surprises.append(f"{holding.platform}: the changes were answered {answer.explain()}")
            return
        for change in answer.body["changes"]:
            holding.apply(change)
        cursor = answer.body["cursor"]


async def follow_topic(servers: str, topic: str, partitions: int, holding: Holding) -> None:
    """Read the subscriber's own feed topic from its start, committed records only, until cancelled."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=servers,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, partition) for partition in range(partitions)])
        async for record in consumer:
            holding.apply(_change_of(record))
    finally:
        await consumer.stop()


def _change_of(record: Any) -> dict[str, Any]:
    """The change that a record of a feed topic is: its value, or for a null one what the headers say."""
    if record.value is not None:
        change: dict[str, Any] = orjson.loads(record.value)
        return change
    headers = dict(record.headers)
    return {"op": "removal", "id": record.key.decode(), "sequence": int(headers["ce_sequence"])}
