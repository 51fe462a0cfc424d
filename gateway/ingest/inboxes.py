"""Intake: copies the messages of Kafka-native publishers from inboxes into ``submissions``, each exactly once."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

import structlog

import schemas
from gateway.errors import PositionLostError, TopicError
from gateway.ingest.backlog import INBOX_AHEAD, Backlog
from gateway.ingest.inbox_message import (
    RefusedMessage,
    judge_message,
    message_digest,
    refused_body,
)
from gateway.ingest.submissions import VERSIONS, command
from gateway.log.assignment import run_assigned
from gateway.log.owner_loop import chunks_to_commit, own_positions, own_with_retry
from gateway.log.port import (
    Chunk,
    EventLog,
    Output,
    Owner,
)
from gateway.partners import Partners
from gateway.partners.partner_tasks import run_per_partner
from gateway.protocol.certificate import certificate_problem
from gateway.protocol.identity import partition_of
from gateway.protocol.paris_time import paris_date
from gateway.protocol.receipt import (
    MAX_REFUSAL_BYTES_PER_DAY,
    MAX_REFUSALS_PER_DAY,
    Refusals,
    refusal_record,
    refusals_key,
)
from gateway.protocol.record import Record, StoredRecord, position_key, position_record, submission_record
from gateway.protocol.seal import ReceiptIds
from gateway.protocol.submission import valid_traceparent
from gateway.protocol.topic import INBOX, POSITIONS, RECEIPTS, REJECTED, SUBMISSIONS
from gateway.runtime.fair_slices import FairSlices

_BATCH = 500
_CONTESTED_BATCH = 100
"""Messages of one commit; the second while other platforms submit."""
_PROBLEMS = 10
"""Maximum of problems in the receipt of a refused message; for more, the receipt counts them by code."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """The partitions of inboxes assigned to this process, and what all of them work with. An error of any of them ends
    ``run``.
    """

    log: EventLog
    partners: Partners
    ids: ReceiptIds
    backlog: Backlog
    require_certificate: date | None = None
    activations: Callable[[], schemas.Activations] = lambda: schemas.NOT_ACTIVATED
    slices: FairSlices = field(default_factory=FairSlices)

    async def run(self) -> None:
        """Serve the inboxes of all partners that have one, as they are added and removed, until cancelled."""
        await run_per_partner(self.partners, wanted=lambda partner: partner.inbox, work=self._serve)

    async def _serve(self, platform: str) -> None:
        async def work(partition: int) -> None:
            await InboxPartition(self, platform, partition).run()

        try:
            await run_assigned(self.log, role=f"intake.{platform}", topic=INBOX + platform, work=work)
        except PositionLostError as error:  # the topic was created again: other inboxes continue
            raise TopicError(f"The inbox of {platform} cannot be read from where it was: {error}") from error


class InboxPartition:
    """One partition of one inbox: read, judge, and write the outcome together with the position."""

    def __init__(self, intake: Intake, platform: str, partition: int) -> None:
        self._intake = intake
        self._log = intake.log
        self._platform = platform
        self._partition = partition
        self._topic = INBOX + platform
        self._home = partition % intake.log.partitions
        self._refusals = Refusals()

    async def run(self) -> None:
        """Copy until cancelled; each attempt resumes at the position on the log."""
        await own_with_retry(self._log, role=f"intake.{self._platform}", partition=self._partition, work=self._copy)

    async def _copy(self, owner: Owner) -> None:
        kept = await own_positions(self._log, owner, role=f"intake.{self._platform}", partition=self._home)
        refusals = kept.get(position_key(refusals_key(self._topic), self._partition).decode(), 0)
        self._refusals = Refusals.from_number(refusals)
        at = kept.get(position_key(self._topic, self._partition).decode(), 0)
        start = (await self._log.starts(self._topic))[self._partition]
        if at < start:
            # The expired messages were never acknowledged and cannot be recovered: log that, and continue.
            _log.error("intake.messages_expired", inbox=self._platform, partition=self._partition, from_=at, to=start)
        async with self._log.reader({(self._topic, self._partition): max(at, start)}) as reader:
            async for chunk in chunks_to_commit(reader, limit=self._at_once):
                if chunk is not None:
                    outputs = await self._outputs(chunk)
                    await self._intake.backlog.commit(owner, self._platform, outputs, alone=INBOX_AHEAD)

    def _at_once(self) -> int:
        return _CONTESTED_BATCH if self._intake.backlog.contested(self._platform) else _BATCH

    async def _outputs(self, chunk: Chunk) -> Sequence[Output]:
        """The outputs of a chunk of the inbox; the same chunk gives the same outputs, receipt ids included."""
        outputs: list[Output] = []
        before = self._refusals

        def settle(record: StoredRecord) -> bool:
            settled, refused = self._settle(record)
            outputs.extend(settled)
            return refused

        await self._intake.slices.work(self._platform, iter(chunk.records), settle)
        if self._refusals != before:
            number = self._refusals.to_number()
            state = position_record(refusals_key(self._topic), self._partition, number)
            outputs.append(Output(POSITIONS, self._home, state))
        outputs.append(Output(POSITIONS, self._home, position_record(self._topic, self._partition, chunk.position)))
        return outputs

    def _settle(self, record: StoredRecord) -> tuple[Sequence[Output], bool]:
        """The outputs of one message, and whether it is refused."""
        try:
            verdict = self._verdict(record)
            if not isinstance(verdict, RefusedMessage):
                return self._submit(record, verdict), False
        except Exception:  # noqa: BLE001 - a bulkhead: see below
            # A fault of the gateway that one message triggers would end every process, at each start again.
            if self._refusals.on(self._day(record)).has_room(self._log.partitions):
                _log.exception("intake.broke", position=self._log_position(record))
            record = StoredRecord(record.offset, record.appended_at, None, b"")
            verdict = RefusedMessage((schemas.problem("inbox-broke-the-gateway"),))
        return self._refuse(record, verdict), True

    def _verdict(self, record: StoredRecord) -> schemas.Verdict | RefusedMessage:
        partner = self._intake.partners.get(self._platform)
        return judge_message(
            record,
            platform=self._platform,
            may_publish=partner is not None and not partner.revoked and "offers:publish" in partner.scopes,
            on=date.fromisoformat(paris_date(record.appended_at)),
            blocked_by=certificate_problem(
                () if partner is None else partner.certificates,
                required=self._intake.require_certificate,
                now=record.appended_at,
            ),
            explained=self._refusals.on(self._day(record)).has_room(self._log.partitions),
            activations=self._intake.activations(),
        )

    def _submit(self, record: StoredRecord, verdict: schemas.Verdict) -> Sequence[Output]:
        partition = partition_of(verdict.id or "", self._log.partitions)
        submission = command(
            verdict,
            receipt=self._receipt(partition, record.offset),
            publisher=self._platform,
            hosts=self._intake.partners.hosts(),
            traceparent=valid_traceparent(record.header("traceparent")),
        )
        return [Output(SUBMISSIONS, partition, submission_record(submission))]

    def _refuse(self, record: StoredRecord, refused: RefusedMessage) -> Sequence[Output]:
        """A receipt and a copy on ``rejected``; beyond the day's budget the refusal is counted."""
        today = self._refusals.on(self._day(record))
        if not today.has_room(self._log.partitions):
            self._refusals = today.count()
            return [self._summary(record)] if self._refusals.needs_summary else []
        codes = Counter(problem.code for problem in refused.problems)
        partition = partition_of(refused.id or self._platform, self._log.partitions)
        receipt = self._receipt(partition, record.offset)
        log_position = self._log_position(record)
        _log.info("intake.refused", position=log_position, codes=list(codes))
        outputs = [
            Output(
                REJECTED,
                self._home,
                Record(None, refused_body(record, codes, log_position=log_position, receipt=receipt)),
            ),
            Output(
                RECEIPTS,
                partition,
                refusal_record(
                    receipt=receipt,
                    publisher=self._platform,
                    log_position=log_position,
                    at=record.appended_at,
                    versions=VERSIONS,
                    problems=[problem.to_json() for problem in refused.problems[:_PROBLEMS]],
                    about={
                        "id": refused.id,
                        "revision": refused.revision,
                        "codes": codes if len(refused.problems) > _PROBLEMS else None,
                        "message": message_digest(record),
                    },
                ),
            ),
        ]
        self._refusals = today.list(sum(len(output.record.value or b"") for output in outputs))
        return outputs

    def _summary(self, record: StoredRecord) -> Output:
        """The receipt that gives the number of this partition's unlisted refusals of the day, up to this message."""
        _log.warning("intake.refusals_unlisted", position=self._log_position(record), today=self._refusals.unlisted)
        problem = schemas.problem(
            "inbox-refusals-unlisted",
            number=self._refusals.unlisted,
            listed=MAX_REFUSALS_PER_DAY,
            megabytes=MAX_REFUSAL_BYTES_PER_DAY // 1_000_000,
        )
        partition = partition_of(self._platform, self._log.partitions)
        return Output(
            RECEIPTS,
            partition,
            refusal_record(
                receipt=self._receipt(partition, record.offset),
                publisher=self._platform,
                log_position=self._log_position(record),
                at=record.appended_at,
                versions=VERSIONS,
                problems=[problem.to_json()],
                about={},
            ),
        )

    def _day(self, record: StoredRecord) -> int:
        return int(paris_date(record.appended_at).replace("-", ""))

    def _log_position(self, record: StoredRecord) -> str:
        return f"{self._topic}/{self._partition}/{record.offset}"

    def _receipt(self, partition: int, offset: int) -> str:
        parts = (self._topic, self._partition, offset)
        return self._intake.ids.derive(self._platform, partition=partition, parts=parts)
