"""Submissions: the one input of the relay. Mints receipts, appends to the ``submissions`` topic, reports outcomes."""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import schemas
from gateway.clock import Clock
from gateway.errors import LogError
from gateway.ingest.backlog import SHARE, Backlog
from gateway.log.port import EventLog, Output, Owner
from gateway.protocol.digest import content_digest
from gateway.protocol.identity import partition_of
from gateway.protocol.receipt import ReceiptVersions
from gateway.protocol.record import Record, submission_record
from gateway.protocol.seal import ReceiptIds
from gateway.protocol.submission import Publish, Submission, Withdraw
from gateway.protocol.topic import SUBMISSIONS
from gateway.protocol.value import value
from gateway.protocol.visibility import audiences, provenance_of
from schemas import Verdict

VERSIONS = ReceiptVersions.of(schemas.RELEASE)
"""The versions under which this gateway gives receipts."""

_NONCE = 8
_DRAWN = 512
_SLICE_RECORDS = 500
_SLICE_BYTES = 256 * 1024


@value(frozen=True, slots=True)
class Queued:
    """A submission that is durable on the log, with the id of the receipt to come."""

    receipt: str


@value(frozen=True, slots=True)
class Prepared:
    """A submission as a record of ``submissions``, and its receipt; an upload spools these."""

    receipt: str
    record: Record


Outcome: TypeAlias = Queued | LogError
"""Queued, or the error of the append; ``gateway.log.port`` defines which errors mean *certainly not written*."""


def _nonces() -> Iterator[bytes]:
    """Random bytes for one receipt each, drawn many at a time: a system call costs more than everything else."""
    while True:
        drawn = os.urandom(_NONCE * _DRAWN)
        yield from (drawn[start : start + _NONCE] for start in range(0, len(drawn), _NONCE))


def command(
    verdict: Verdict,
    *,
    receipt: str,
    publisher: str,
    hosts: Mapping[str, str],
    mark: int | None = None,
    traceparent: str | None = None,
    upload: str | None = None,
) -> Publish | Withdraw:
    """The command of an accepted verdict. Raises ValueError for any other verdict: that is a fault of the caller."""
    offer_id, revision, document = verdict.id, verdict.revision, verdict.document
    if not verdict.accepted or offer_id is None or revision is None or document is None:
        raise ValueError("only an accepted verdict can be submitted")
    if verdict.withdrawal is not None:
        return Withdraw(
            receipt=receipt,
            publisher=publisher,
            id=offer_id,
            revision=revision,
            reason=verdict.withdrawal,
            digest=content_digest(document),
            traceparent=traceparent,
            upload=upload,
        )
    if verdict.offer is None or verdict.territory is None or verdict.expires_on is None:
        raise ValueError("an accepted offer comes with its territory and its last day")
    return Publish(
        receipt=receipt,
        publisher=publisher,
        id=offer_id,
        revision=revision,
        digest=content_digest(document),
        offer=verdict.offer,
        audiences=tuple(sorted(audiences(verdict.offer))),
        territory=verdict.territory,
        expires_on=verdict.expires_on,
        problems=tuple(problem.to_json() for problem in verdict.problems),
        provenance=provenance_of(verdict.offer, publisher=publisher, hosts=hosts),
        mark=mark,
        traceparent=traceparent,
        upload=upload,
        release=schemas.RELEASE,
    )


class Submissions:
    """Passes accepted verdicts and the gateway's own commands to the relay, through the log."""

    def __init__(
        self,
        log: EventLog,
        *,
        ids: ReceiptIds,
        clock: Clock,
        upload: str | None = None,
        backlog: Backlog | None = None,
    ) -> None:
        self._log = log
        self._ids = ids
        self._clock = clock
        self._nonces = _nonces()
        self._upload = upload
        self._backlog = backlog

    def of_upload(self, upload: str) -> "Submissions":
        """The same for the items of one batch or snapshot: their receipts carry its id (``upload_id``)."""
        return Submissions(self._log, ids=self._ids, clock=self._clock, upload=upload, backlog=self._backlog)

    def prepare(
        self,
        verdict: Verdict,
        *,
        publisher: str,
        hosts: Mapping[str, str],
        marks: Sequence[int] | None = None,
        traceparent: str | None = None,
    ) -> Publish | Withdraw:
        """The command for an accepted verdict, with a new receipt. ``hosts`` maps the hosts of known platforms to their
        slugs; ``marks`` is the vector of a snapshot's mark, for its items only.
        """
        partition = partition_of(verdict.id or "", self._log.partitions)
        return command(
            verdict,
            receipt=self._ids.mint(publisher, partition=partition, now=self._clock(), nonce=next(self._nonces)),
            publisher=publisher,
            hosts=hosts,
            mark=None if marks is None else marks[partition],
            traceparent=traceparent,
            upload=self._upload,
        )

    async def submit(self, submissions: Sequence[Submission]) -> Sequence[Outcome]:
        """Append durably; one outcome per submission, in their order. Order per offer is kept. All are of one publisher
        or of the gateway.
        """
        first = submissions[0] if submissions else None
        publisher = first.publisher if isinstance(first, Publish | Withdraw) else None
        prepared = [Prepared(one.receipt, submission_record(one)) for one in submissions]
        return await self.submit_records(prepared, publisher=publisher)

    def full(self, publisher: str, partition: int) -> bool:
        """Whether a platform has its share of undecided submissions on a partition, and others submit."""
        return self._backlog is not None and self._backlog.full(publisher, partition)

    async def submit_records(self, prepared: Sequence[Prepared], *, publisher: str | None = None) -> Sequence[Outcome]:
        """As ``submit``, for submissions already written as records. Those of a ``publisher`` wait for their turn while
        other platforms submit (``Backlog``).
        """
        lanes: dict[int, list[int]] = {}
        for index, one in enumerate(prepared):
            lanes.setdefault(partition_of((one.record.key or b"").decode(), self._log.partitions), []).append(index)
        outcomes: list[Outcome] = [Queued(one.receipt) for one in prepared]
        appends = [self._append(partition, lane, prepared, outcomes, publisher) for partition, lane in lanes.items()]
        if len(appends) == 1:  # a single offer needs no task of its own
            await appends[0]
        else:
            await asyncio.gather(*appends)
        return outcomes

    async def commit(self, owner: Owner, outputs: Sequence[Output], *, publisher: str) -> None:
        """Commit outputs of an owner; the submissions among them wait as those of ``submit_records``. Raises as
        ``Owner.commit``.
        """
        if self._backlog is None:
            await owner.commit(outputs)
        else:
            await self._backlog.commit(owner, publisher, outputs)

    async def _append(
        self,
        partition: int,
        lane: Sequence[int],
        prepared: Sequence[Prepared],
        outcomes: list[Outcome],
        publisher: str | None,
    ) -> None:
        """Append one partition's records, slice by slice; after a failed slice the rest is not tried, to keep order."""
        failure: LogError | None = None
        for indexes, records in _slices(lane, prepared, most=lambda: self._slice_records(publisher)):
            if failure is None:
                try:
                    await self._append_slice(partition, records, publisher)
                    continue
                except LogError as error:
                    failure = error
            for index in indexes:
                outcomes[index] = failure
                # a later slice was certainly not written; resending it is as safe, so that all get one error

    async def _append_slice(self, partition: int, records: Sequence[Record], publisher: str | None) -> None:
        if self._backlog is None or publisher is None:
            await self._log.append(SUBMISSIONS, partition, records)
            return
        await self._backlog.enter(publisher, partition, len(records))
        try:
            appended = await self._log.append(SUBMISSIONS, partition, records)
        except BaseException:
            self._backlog.leave(publisher, partition, len(records))
            raise
        self._backlog.append(publisher, partition, len(records), end=appended.last + 1)

    def _slice_records(self, publisher: str | None) -> int:
        contested = self._backlog is not None and publisher is not None and self._backlog.contested(publisher)
        return SHARE if contested else _SLICE_RECORDS


def _slices(
    lane: Sequence[int], prepared: Sequence[Prepared], *, most: Callable[[], int]
) -> Iterator[tuple[list[int], list[Record]]]:
    """The records of a partition in slices for one append: at most ``most`` and 256 KiB, but at least one record."""
    indexes: list[int] = []
    records: list[Record] = []
    size, bound = 0, most()
    for index in lane:
        record = prepared[index].record
        length = len(record.value or b"")
        if records and (len(records) >= bound or size + length > _SLICE_BYTES):
            yield indexes, records
            indexes, records, size, bound = [], [], 0, most()
        indexes.append(index)
        records.append(record)
        size += length
    if records:
        yield indexes, records
