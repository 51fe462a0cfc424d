"""Intake: copies the messages of Kafka-native publishers from inboxes into ``submissions``, each exactly once."""

import asyncio
from collections.abc import Sequence
from datetime import date

import structlog

import schemas
from gateway.inbox import Refused, judge_message, refused_body
from gateway.partners import Partners
from gateway.ports import Chunk, EventLog, Output, Owner, PositionLostError, TopicError
from gateway.positions import own_positions, worth_committing
from gateway.protocol.certificate import lack_of_certificate
from gateway.protocol.decide import paris_date
from gateway.protocol.identity import partition_of
from gateway.protocol.receipt import ReceiptIds, refusal_record
from gateway.protocol.record import Record, StoredRecord, position_key, position_record, submission_record
from gateway.protocol.topic import INBOX, POSITIONS, RECEIPTS, REJECTED, SUBMISSIONS
from gateway.protocol.trace import sound_traceparent
from gateway.share import keep_owning, work_partners, work_share
from gateway.submissions import VERSIONS, command

_BATCH = 500
_TURN = 10

_log = structlog.get_logger()


class Intake:
    """One share of every inbox. An error of any of them ends ``run``."""

    def __init__(
        self, log: EventLog, *, partners: Partners, ids: ReceiptIds, require_certificate: date | None = None
    ) -> None:
        self._log = log
        self._partners = partners
        self._ids = ids
        self._require_certificate = require_certificate

    async def run(self) -> None:
        """Serve the inboxes of all partners that have one, as they come and go, until cancelled."""
        await work_partners(self._partners, wanted=lambda partner: partner.inbox, work=self._serve)

    async def _serve(self, platform: str) -> None:
        async def work(partition: int) -> None:
            await InboxPartition(
                self._log,
                platform,
                partition,
                partners=self._partners,
                ids=self._ids,
                require_certificate=self._require_certificate,
            ).run()

        try:
            await work_share(self._log, role=f"intake.{platform}", topic=INBOX + platform, work=work)
        except PositionLostError as error:  # it was made anew: the others go on
            raise TopicError(f"The inbox of {platform} cannot be read from where it was: {error}") from error


class InboxPartition:
    """One partition of one inbox: read, judge, and write the outcome together with the position."""

    def __init__(
        self,
        log: EventLog,
        platform: str,
        partition: int,
        *,
        partners: Partners,
        ids: ReceiptIds,
        require_certificate: date | None,
    ) -> None:
        self._log = log
        self._platform = platform
        self._partition = partition
        self._partners = partners
        self._ids = ids
        self._require_certificate = require_certificate
        self._topic = INBOX + platform

    async def run(self) -> None:
        """Copy until cancelled; each attempt goes on from the position that the log gives."""
        await keep_owning(self._log, role=f"intake.{self._platform}", partition=self._partition, work=self._copy)

    async def _copy(self, owner: Owner) -> None:
        home = self._partition % self._log.partitions
        kept = await own_positions(self._log, owner, role=f"intake.{self._platform}", partition=home)
        at = kept.get(position_key(self._topic, self._partition).decode(), 0)
        start = (await self._log.starts(self._topic))[self._partition]
        if at < start:
            # What was there was never acknowledged, and nothing can bring it back: say so, and go on.
            _log.error("intake.messages_expired", inbox=self._platform, partition=self._partition, from_=at, to=start)
        async with self._log.reader({(self._topic, self._partition): max(at, start)}) as reader:
            async for chunk in worth_committing(reader, limit=_BATCH):
                if chunk is not None:
                    await owner.commit(await self._outputs(chunk))

    async def _outputs(self, chunk: Chunk) -> Sequence[Output]:
        """What a chunk of the inbox becomes; the same chunk gives the same outputs, receipts' ids included."""
        outputs: list[Output] = []
        for number, record in enumerate(chunk.records):
            if number % _TURN == 0:
                await asyncio.sleep(0)  # a bad document takes milliseconds to explain: others get their turn
            outputs += self._settle(record)
        home = self._partition % self._log.partitions
        outputs.append(Output(POSITIONS, home, position_record(self._topic, self._partition, chunk.position)))
        return outputs

    def _settle(self, record: StoredRecord) -> Sequence[Output]:
        try:
            return self._judge(record)
        except Exception:  # noqa: BLE001 - a bulkhead: see below
            # A fault of ours that one message brings out would end every process, at each start anew.
            _log.exception("intake.broke", place=self._place(record))
            unread = StoredRecord(record.offset, record.appended_at, None, b"")
            return self._refuse(unread, Refused((schemas.problem("inbox-broke-the-gateway"),)))

    def _judge(self, record: StoredRecord) -> Sequence[Output]:
        partner = self._partners.get(self._platform)
        verdict = judge_message(
            record,
            platform=self._platform,
            may_publish=partner is not None and not partner.revoked and "offers:publish" in partner.scopes,
            on=date.fromisoformat(paris_date(record.appended_at)),
            lack=lack_of_certificate(
                () if partner is None else partner.certificates,
                required=self._require_certificate,
                now=record.appended_at,
            ),
        )
        if isinstance(verdict, Refused):
            return self._refuse(record, verdict)
        partition = partition_of(verdict.id or "", self._log.partitions)
        submission = command(
            verdict,
            receipt=self._receipt(record, partition),
            publisher=self._platform,
            hosts=self._partners.hosts(),
            traceparent=sound_traceparent(record.header("traceparent")),
        )
        return [Output(SUBMISSIONS, partition, submission_record(submission))]

    def _refuse(self, record: StoredRecord, refused: Refused) -> Sequence[Output]:
        place = self._place(record)
        problems = [problem.to_json() for problem in refused.problems]
        partition = partition_of(refused.id or self._platform, self._log.partitions)
        _log.info("intake.refused", place=place, codes=[problem.code for problem in refused.problems])
        receipt = refusal_record(
            receipt=self._receipt(record, partition),
            publisher=self._platform,
            offer_id=refused.id,
            revision=refused.revision,
            place=place,
            at=record.appended_at,
            versions=VERSIONS,
            problems=problems,
        )
        home = self._partition % self._log.partitions
        return [
            Output(REJECTED, home, Record(None, refused_body(record, problems, place=place))),
            Output(RECEIPTS, partition, receipt),
        ]

    def _place(self, record: StoredRecord) -> str:
        return f"{self._topic}/{self._partition}/{record.offset}"

    def _receipt(self, record: StoredRecord, partition: int) -> str:
        parts = (self._topic, self._partition, record.offset)
        return self._ids.derive(self._platform, partition=partition, parts=parts)
