"""Decisions, counted: reads ``receipts`` and writes their counts to ``statistics``, each receipt once.

A record of counts and the position that it was counted up to are one transaction, at most one a minute and partition:
a crash loses nothing and counts nothing twice. A receipt of an earlier version names neither department nor withdrawal:
these are read from its submission.
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

import orjson
import structlog

import schemas
from gateway.errors import PositionLostError
from gateway.log.assignment import run_assigned
from gateway.log.owner_loop import own_positions, own_with_retry
from gateway.log.port import EventLog, Output, Owner
from gateway.log.reading import read_records
from gateway.protocol.identity import GATEWAY, platform_of
from gateway.protocol.paris_time import paris_date
from gateway.protocol.record import StoredRecord, position_key, position_record, read_utc, skim_submission
from gateway.protocol.refused_offers import offer_hashes
from gateway.protocol.seal import Seal
from gateway.protocol.statistics import ELSEWHERE, Cell, CountedVerdict, CountRecord, Tally, count_record
from gateway.protocol.submission import Publish, Retire, Withdraw
from gateway.protocol.topic import POSITIONS, RECEIPTS, STATISTICS, SUBMISSIONS

ROLE = "statistics"
COUNTED = f"{ROLE}.{RECEIPTS}"
"""The name of its position on ``positions``."""
EVERY_SECONDS = 60.0
_AT_ONCE = 2_000
_PAUSE_SECONDS = 2.0
_MAX_CELLS = 5_000
"""Cells of a tally that are written without waiting for the minute."""
_NONCE_BYTES = 9
_MINUTE = len("2027-01-15T08:00")

_log = structlog.get_logger()


async def count_decisions(log: EventLog, seal: Seal) -> None:
    """Count the partitions assigned to this process until cancelled. Raises the error of any of them."""

    async def count(partition: int) -> None:
        await CountedPartition(log, partition, seal=seal).run()

    await run_assigned(log, role=ROLE, topic=RECEIPTS, work=count)


class CountedPartition:
    """One partition of ``receipts``."""

    def __init__(self, log: EventLog, partition: int, *, seal: Seal, every: float = EVERY_SECONDS) -> None:
        self._log = log
        self._seal = seal
        self._partition = partition
        self._every = every

    async def run(self) -> None:
        """Count until cancelled; each attempt resumes at the position on the log."""
        await own_with_retry(self._log, role=ROLE, partition=self._partition, work=self._follow)

    async def _follow(self, owner: Owner) -> None:
        while True:
            kept = await own_positions(self._log, owner, role=ROLE, partition=self._partition)
            at = kept.get(position_key(COUNTED, self._partition).decode(), 0)
            try:
                await self._count(owner, at)
            except PositionLostError as error:  # receipts that the log no longer holds stay uncounted
                _log.warning("statistics.receipts_expired", partition=self._partition, error=str(error))

    async def _count(self, owner: Owner, at: int) -> None:
        start, end = (await self._log.starts(RECEIPTS))[self._partition], await owner.end(RECEIPTS, self._partition)
        position = at if start <= at <= end else start
        writer, tally = _CountWriter(self._partition, self._seal), Tally()
        clock = asyncio.get_running_loop().time
        written = clock()
        async with self._log.reader({(RECEIPTS, self._partition): position}) as reader:
            while True:
                chunks = await reader.poll(limit=_AT_ONCE, wait=min(1.0, self._every))
                began = clock()
                for chunk in chunks:
                    receipts = [orjson.loads(record.value) for record in chunk.records if record.value is not None]
                    await self._complete(receipts)
                    for receipt in receipts:
                        _count(tally, receipt)
                    position = chunk.position
                due = position != at and clock() - written >= self._every
                if due or len(tally) >= _MAX_CELLS:
                    await owner.commit(writer.outputs(tally, position))
                    at, written = position, clock()
                # Few pages, since each costs; while behind half of the time at most: other work is more urgent.
                behind = sum(len(chunk.records) for chunk in chunks) >= _AT_ONCE
                await asyncio.sleep(clock() - began if behind else min(_PAUSE_SECONDS, self._every))

    async def _complete(self, receipts: Sequence[dict[str, Any]]) -> None:
        """Add what receipts of an earlier version do not name, unless their submissions are gone."""
        named = {"department", "withdrawn"}
        older = {at: one for one in receipts if not one.keys() & named and (at := _offset(one)) is not None}
        if not older:
            return
        end = max(older) + 1
        first = max(min(older), (await self._log.starts(SUBMISSIONS))[self._partition])
        async for record in read_records(self._log, SUBMISSIONS, self._partition, start=first, end=end):
            if record.offset in older:
                older[record.offset].update(_named(record, older[record.offset]["verdict"]))


class _CountWriter:
    """The records of one owner, under a name of its own: its transactions write each count once."""

    def __init__(self, partition: int, seal: Seal) -> None:
        self._partition = partition
        self._seal = seal
        self._name = f"{ROLE}.{partition}.{os.urandom(_NONCE_BYTES).hex()}"
        self._number = 0

    def outputs(self, tally: Tally, position: int) -> Sequence[Output]:
        """The counts, which are taken from the tally, and the position that they reach."""
        outputs = [Output(POSITIONS, self._partition, position_record(COUNTED, self._partition, position))]
        if len(tally):
            self._number += 1
            offers = offer_hashes(tally.offers.take(), self._seal)
            counts = CountRecord(self._name, self._number, tally.take(), offers=offers)
            outputs.append(Output(STATISTICS, self._partition, count_record(counts)))
        return outputs


def _offset(receipt: Mapping[str, Any]) -> int | None:
    """The offset of the submission that a receipt decides; None for a refused message of an inbox."""
    topic, _, offset = receipt["position"].split("/")
    return int(offset) if topic == SUBMISSIONS else None


def _named(record: StoredRecord, verdict: str) -> Mapping[str, str]:
    """The members of a receipt that name the department or the withdrawal of a submission."""
    try:
        submission = skim_submission(record.value or b"{}")
    except ValueError:  # of a later version
        return {}
    if isinstance(submission, Publish):
        department = submission.territory.get("department")
        return {} if department is None else {"department": department}
    if verdict == "accepted" and isinstance(submission, Withdraw | Retire):
        return {"withdrawn": submission.reason}
    return {}


def _count(tally: Tally, receipt: Mapping[str, Any]) -> None:
    """Count one receipt. Of the gateway's own commands only withdrawals count: the others measure no platform."""
    verdict: CountedVerdict = "withdrawn" if "withdrawn" in receipt else receipt["verdict"]
    platform = receipt["publisher"]
    if platform == GATEWAY:
        if verdict != "withdrawn":
            return
        platform = platform_of(receipt["id"])
    for rule in _warned(receipt):
        tally.put(Cell(_day(receipt["at"][:_MINUTE]), platform, verdict, rule, ELSEWHERE), 1)
    tally.add(
        platform,
        _day(receipt["at"][:_MINUTE]),
        verdict,
        rules=_rules(receipt),
        department=receipt.get("department"),
        offer=receipt.get("id") or receipt["position"],
    )


@lru_cache(maxsize=64)
def _day(minute: str) -> str:
    """The day of a minute in UTC; receipts that are read together have few."""
    return paris_date(read_utc(f"{minute}Z"))


def _warned(receipt: Mapping[str, Any]) -> Sequence[str]:
    """The rules with a day that warned of an accepted offer: they will refuse it."""
    if receipt["verdict"] not in {"accepted", "duplicate"}:
        return ()
    rules, codes = schemas.catalogue(), dict.fromkeys(problem["code"] for problem in receipt["problems"])
    return [code for code in codes if code in rules and rules[code].error_from is not None]


def _rules(receipt: Mapping[str, Any]) -> Sequence[str]:
    """The rules for which a submission changed nothing: the errors, and of a decision its first problem."""
    if receipt["verdict"] not in {"stale", "rejected"}:
        return ()
    problems, rules = receipt["problems"], schemas.catalogue()
    broken = {problem["code"] for problem in problems if problem["severity"] == "error"}
    if codes := receipt.get("codes"):
        on = date.fromisoformat(_day(receipt["at"][:_MINUTE]))
        broken.update(code for code in codes if code in rules and rules[code].severity_on(on) == "error")
    return tuple(broken)
