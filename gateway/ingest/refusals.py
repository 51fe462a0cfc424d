"""Refusals at the door, counted: documents that were answered 422 and never became a submission (PUB-003).

Each process counts in memory, and appends the counts of a minute to ``statistics``. A process that is killed loses the
counts of that minute. Nothing of a document is kept but its platform, the rules that it breaks, its department and a
keyed hash of its id (``refused_offers``); and of a few each minute the id and the fields at fault
(``refused_document``).
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

import schemas
from gateway.clock import Clock
from gateway.errors import LogError
from gateway.log.port import EventLog
from gateway.log.retry import retry_log_errors
from gateway.protocol.identity import partition_of
from gateway.protocol.paris_time import paris_date
from gateway.protocol.record import Record
from gateway.protocol.refused_document import RefusedDocument, RefusedDocuments, fields_at_fault, own_id
from gateway.protocol.refused_offers import OfferCell, offer_hashes
from gateway.protocol.seal import Seal
from gateway.protocol.statistics import BROKEN, UNBROKEN, Cell, CountRecord, Tally, count_record
from gateway.protocol.topic import STATISTICS
from schemas.territory import department_in

FLUSH_SECONDS = 60.0
_LAST_SECONDS = 5.0
"""Time in which a stopping process tries to write its last counts."""
_NONCE_BYTES = 9

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedItem:
    """A refused item of an upload: its index, its id where readable, its department, the codes of its errors, and its
    problems where they were written out.
    """

    index: int
    id: str | None
    department: str | None
    rules: Collection[str]
    problems: Sequence[Mapping[str, Any]]


class UploadRefusals:
    """The refused items of one upload, by department and rule, and some of them by name."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._named = RefusedDocuments()

    def add(self, item: RefusedItem) -> None:
        """Count one item."""
        name = _name(item.id, item.index)
        self._tally.add("", "", "refused", rules=item.rules, department=item.department, offer=name)
        if self._named.wants("", item.rules):
            fields = fields_at_fault(item.problems, item.rules)
            self._named.add(RefusedDocument(platform="", at=0, id=item.id, index=item.index, fields=fields))

    def take(self) -> tuple[Mapping[Cell, int], Sequence[RefusedDocument], Mapping[OfferCell, Collection[str]]]:
        """The counts, the named items and the names of all, without platform, day and time; none the next time."""
        return self._tally.take(), self._named.take(), self._tally.offers.take()


class RefusalCounter:
    """The refusals of this process. ``counted`` is called with their numbers by rule."""

    def __init__(
        self,
        log: EventLog,
        *,
        clock: Clock,
        seal: Seal,
        counted: Callable[[Mapping[str, int]], None] = lambda _: None,
        every: float = FLUSH_SECONDS,
    ) -> None:
        self._log = log
        self._clock = clock
        self._seal = seal
        self._counted = counted
        self._every = every
        self._writer = os.urandom(_NONCE_BYTES).hex()
        self._number = 0
        self._tally = Tally()
        self._named = RefusedDocuments()
        self._pending: Record | None = None
        """Counts whose append has not succeeded, or not for certain: the same record is written again."""

    def count(
        self,
        platform: str,
        verdict: schemas.Verdict,
        rules: Collection[str],
        *,
        offer_id: str | None = None,
        problems: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Count one refused document of a platform. ``rules`` are the codes of its errors, ``problems`` these errors,
        ``offer_id`` the id under which it was sent.
        """
        department, at = department_in(verdict.document), self._clock()
        name = _name(offer_id, 0)
        self._tally.add(platform, paris_date(at), "refused", rules=rules, department=department, offer=name)
        if self._named.wants(platform, rules):
            fields = fields_at_fault(problems, rules)
            self._name(RefusedDocument(platform=platform, at=at, id=offer_id, fields=fields))
        self._counted(dict.fromkeys(rules, 1))

    def count_upload(self, platform: str, refusals: UploadRefusals) -> None:
        """Count the refused items of a batch or snapshot that is answered."""
        at, rules = self._clock(), Counter[str]()
        counts, named, offers = refusals.take()
        day = paris_date(at)
        for cell, number in counts.items():
            self._tally.put(cell._replace(platform=platform, day=day), number)
            if cell.rule not in {BROKEN, UNBROKEN}:
                rules[cell.rule] += number
        for refused, names in offers.items():
            self._tally.offers.put(refused._replace(platform=platform, day=day), names)
        for one in named:
            self._name(replace(one, platform=platform, at=at))
        self._counted(rules)

    def _name(self, one: RefusedDocument) -> None:
        """Name a document if there is room: by an id of its own platform, else by its index in an upload."""
        offer_id = own_id(one.id, one.platform)
        if offer_id is not None or one.index is not None:
            self._named.add(replace(one, id=offer_id, index=one.index if offer_id is None else None))

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
                offers = offer_hashes(self._tally.offers.take(), self._seal)
                counts = CountRecord(self._writer, self._number, self._tally.take(), self._named.take(), offers)
                self._pending = count_record(counts)
            await self._log.append(STATISTICS, partition_of(self._writer, self._log.partitions), [self._pending])
            self._pending = None


def _name(offer_id: str | None, index: int) -> str:
    """The name of a refused document among those of its platform: its id, or its index in the upload."""
    return offer_id or f"#{index}"
