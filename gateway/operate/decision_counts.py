"""Decisions, counted: reads ``receipts`` and writes their counts to ``statistics``, each receipt once.

A record of counts and the position that it was counted up to are one transaction, at most one a minute and partition:
a crash loses nothing and counts nothing twice. Kind and department are those of the submission that a receipt names.
"""

import asyncio
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple, cast

import orjson
import structlog

import schemas
from gateway.errors import LogUnavailableError, PositionLostError
from gateway.log.assignment import run_assigned
from gateway.log.owner_loop import own_positions, own_with_retry
from gateway.log.port import EventLog, Output, Owner, Reader
from gateway.protocol.decide import paris_date
from gateway.protocol.identity import GATEWAY, platform_of
from gateway.protocol.record import StoredRecord, position_key, position_record, read_utc, skim_submission
from gateway.protocol.statistics import CountedVerdict, CountRecord, Tally, count_record
from gateway.protocol.submission import Publish, Retire, Withdraw
from gateway.protocol.topic import POSITIONS, RECEIPTS, STATISTICS, SUBMISSIONS

ROLE = "statistics"
COUNTED = f"{ROLE}.{RECEIPTS}"
"""The name of its position on ``positions``."""
EVERY_SECONDS = 60.0
_AT_ONCE = 200
_MOST_CELLS = 5_000
"""Cells of a tally that are written without waiting for the minute."""
_SILENT_POLLS = 30
_NONCE_BYTES = 9
_LOCATED = re.compile(rb'\{"kind":"publish",[^{]*"territory":\{"department":"(\w+)"')
"""A publication up to its department: no member before has an object. Matching takes a fifth of the time of parsing."""
_MINUTE = len("2027-01-15T08:00")

_log = structlog.get_logger()


class DecisionCounts:
    """The partitions assigned to this process. An error of any of them ends ``run``."""

    def __init__(self, log: EventLog, *, every: float = EVERY_SECONDS) -> None:
        self._log = log
        self._every = every

    async def run(self) -> None:
        """Count until cancelled."""
        await run_assigned(self._log, role=ROLE, topic=RECEIPTS, work=self._work)

    async def _work(self, partition: int) -> None:
        await CountedPartition(self._log, partition, every=self._every).run()


class CountedPartition:
    """One partition of ``receipts``."""

    def __init__(self, log: EventLog, partition: int, *, every: float = EVERY_SECONDS) -> None:
        self._log = log
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
        writer, tally = _Writer(self._partition), Tally()
        clock = asyncio.get_running_loop().time
        written = clock()
        async with AsyncExitStack() as stack:
            submissions = _Submissions(self._log, self._partition)
            stack.push_async_callback(submissions.close)
            reader = await stack.enter_async_context(self._log.reader({(RECEIPTS, self._partition): position}))
            while True:
                chunks = await reader.poll(limit=_AT_ONCE, wait=min(1.0, self._every))
                began = clock()
                for chunk in chunks:
                    await _tally(tally, chunk.records, submissions)
                    position = chunk.position
                due = position != at and clock() - written >= self._every
                if due or len(tally) >= _MOST_CELLS:
                    await owner.commit(writer.outputs(tally, position))
                    at, written = position, clock()
                await asyncio.sleep(clock() - began)  # half of the time at most: other work is more urgent


class _Writer:
    """The records of one owner, under a name of its own: its transactions write each count once."""

    def __init__(self, partition: int) -> None:
        self._partition = partition
        self._name = f"{ROLE}.{partition}.{os.urandom(_NONCE_BYTES).hex()}"
        self._number = 0

    def outputs(self, tally: Tally, position: int) -> Sequence[Output]:
        """The counts, which are taken from the tally, and the position that they reach."""
        outputs = [Output(POSITIONS, self._partition, position_record(COUNTED, self._partition, position))]
        if len(tally):
            self._number += 1
            counts = CountRecord(self._name, self._number, tally.take())
            outputs.append(Output(STATISTICS, self._partition, count_record(counts)))
        return outputs


class _Fact(NamedTuple):
    """What a submission says that its receipt does not."""

    withdraws: bool
    department: str | None


class _Submissions:
    """The submissions that receipts name, read along with these: both are in the same order."""

    def __init__(self, log: EventLog, partition: int) -> None:
        self._log = log
        self._partition = partition
        self._reader: Reader | None = None
        self._position = 0

    async def facts(self, offsets: Iterable[int]) -> Mapping[int, _Fact]:
        """The facts of these offsets; without those that the log no longer holds. Raises LogUnavailableError when the
        log does not return a submission that was decided.
        """
        wanted = set(offsets)
        if not wanted:
            return {}
        try:
            return await self._facts(wanted)
        except PositionLostError:
            await self.close()
            start = (await self._log.starts(SUBMISSIONS))[self._partition]
            return await self._facts({offset for offset in wanted if offset >= start})

    async def _facts(self, wanted: set[int]) -> Mapping[int, _Fact]:
        if not wanted:
            return {}
        if self._reader is None or min(wanted) < self._position:
            await self.close()
            self._position = min(wanted)
            self._reader = self._log.reader({(SUBMISSIONS, self._partition): self._position})
        found: dict[int, _Fact] = {}
        silent = 0
        while self._position <= max(wanted):
            chunks = await self._reader.poll(limit=_AT_ONCE, wait=1.0)
            silent = 0 if chunks else silent + 1
            if silent > _SILENT_POLLS:
                raise LogUnavailableError(f"{SUBMISSIONS}/{self._partition} returns nothing from {self._position} on")
            for chunk in chunks:
                found.update((one.offset, _fact(one)) for one in chunk.records if one.offset in wanted)
                self._position = chunk.position
        return found

    async def close(self) -> None:
        """Close the reader."""
        reader, self._reader = self._reader, None
        if reader is not None:
            await reader.close()


def _fact(stored: StoredRecord) -> _Fact:
    value = stored.value or b"{}"
    located = _LOCATED.match(value)
    if located is not None:
        return _Fact(withdraws=False, department=located[1].decode())
    try:
        submission = skim_submission(value)
    except ValueError:  # of a later version
        return _Fact(withdraws=False, department=None)
    department = submission.territory.get("department") if isinstance(submission, Publish) else None
    return _Fact(withdraws=isinstance(submission, Withdraw | Retire), department=department)


async def _tally(tally: Tally, records: Sequence[StoredRecord], submissions: _Submissions) -> None:
    receipts = [orjson.loads(one.value) for one in records if one.value is not None]
    offsets = [_offset(receipt) for receipt in receipts]
    facts = await submissions.facts(offset for offset in offsets if offset is not None)
    for receipt, offset in zip(receipts, offsets, strict=True):
        _count(tally, receipt, None if offset is None else facts.get(offset))


def _offset(receipt: Mapping[str, Any]) -> int | None:
    """The offset of the submission that a receipt decides; None for a refused message of an inbox."""
    topic, _, offset = receipt["position"].split("/")
    return int(offset) if topic == SUBMISSIONS else None


def _count(tally: Tally, receipt: Mapping[str, Any], fact: _Fact | None) -> None:
    """Count one receipt. Of the gateway's own commands only withdrawals count: the others measure no platform."""
    verdict: CountedVerdict = cast("CountedVerdict", receipt["verdict"])
    if verdict == "accepted" and fact is not None and fact.withdraws:
        verdict = "withdrawn"
    platform = receipt["publisher"]
    if platform == GATEWAY:
        if verdict != "withdrawn":
            return
        platform = platform_of(receipt["id"])
    tally.add(
        platform,
        _day(receipt["at"][:_MINUTE]),
        verdict,
        rules=_rules(receipt),
        department=None if fact is None else fact.department,
    )


@lru_cache(maxsize=64)
def _day(minute: str) -> str:
    """The day of a minute in UTC; receipts that are read together have few."""
    return paris_date(read_utc(f"{minute}Z"))


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
