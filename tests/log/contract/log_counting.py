"""What every log gives the statistics: counts that are appended again after an unknown outcome, and counts of receipts
beside their position, are in the view exactly once.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

from gateway.errors import LogError
from gateway.ingest.refusals import RefusalCounter
from gateway.log.port import EventLog
from gateway.operate.decision_counts import COUNTED, CountedPartition
from gateway.protocol.decide import Accepted, Decision, Stale
from gateway.protocol.receipt import ReceiptVersions, receipt_record
from gateway.protocol.record import read_utc, submission_record
from gateway.protocol.refused_offers import refused_offer_seal
from gateway.protocol.submission import Known, Publish, Retire, Submission, Withdraw
from gateway.protocol.topic import POSITIONS, RECEIPTS, STATISTICS, SUBMISSIONS
from gateway.store import StatisticsView, ViewUpdater
from schemas import Verdict
from tests.harness import running
from tests.log.contract.log_fixture import DEADLINE, LogFixture, read

NOON = read_utc("2027-01-15T12:00:00.000Z")
DAY = date(2027, 1, 15)
SEAL = refused_offer_seal(b"s" * 32)
KNOWN = Known(revision=1, digest="d", sequence=1, position=0, appended_at=NOON)


def submission(number: int, kind: type[Submission]) -> Submission:
    common: dict[str, Any] = {"receipt": f"r{number}", "id": f"bretagne:{number}"}
    if kind is Publish:
        territory = {"department": "35" if number % 2 else "22", "region": "53", "academie": "rennes"}
        own: dict[str, Any] = {"publisher": "bretagne", "revision": 1, "digest": "d", "offer": {"id": common["id"]}}
        return Publish(**common, **own, audiences=("regions",), territory=territory, expires_on="2027-06-30")
    if kind is Withdraw:
        return Withdraw(**common, publisher="bretagne", revision=2, reason="filled", digest="d")
    return Retire(**common, if_revision=1, reason="expired")


async def decide(log: EventLog, number: int, kind: type[Submission], decision: Decision) -> None:
    """A submission and its receipt, as the relay writes it."""
    one = submission(number, kind)
    appended = await log.append(SUBMISSIONS, 0, [submission_record(one)])
    problem = None if isinstance(decision, Accepted) else {"code": "older-revision", "severity": "error"}
    receipt = receipt_record(
        one,
        decision,
        publisher="gateway" if kind is Retire else "bretagne",
        log_position=f"{SUBMISSIONS}/0/{appended.first}",
        at=NOON,
        versions=ReceiptVersions(schema="1", rules="1"),
        problem=problem,
    )
    await log.append(RECEIPTS, 0, [receipt])


async def counted(log: EventLog, folder: Path, name: str) -> Mapping[tuple[str | None, ...], int]:
    """The counts of a view that is filled from the log."""
    identity = await log.identity()
    view = await StatisticsView.open(folder / f"{name}.sqlite", log_identity=identity, partitions=log.partitions)
    async with running(ViewUpdater(log, STATISTICS, view).run()):
        assert await view.reached(await log.ends(STATISTICS), DEADLINE)
    found = await view.counts(DAY, DAY, by={"platform", "verdict", "department"})
    await view.close()
    return {(one.platform, one.verdict, one.department): one.number for one in found}


class Counting(LogFixture):
    async def test_refusals_whose_append_had_no_answer_count_once(
        self, log: EventLog, storage: Any, tmp_path: Path
    ) -> None:
        counter = RefusalCounter(log, clock=lambda: NOON, seal=SEAL)
        refused = Verdict(accepted=False, document={"location": {"postal_code": "35000"}})
        counter.count("bretagne", refused, {"too-long", "field-unknown"})
        async with self.lose_answers(storage, log):
            with suppress(LogError):
                await counter.flush()
        counter.count("bretagne", refused, {"too-long"})
        async with asyncio.timeout(DEADLINE):
            while True:
                with suppress(LogError):
                    await counter.flush()
                    break
        assert {("bretagne", "refused", "35"): 2} == await counted(log, tmp_path, "view")

    async def test_decisions_count_once_by_all_their_owners(self, log: EventLog, tmp_path: Path) -> None:
        await decide(log, 1, Publish, Accepted(sequence=1, created=True, known=KNOWN))
        await decide(log, 2, Publish, Stale(code="older-revision", known=KNOWN))
        await self._count_until(log, 2)
        await decide(log, 1, Withdraw, Accepted(sequence=2, created=False, known=KNOWN))
        await decide(log, 3, Retire, Accepted(sequence=3, created=False, known=KNOWN))
        await self._count_until(log, 4)
        expected = {
            ("bretagne", "accepted", "35"): 1,
            ("bretagne", "stale", "22"): 1,
            ("bretagne", "withdrawn", None): 2,
        }
        assert expected == await counted(log, tmp_path, "view")
        assert expected == await counted(log, tmp_path, "another")

    async def _count_until(self, log: EventLog, receipts: int) -> None:
        """An owner of its own, until the position of its counts is on the log."""
        target = f"{COUNTED}/0".encode(), (await log.ends(RECEIPTS))[0]
        assert target[1] >= receipts
        async with running(CountedPartition(log, 0, seal=SEAL, every=0.01).run()) as [task], asyncio.timeout(DEADLINE):
            while not any(
                one.key == target[0] and int(one.value or 0) >= target[1] for one in await read(log, POSITIONS)
            ):
                assert not task.done()
                await asyncio.sleep(0.02)
