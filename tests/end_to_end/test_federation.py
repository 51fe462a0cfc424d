"""From a publisher's request to a subscriber's copy, on both logs: real postings, restarts, Kafka-native partners."""

import asyncio
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

import schemas
from demo.client import Client
from demo.generator import generate
from gateway.clock import now
from gateway.protocol.paris_time import paris_date
from gateway.protocol.record import TYPE_PUBLISHED, TYPE_WITHDRAWN
from gateway.protocol.topic import full_name
from tests.end_to_end.conftest import Federation
from tests.harness import OFFER
from tests.schemas.test_samples import documents

pytestmark = pytest.mark.smoke

DEADLINE = 60.0
"""Deadline of a wait, in seconds."""


async def put(client: Client, offer: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    answer = await client.call(
        "PUT", f"/v1/offers/{offer['id']}", body=orjson.dumps(offer), headers={"Prefer": "wait=20"}
    )
    return answer.status, answer.body


class Follower:
    """A subscriber that follows the changes feed and keeps a copy."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.cursor: str | None = None
        self.held: dict[str, int] = {}
        self.seen: dict[str, int] = {}

    async def read(self) -> None:
        """Read until there is no more."""
        more = True
        while more:
            params = {"cursor": self.cursor} if self.cursor else {}
            answer = await self.client.call("GET", "/v1/changes", params={**params, "territory": "all"})
            assert answer.status == 200, answer.explain()
            for change in answer.body["changes"]:
                assert change["sequence"] > self.seen.get(change["id"], 0)
                self.seen[change["id"]] = change["sequence"]
                if change["op"] == "upsert":
                    self.held[change["id"]] = change["sequence"]
                else:
                    self.held.pop(change["id"], None)
            self.cursor, more = answer.body["cursor"], answer.body["more"]

    async def until(self, *ids: str) -> None:
        """Read until the copy holds exactly these."""
        async with asyncio.timeout(DEADLINE):
            while set(self.held) != set(ids):
                await self.read()
                await asyncio.sleep(0.02)


@pytest.mark.samples
async def test_real_postings_go_from_end_to_end(federation: Federation, samples: Path) -> None:
    """Each posting of the recorded feed is published with its warnings, or refused with every reason."""
    feed = samples / "feeds" / "cleverconnect.xml"
    published = []
    async with federation.open() as clients:
        client = clients["auvergne-rhone-alpes"]
        for clean in (True, False):
            for revision, posting in enumerate(documents(feed, clean=clean), start=1 if clean else 10):
                offer = {**posting, "revision": revision}
                expected = schemas.check(orjson.dumps(offer), on=_today())
                status, body = await put(client, offer)
                codes = [problem["code"] for problem in body["problems"]]
                assert (status in {200, 201}, codes) == (
                    expected.accepted,
                    [problem.code for problem in expected.problems],
                )
                if expected.accepted:
                    published.append(offer["id"])
        assert len(set(published)) == 3
        for reader in ("grand-est", "national"):
            await Follower(clients[reader]).until(*set(published))
    assert (await federation.audit()).findings == []


async def test_an_offer_appears_changes_and_disappears_everywhere(federation: Federation) -> None:
    """[FEED-001] [FEED-002] [FEED-010] [WDR-010]: also for a late subscriber, and across restarts."""
    async with federation.open() as clients:
        early = Follower(clients["grand-est"])
        assert (await put(clients["bretagne"], OFFER))[0] == 201
        assert (await put(clients["bretagne"], {**OFFER, "id": "bretagne:2"}))[0] == 201
        await early.until("bretagne:1", "bretagne:2")
        assert (await put(clients["bretagne"], {**OFFER, "revision": 2, "seats": 3}))[0] == 200
    async with federation.open() as clients:
        early.client = clients["grand-est"]
        answer = await clients["bretagne"].call(
            "DELETE", "/v1/offers/bretagne:1?revision=3&reason=filled", headers={"Prefer": "wait=20"}
        )
        assert answer.status == 200
        await early.until("bretagne:2")
        late_retry, body = await put(clients["bretagne"], {**OFFER, "revision": 2, "seats": 3})
        assert (late_retry, body["verdict"]) == (409, "stale")
        late = Follower(clients["national"])
        await late.until("bretagne:2")
        assert "bretagne:1" not in late.seen
        await early.read()
        assert set(early.held) == {"bretagne:2"}
    assert (await federation.audit()).findings == []


async def test_views_that_are_deleted_come_back(federation: Federation, tmp_path: Path) -> None:
    """Deleting local copies costs time, never data."""
    offers = [offer.raw for offer in generate(7, "bretagne", 300, _today())]
    async with federation.open() as clients:
        answer = await clients["bretagne"].call(
            "POST",
            "/v1/offers/batch?partial=true",
            body=b"\n".join(offers),
            media_type="application/x-ndjson",
        )
        assert answer.status in {202, 207}
        before = Follower(clients["grand-est"])
        async with asyncio.timeout(DEADLINE):
            while len(before.held) < answer.body["queued"]:
                await before.read()
    for file in [*(tmp_path / "data/views").iterdir(), *(tmp_path / "data/relay").iterdir()]:
        file.unlink()
    async with federation.open() as clients:
        after = Follower(clients["grand-est"])
        await after.until(*before.held)
        assert after.held == before.held


@pytest.mark.kafka
@pytest.mark.parametrize("federation", ["kafka"], indirect=True)
async def test_kafka_native_partners_publish_and_subscribe(federation: Federation) -> None:
    """[PUB-031] [FEED-011]: inbox to feed; invalid messages are set aside and get a receipt."""
    inbox = full_name(federation.settings.kafka_prefix, "inbox.bretagne")
    feed = full_name(federation.settings.kafka_prefix, "feed.national")
    producer = AIOKafkaProducer(bootstrap_servers=federation.settings.kafka, acks="all")
    partitions = [TopicPartition(feed, partition) for partition in range(3)]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=federation.settings.kafka, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await producer.start()
    await consumer.start()
    consumer.assign(partitions)

    async def send(key: bytes | None, body: object, kind: str = TYPE_PUBLISHED) -> None:
        value = body if isinstance(body, bytes | None) else orjson.dumps(body)
        await producer.send_and_wait(inbox, value, key=key, headers=[("ce_type", kind.encode())])

    async def until(done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        held: dict[str, Any] = {}
        async with asyncio.timeout(DEADLINE):
            while not done(held):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    held.update((record.key.decode(), record.value) for record in records)
        return held

    try:
        async with federation.open() as clients:
            await send(b"bretagne:1", OFFER)
            await send(None, OFFER)
            await send(b"normandie:1", {**OFFER, "id": "normandie:1"})
            await send(b"bretagne:bad", b"\xff not json")
            await send(b"bretagne:2", {**OFFER, "id": "bretagne:2"})
            held = await until(lambda held: len(held) == 2)
            assert orjson.loads(held["bretagne:1"])["offer"]["title"] == OFFER["title"]
            await send(b"bretagne:1", {"id": "bretagne:1", "revision": 2, "reason": "filled"}, TYPE_WITHDRAWN)
            assert (await until(lambda held: held.get("bretagne:1", 1) is None)) is not None
            async with asyncio.timeout(DEADLINE):
                receipts: list[dict[str, Any]] = []
                while len(receipts) < 6:
                    receipts = (await clients["bretagne"].call("GET", "/v1/receipts")).body["receipts"]
            verdicts = sorted(receipt["verdict"] for receipt in receipts)
            assert verdicts == ["accepted", "accepted", "accepted", "rejected", "rejected", "rejected"]
    finally:
        await consumer.stop()
        await producer.stop()
    assert (await federation.audit()).findings == []


def _today() -> date:
    return date.fromisoformat(paris_date(now()))
