"""Subscribers: a copy of the federation, by long poll of the changes feed or from a Kafka feed topic."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from demo.client import Client

VISITOR = "visitor"
"""Partner for manual calls during the demo; its offers are not counted."""
_WAIT = "10"


class SubscriberError(Exception):
    """The changes feed was refused; the message holds the answer."""


@dataclass(slots=True)
class OfferCopy:
    """A subscriber's copy: ``titles`` of live offers by id, and ``gone``, the ids of removed ones."""

    titles: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    _sequences: dict[str, int] = field(default_factory=dict)

    def apply(self, change: Mapping[str, Any]) -> None:
        """Apply one change; an old sequence has no effect (FEED: idempotent by sequence)."""
        offer_id, sequence = change["id"], change["sequence"]
        if sequence <= self._sequences.get(offer_id, -1):
            return
        self._sequences[offer_id] = sequence
        if change["op"] == "removal":
            # A removal may concern an unknown offer, for instance one outside the territory.
            self.titles.pop(offer_id, None)
            self.gone.add(offer_id)
        else:
            self.titles[offer_id] = change["offer"]["title"]
            self.gone.discard(offer_id)


def counted(titles: Mapping[str, str]) -> dict[str, str]:
    """The titles without those of the visitor's offers."""
    return {offer_id: title for offer_id, title in titles.items() if not offer_id.startswith(f"{VISITOR}:")}


async def follow_changes(client: Client, holding: OfferCopy) -> None:
    """Follow the changes feed from its start, until cancelled. Raises SubscriberError."""
    cursor: dict[str, str] = {}
    while True:
        cursor = {"cursor": (await _read_page(client, holding, {"wait": _WAIT, **cursor}))["cursor"]}


async def read_changes(client: Client, holding: OfferCopy) -> None:
    """Read the changes feed from its start to its present end. Raises SubscriberError."""
    page = await _read_page(client, holding, {})
    while page["more"]:
        page = await _read_page(client, holding, {"cursor": page["cursor"]})


async def _read_page(client: Client, holding: OfferCopy, params: Mapping[str, str]) -> dict[str, Any]:
    answer = await client.call("GET", "/v1/changes", params={"limit": "500", **params})
    if answer.status != HTTPStatus.OK:
        raise SubscriberError(f"the changes were answered {answer.explain()}")
    page: dict[str, Any] = answer.body
    for change in page["changes"]:
        holding.apply(change)
    return page


async def follow_topic(servers: str, topic: str, partitions: int, holding: OfferCopy) -> None:
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
    """The change in a record of a feed topic: its value, or for a null value a removal from key and headers."""
    if record.value is not None:
        change: dict[str, Any] = orjson.loads(record.value)
        return change
    headers = dict(record.headers)
    return {"op": "removal", "id": record.key.decode(), "sequence": int(headers["ce_sequence"])}
