"""Refusals at the door, counted: documents that were answered 422 and never became a submission (PUB-003).

Each process counts in memory, and appends the counts of a minute to ``statistics``. A process that is killed loses the
counts of that minute. Nothing of a document is kept but its platform, the rules that it breaks and its department.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Collection, Mapping

import structlog

import schemas
from gateway.clock import Clock
from gateway.errors import LogError
from gateway.log.port import EventLog
from gateway.log.retry import retry_log_errors
from gateway.protocol.decide import paris_date
from gateway.protocol.identity import partition_of
from gateway.protocol.record import Record
from gateway.protocol.statistics import BROKEN, UNBROKEN, Cell, CountRecord, Tally, count_record
from gateway.protocol.topic import STATISTICS
from schemas.territory import department_in

FLUSH_SECONDS = 60.0
_LAST_SECONDS = 5.0
"""How long a stopping process tries to write its last counts."""
_NONCE_BYTES = 9

_log = structlog.get_logger()


class UploadRefusals:
    """The refused items of one upload, by department and rule."""

    def __init__(self) -> None:
        self._tally = Tally()

    def add(self, department: str | None, rules: Collection[str]) -> None:
        """Count one item."""
        self._tally.add("", "", "refused", rules=rules, department=department)

    def take(self) -> Mapping[Cell, int]:
        """The counts, without platform and day; none the next time."""
        return self._tally.take()


class RefusalCounter:
    """The refusals of this process. ``counted`` is called with their numbers by rule."""

    def __init__(
        self,
        log: EventLog,
        *,
        clock: Clock,
        counted: Callable[[Mapping[str, int]], None] = lambda _: None,
        every: float = FLUSH_SECONDS,
    ) -> None:
        self._log = log
        self._clock = clock
        self._counted = counted
        self._every = every
        self._writer = os.urandom(_NONCE_BYTES).hex()
        self._number = 0
        self._tally = Tally()
        self._pending: Record | None = None
        """Counts whose append has not succeeded, or not for certain: the same record is written again."""

    def count(self, platform: str, verdict: schemas.Verdict, rules: Collection[str]) -> None:
        """Count one refused document of a platform; ``rules`` are the codes of its errors."""
        department = department_in(verdict.document)
        self._tally.add(platform, paris_date(self._clock()), "refused", rules=rules, department=department)
        self._counted(dict.fromkeys(rules, 1))

    def count_upload(self, platform: str, refusals: UploadRefusals) -> None:
        """Count the refused items of a batch or snapshot that is answered."""
        day, rules = paris_date(self._clock()), Counter[str]()
        for cell, number in refusals.take().items():
            self._tally.put(cell._replace(platform=platform, day=day), number)
            if cell.rule not in {BROKEN, UNBROKEN}:
                rules[cell.rule] += number
        self._counted(rules)

    async def run(self) -> None:
        """Append the counts every minute, and at the stop, until cancelled."""
        try:
            while True:
                await asyncio.sleep(self._every)
                await retry_log_errors("refusal counts", self.flush)
        finally:
            try:
                async with asyncio.timeout(_LAST_SECONDS):
                    await self.flush()
            except (LogError, TimeoutError) as error:
                _log.warning("statistics.lost", error=str(error))

    async def flush(self) -> None:
        """Append the counts so far. Raises LogError; a later call writes the same record first."""
        while self._pending is not None or len(self._tally):
            if self._pending is None:
                self._number += 1
                self._pending = count_record(CountRecord(self._writer, self._number, self._tally.take()))
            await self._log.append(STATISTICS, partition_of(self._writer, self._log.partitions), [self._pending])
            self._pending = None
