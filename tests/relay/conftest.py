"""Harness of the relay: a relay on a log in memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.clock import Clock
from gateway.ingest.submissions import Submissions
from gateway.operate.audit import AuditReport, audit
from gateway.protocol.identity import partition_of
from gateway.protocol.record import OfferState, StoredRecord, read_offer
from gateway.protocol.seal import ReceiptIds
from gateway.protocol.submission import Publish, Submission, Withdraw
from gateway.protocol.topic import COMMON, OFFERS, RECEIPTS, SUBMISSIONS
from gateway.relay import CommitPace, Relay
from tests.harness import records_of, until
from tests.memory_log import MemoryLog

NOW = 1_796_000_000_000
IDS = ReceiptIds(b"k" * 32)


@dataclass
class RelayHarness:
    """One log, and a relay that may be started, stopped and inspected."""

    log: MemoryLog
    folder: Path
    now: int = NOW
    verdicts: dict[str, int] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None
    relay: Relay | None = None
    made: int = 0

    def start(
        self, *, upkeep_seconds: float = 60.0, upkeep_clock: Clock | None = None, pace: CommitPace | None = None
    ) -> None:
        submissions = Submissions(self.log, ids=IDS, clock=lambda: self.now)
        self.relay = Relay(
            self.log,
            folder=self.folder,
            identity="the-log",
            submissions=submissions,
            ids=IDS,
            clock=lambda: self.now,
            decided=self._decided,
            upkeep_seconds=upkeep_seconds,
            upkeep_clock=upkeep_clock,
            pace=pace or CommitPace(),
        )
        self.task = asyncio.create_task(self.relay.run())

    async def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            with suppress(asyncio.CancelledError):
                await self.task
            self.task = None

    def _decided(self, verdicts: dict[str, int]) -> None:
        for name, number in verdicts.items():
            self.verdicts[name] = self.verdicts.get(name, 0) + number

    async def submit(self, *submissions: Submission) -> None:
        outcomes = await Submissions(self.log, ids=IDS, clock=lambda: self.now).submit(submissions)
        assert [type(outcome).__name__ for outcome in outcomes] == ["Queued"] * len(submissions)

    def publish(self, number: int, revision: int, digest: str = "aa", **more: Any) -> Publish:
        fields = {
            "expires_on": "2027-06-27",
            "offer": {"title": str(revision)},
            "audiences": ("national", "regions"),
            "territory": {},
            **more,
        }
        offer_id = f"bretagne:{number}"
        return Publish(
            receipt=self.receipt(offer_id),
            publisher="bretagne",
            id=offer_id,
            revision=revision,
            digest=digest,
            provenance=("bretagne",),
            **fields,
        )

    def withdraw(self, number: int, revision: int) -> Withdraw:
        offer_id = f"bretagne:{number}"
        return Withdraw(
            receipt=self.receipt(offer_id),
            publisher="bretagne",
            id=offer_id,
            revision=revision,
            reason="filled",
            digest="dd",
        )

    def receipt(self, offer_id: str) -> str:
        self.made += 1
        partition = partition_of(offer_id, self.log.partitions)
        return IDS.mint("bretagne", partition=partition, now=self.now, nonce=self.made.to_bytes(8))

    async def records(self, topic: str) -> list[StoredRecord]:
        return await records_of(self.log, topic)

    async def offers(self) -> dict[str, OfferState]:
        states: dict[str, OfferState] = {}
        for record in await self.records(OFFERS):
            key = (record.key or b"").decode()
            if record.value is None:
                states.pop(key, None)
            else:
                states[key] = read_offer(record.key or b"", record.value)
        return states

    async def receipts(self) -> list[dict[str, Any]]:
        return [orjson.loads(record.value or b"") for record in await self.records(RECEIPTS)]

    async def settled(self) -> None:
        """Wait until every submission has its receipt."""

        async def all_decided() -> bool:
            if self.task is not None and self.task.done():
                self.task.result()
            return len(await self.receipts()) >= len(await self.records(SUBMISSIONS))

        await until(all_decided)

    async def audit(self) -> AuditReport:
        return await audit(self.log)


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[RelayHarness]:
    log = MemoryLog(clock=lambda: NOW)
    await log.create_topics(COMMON)
    one = RelayHarness(log, tmp_path)
    yield one
    await one.stop()
    await log.close()
