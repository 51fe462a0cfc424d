"""The audit: checks the invariants of the log from its records alone (``passerelle audit``).

Within the retained records: every submission that was read has exactly one receipt; every accepted receipt has its
offer at that sequence or later; every record of ``offers`` has its receipt; sequences grow; no position of
``submissions`` or of an inbox is beyond its end; the chain of the journal is whole (``journal_audit``). Whether each
message of an inbox was accepted is not checked: an accepted submission does not name its message. The receipts and
offer ids of one partition are in memory at a time.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

import orjson

from gateway.clock import Clock, now
from gateway.errors import TopicError
from gateway.log.port import EventLog
from gateway.log.positions import read_positions
from gateway.log.reading import read_records
from gateway.operate.journal_audit import JournalReport, audit_journal
from gateway.protocol.journal_seal import KnownEntry
from gateway.protocol.record import position_key, read_offer
from gateway.protocol.topic import INBOX, OFFERS, RECEIPTS, SUBMISSIONS

_MAX_FINDINGS = 1_000
_REREADS = 5
_RECHECK_SECONDS = 3.0
_ENDLESS = 2**63


@dataclass(slots=True)
class AuditReport:
    """The counts of records read, the findings, one sentence each (the first thousand), and the number of findings."""

    counts: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    wrong: int = 0
    journal: JournalReport = field(default_factory=JournalReport)

    @property
    def clean(self) -> bool:
        """Whether there are no findings."""
        return self.wrong == 0

    def add(self, finding: str) -> None:
        """Add a finding."""
        self.wrong += 1
        if len(self.findings) < _MAX_FINDINGS:
            self.findings.append(finding)


async def audit(
    log: EventLog, *, secret: bytes | None = None, known: KnownEntry | None = None, clock: Clock = now
) -> AuditReport:
    """Read the whole log, a partition at a time. The gateway may run meanwhile: records added since are left out.
    ``secret`` and ``known`` as ``audit_journal``.

    If there are findings, the log is read once more after a pause: a broker that has just become the leader, or just
    resumed, may return an end offset before records that others have written.
    """
    report = await _read(log, secret, known, clock)
    if report.clean:
        return report
    await asyncio.sleep(_RECHECK_SECONDS)
    return await _read(log, secret, known, clock)


async def _read(log: EventLog, secret: bytes | None, known: KnownEntry | None, clock: Clock) -> AuditReport:
    report = AuditReport()
    for partition in range(log.partitions):
        await _Partition(log, partition, report).check()
    report.journal = await audit_journal(log, report.add, secret=secret, known=known, clock=clock)
    if report.journal.entries:
        report.counts["journal entries"] = report.journal.entries
    return report


class _Partition:
    def __init__(self, log: EventLog, partition: int, report: AuditReport) -> None:
        self._log = log
        self._partition = partition
        self._report = report
        self._receipts: dict[int, tuple[str, str, int | None]] = {}
        """Offset in ``submissions`` → offer id, verdict and sequence of its receipt."""
        self._latest: dict[str, int] = {}
        """Offer id → last sequence on ``offers``; ``_ENDLESS`` for a tombstone."""
        self._offers_end = 0

    async def check(self) -> None:
        # The position first: the outputs written with it, or before, are then certain to be read.
        kept = await read_positions(self._log, self._partition)
        position = kept.get(position_key(SUBMISSIONS, self._partition).decode(), 0)
        for topic_partition, next_offset in kept.items():
            topic, _, partition = topic_partition.rpartition("/")
            if topic == SUBMISSIONS or topic.startswith(INBOX):
                await self._check_position(topic, int(partition), next_offset)
        await self._read_receipts()
        first_receipt = min(self._receipts, default=position)
        await self._read_offers(position, first_receipt)
        await self._read_submissions(position, first_receipt)
        await self._check_accepted()

    async def _check_position(self, topic: str, partition: int, next_offset: int) -> None:
        try:
            ends = await self._log.ends(topic)
        except TopicError:
            return  # an inbox that was deleted with its platform
        end = ends[partition] if partition < len(ends) else 0
        if next_offset > end:
            self._report.add(f"positions says {next_offset} of {topic}/{partition}, which ends at {end}")

    async def _read_receipts(self) -> None:
        async for record in read_records(self._log, RECEIPTS, self._partition):
            body = orjson.loads(record.value or b"{}")
            topic, partition, offset_text = body["position"].split("/")
            if topic != SUBMISSIONS:
                self._report.counts["refused on an inbox"] += 1
                continue
            self._report.counts["receipts"] += 1
            self._report.counts[body["verdict"]] += 1
            offset = int(offset_text)
            if offset in self._receipts:
                self._report.add(f"two receipts for {body['position']} ({body['id']})")
            if int(partition) != self._partition:
                self._report.add(f"a receipt for {body['position']} is on {self._name(RECEIPTS)}")
            # A forgotten marker leaves no record on ``offers``; only its receipt has no revision.
            verdict = body["verdict"] if "revision" in body else "forgotten"
            self._receipts[offset] = (body["id"], verdict, body.get("sequence"))

    async def _read_offers(self, position: int, first_receipt: int) -> None:
        self._offers_end = (await self._log.ends(OFFERS))[self._partition]
        async for record in read_records(self._log, OFFERS, self._partition):
            if record.key is None:
                self._report.add(f"{self._name(OFFERS)}/{record.offset} has no key")
                continue
            key = record.key.decode()
            if record.value is None:
                self._latest[key] = _ENDLESS
                continue
            self._report.counts["records of offers"] += 1
            known = read_offer(record.key, record.value).known
            last = self._latest.get(key)
            if last is not None and last != _ENDLESS and known.sequence <= last:
                self._report.add(f"the sequence of {key} falls from {last} to {known.sequence}")
            self._latest[key] = known.sequence
            if first_receipt <= known.position < position:
                self._check_origin(key, known.position, known.sequence)

    def _check_origin(self, key: str, offset: int, sequence: int) -> None:
        receipt = self._receipts.get(offset)
        if receipt is None:
            self._report.add(f"{key} at sequence {sequence} has no receipt")
        elif receipt != (key, "accepted", sequence):
            self._report.add(f"{key} at sequence {sequence} has the receipt of {receipt[0]}: {receipt[1]} {receipt[2]}")

    async def _read_submissions(self, position: int, first_receipt: int) -> None:
        async for record in read_records(self._log, SUBMISSIONS, self._partition):
            self._report.counts["submissions"] += 1
            known = record.offset in self._receipts
            if record.offset >= position:
                self._report.counts["submissions not yet decided"] += 1
            elif record.offset >= first_receipt and not known:
                self._report.add(f"{self._name(SUBMISSIONS)}/{record.offset} was skipped: it has no receipt")

    async def _check_accepted(self) -> None:
        """Compaction may remove a record before it is read, if a newer one is beyond the end offset of the read: newer
        records are read as well before an offer is reported as lost.
        """
        rereads = 0
        while (lost := self._lost()) and rereads < _REREADS and await self._read_on():
            rereads += 1
        for offer_id, sequence, offset in lost:
            self._report.add(f"{offer_id} was accepted at sequence {sequence} ({SUBMISSIONS} {offset}) and is lost")

    def _lost(self) -> list[tuple[str, int, int]]:
        return [
            (offer_id, sequence or 0, offset)
            for offset, (offer_id, verdict, sequence) in self._receipts.items()
            if verdict == "accepted" and self._latest.get(offer_id, -1) < (sequence or 0)
        ]

    async def _read_on(self) -> bool:
        """Read the records added to ``offers`` since; return whether there are any."""
        start, self._offers_end = self._offers_end, (await self._log.ends(OFFERS))[self._partition]
        async for record in read_records(self._log, OFFERS, self._partition, start=start, end=self._offers_end):
            key = (record.key or b"").decode()
            gone = record.value is None
            self._latest[key] = _ENDLESS if gone else read_offer(record.key or b"", record.value or b"").known.sequence
        return self._offers_end > start

    def _name(self, topic: str) -> str:
        return f"{topic}/{self._partition}"
