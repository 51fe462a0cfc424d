"""Snapshots: a publisher's complete set of offers; absent offers are withdrawn, under guards against cut exports.

The publisher takes a *mark* before it exports. The mark signs the end of the ``submissions`` topic at that instant, so
that an offer put in between never counts as absent. Requirements PUB-021 to PUB-028.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, closing, nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import orjson
import structlog

from gateway.clock import Clock
from gateway.errors import CodedError, FencedError, LogError
from gateway.ingest.submissions import Prepared, Submissions
from gateway.log.owner_loop import own_positions
from gateway.log.port import EventLog, Output, Owner
from gateway.log.positions import Positions, read_positions
from gateway.protocol.decide import Accepted, Duplicate, decide
from gateway.protocol.identity import partition_of, snapshot_id
from gateway.protocol.record import position_key, position_record, skim_submission, submission_record
from gateway.protocol.seal import INTEGERS, ReceiptIds, Seal, sealed_members
from gateway.protocol.submission import Retire
from gateway.protocol.topic import OFFERS, POSITIONS, SUBMISSIONS
from gateway.protocol.withdrawal_guard import needs_confirmation
from gateway.runtime.id_set import IdSet
from gateway.runtime.loop import in_thread
from gateway.store import OfferView

MARK_LIFE_MS = 24 * 3_600_000
"""Lifetime of a mark, by the clock, from the instant of its issue."""
_RETIRE_SLICE = 2_000
_IDS_AT_ONCE = 1_000
_REST_SECONDS = 0.001
"""The rest between slices of a thousand ids: a computing thread delays the event loop."""

_log = structlog.get_logger()


class SnapshotRefusedError(CodedError):
    """The snapshot changes nothing."""


class SnapshotUpload(Protocol):
    """The part of a spooled, judged upload that a snapshot uses."""

    @property
    def count(self) -> int:
        """The number of lines, without the last one with the declared count."""

    @property
    def declared_count(self) -> int | None:
        """The count on the last line; None when there is no such line."""

    def ids(self) -> Iterator[str | None]:
        """The id of every line in order, refused ones included; None where it cannot be read. Read in a thread."""

    def slices(self) -> Iterator[Sequence[tuple[int, Prepared]]]:
        """The accepted offers with their indexes in order, in slices that fit in memory. Read in a thread, each slice
        after the one before is on the log. Raises LogError when no more may be submitted.
        """


@dataclass(frozen=True, slots=True)
class Mark:
    """The content of a mark's text: its platform, its number, and the ends of ``submissions`` when it was issued.

    Numbers order the marks of a platform. The number is the issue instant (ms), or one above the last number where the
    clock has gone back since.
    """

    platform: str
    number: int
    ends: tuple[int, ...]
    snapshot: str
    """The id of the snapshot that is sent with it (``upload_id``)."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The effect of a snapshot: how many offers it submitted, and the absent ones that it withdraws, with revisions."""

    queued: int
    absent: Sequence[tuple[str, int]]

    @property
    def withdrawn(self) -> int:
        """The number of absent offers that it withdraws."""
        return len(self.absent)


class Snapshots:
    """Issues marks and applies snapshots; one at a time per platform, the last to begin wins.

    ``patience`` is how many seconds a snapshot waits until all submissions before its mark are decided and visible.
    """

    def __init__(
        self,
        log: EventLog,
        *,
        submissions: Submissions,
        offers: OfferView,
        positions: Positions,
        ids: ReceiptIds,
        seal: Seal,
        clock: Clock,
        patience: float = 60.0,
    ) -> None:
        self._log = log
        self._submissions = submissions
        self._offers = offers
        self._positions = positions
        self._ids = ids
        self._seal = seal
        self._clock = clock
        self._wait_seconds = patience
        self._issued: dict[str, int] = {}

    async def mark(self, platform: str) -> tuple[str, int]:
        """Issue a mark. Returns its text and when it expires (ms). Raises LogError."""
        now = self._clock()
        # A stale end, from a broker that was paused, withdraws less and reopens less: the next snapshot corrects it.
        ends = await self._log.ends(SUBMISSIONS)
        number = await self._next_number(platform, now)
        # Where number and instant differ, the instant follows the ends. A gateway that reads numbers only then refuses
        # the mark (mark-invalid), and reads all other marks as its own.
        payload = [platform, number, ends if number == now else [*ends, now]]
        return self._seal.close(orjson.dumps(payload)), now + MARK_LIFE_MS

    async def _next_number(self, platform: str, now: int) -> int:
        """A number above all earlier ones of the platform, independent of the clock; it is written to the log first."""
        home = partition_of(platform, self._log.partitions)
        positions = self._positions.state if self._positions.caught_up else await read_positions(self._log, home)
        names = (_role(platform), begun_name(platform), _marked(platform))
        known = [positions.get(position_key(name, home).decode(), 0) for name in names]
        number = max(now, self._issued.get(platform, 0) + 1, max(known) + 1)
        self._issued[platform] = number
        await self._log.append(POSITIONS, home, [position_record(_marked(platform), home, number)])
        return number

    def read(self, text: str, *, platform: str) -> Mark:
        """Read the text of a mark. Raises SnapshotRefusedError when it is another platform's, or over 24 hours old."""
        payload = self._seal.open(text)
        members = None if payload is None else sealed_members(payload, str, int, INTEGERS)
        if members is None:
            raise SnapshotRefusedError("mark-invalid")
        owner, number, ends = members
        issued_at = number
        if len(ends) == self._log.partitions + 1:
            *ends, issued_at = ends
        # The clock of the issuer may have been ahead: an instant in the future is no reason to refuse. How long such a
        # mark lives is bounded by the log, see ``_require_retained``.
        if owner != platform or self._clock() - issued_at > MARK_LIFE_MS or len(ends) != self._log.partitions:
            raise SnapshotRefusedError("mark-invalid")
        return Mark(owner, number, tuple(ends), snapshot_id(text))

    async def apply(
        self,
        mark: Mark,
        upload: SnapshotUpload,
        *,
        confirm: int | None = None,
        resumed: bool = False,
        abandonable: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> Applied:
        """Publish the offers of the upload and withdraw the absent ones.

        Raises SnapshotRefusedError when nothing was changed, except for ``snapshot-running``: a snapshot that is
        overtaken during its work leaves the part already submitted. Raises LogError when part or all of it may have
        been applied: repeating it with the same mark is safe.

        ``abandonable`` is entered while nothing has been changed yet, and may end the work there. ``resumed``: the same
        upload was begun with this mark before, and its answer was lost; where it was applied, it is applied again,
        which changes nothing.
        """
        _complete(upload)
        try:
            async with self._ownership(mark, resumed=resumed) as owner:
                with closing(IdSet()) as present:
                    with abandonable():
                        await _read_ids(upload.ids(), present)
                        absent = await self._absent(owner, mark, present)
                    await self._guard(mark, upload, len(absent), confirm)
                    await self._begin(owner, mark)
                    queued = await self._queue(upload, mark.platform)
                    await self._withdraw(owner, mark, absent)
        except FencedError:
            raise SnapshotRefusedError("snapshot-running") from None
        _log.info("snapshot.applied", platform=mark.platform, items=upload.count, withdrawn=len(absent))
        return Applied(queued, absent)

    def withdrawal_receipts(self, mark: Mark, applied: Applied) -> Iterator[str]:
        """The receipt ids of a snapshot's withdrawals, in order."""
        return (self._retirement(mark, offer_id, revision).receipt for offer_id, revision in applied.absent)

    @asynccontextmanager
    async def _ownership(self, mark: Mark, *, resumed: bool) -> AsyncIterator[Owner]:
        """Own the snapshots of the platform: an earlier snapshot that still runs is fenced. Stale are a mark not above
        the last one applied (below it, where ``resumed``), and a mark below the last one begun.
        """
        await self._require_retained(mark)
        partition = partition_of(mark.platform, self._log.partitions)
        owner = await self._log.own(_role(mark.platform), partition)
        try:
            kept = await own_positions(self._log, owner, role=_role(mark.platform), partition=partition)
            applied, begun = (
                kept.get(position_key(name(mark.platform), partition).decode(), 0) for name in (_role, begun_name)
            )
            used = applied > mark.number if resumed else applied >= mark.number
            if used or begun > mark.number:
                raise SnapshotRefusedError("stale-mark")
            yield owner
        finally:
            await owner.close()

    async def _require_retained(self, mark: Mark) -> None:
        """Refuse a mark that retention has overtaken, independent of its clock: records after it are deleted."""
        starts = await self._log.starts(SUBMISSIONS)
        if any(end < start for end, start in zip(mark.ends, starts, strict=True)):
            raise SnapshotRefusedError("mark-invalid")

    async def _absent(self, owner: Owner, mark: Mark, present: IdSet) -> list[tuple[str, int]]:
        """Live offers last accepted before the mark and absent from the upload, read once the view has reached it."""
        if not await self._positions.reached(SUBMISSIONS, mark.ends, timeout=self._wait_seconds):
            raise SnapshotRefusedError("snapshot-not-ready")
        offers = [await owner.end(OFFERS, partition) for partition in range(self._log.partitions)]
        if not await self._offers.reached(offers, self._wait_seconds):
            raise SnapshotRefusedError("snapshot-not-ready")
        absent: list[tuple[str, int]] = []
        page: list[tuple[str, int]] = []
        async for one in self._offers.live_before(mark.platform, mark.ends):
            page.append(one)
            if len(page) == _IDS_AT_ONCE:
                absent += await asyncio.to_thread(_missing_from, present, page)
                page = []
        return absent + await asyncio.to_thread(_missing_from, present, page)

    async def _begin(self, owner: Owner, mark: Mark) -> None:
        """Make earlier marks stale. A snapshot that was overtaken stops here, before it has changed anything."""
        await owner.commit([self._note(begun_name(mark.platform), mark)])

    def _note(self, name: str, mark: Mark) -> Output:
        home = partition_of(mark.platform, self._log.partitions)
        return Output(POSITIONS, home, position_record(name, home, mark.number))

    async def _queue(self, upload: SnapshotUpload, publisher: str) -> int:
        queued = 0
        slices = upload.slices()
        while (slice_ := await in_thread(lambda: next(slices, None))) is not None:
            records = [prepared for _, prepared in slice_]
            for outcome in await self._submissions.submit_records(records, publisher=publisher):
                if isinstance(outcome, LogError):
                    raise outcome
                queued += 1
        return queued

    async def _withdraw(self, owner: Owner, mark: Mark, absent: Sequence[tuple[str, int]]) -> None:
        """Submit the withdrawals in transactions of the owner; the last one records the mark as applied."""
        outputs: list[Output] = []
        for offer_id, revision in absent:
            command = self._retirement(mark, offer_id, revision)
            if len(outputs) == _RETIRE_SLICE:
                await self._submissions.commit(owner, outputs, publisher=mark.platform)
                outputs = []
            outputs.append(
                Output(SUBMISSIONS, partition_of(offer_id, self._log.partitions), submission_record(command))
            )
        outputs.append(self._note(_role(mark.platform), mark))
        await self._submissions.commit(owner, outputs, publisher=mark.platform)

    def _retirement(self, mark: Mark, offer_id: str, revision: int) -> Retire:
        partition = partition_of(offer_id, self._log.partitions)
        parts = ("absent", offer_id, revision, mark.number)
        return Retire(
            receipt=self._ids.derive(mark.platform, partition=partition, parts=parts),
            id=offer_id,
            if_revision=revision,
            reason="absent",
            before=mark.ends[partition],
            upload=mark.snapshot,
        )

    async def _guard(self, mark: Mark, upload: SnapshotUpload, absent: int, confirm: int | None) -> None:
        """Require the number to be confirmed where too many, or all, live offers would be withdrawn (PUB-028)."""
        if not absent or confirm == absent:
            return
        live = await self._offers.count(mark.platform)
        empty = upload.count == 0
        if empty or needs_confirmation(absent, live) or (absent >= live and not await self._publishes(mark, upload)):
            raise SnapshotRefusedError("snapshot-shrinks-too-much", actual=absent, expected=live)

    async def _publishes(self, mark: Mark, upload: SnapshotUpload) -> bool:
        """Whether some accepted item of the upload would be live once it is decided, as far as the view has it: a stale
        item, or one whose revision was used, would not.
        """
        now = self._clock()
        slices = upload.slices()
        while (slice_ := await in_thread(lambda: next(slices, None))) is not None:
            for _, prepared in slice_:
                submission = skim_submission(prepared.record.value or b"")
                state = await self._offers.get(submission.id)
                known = None if state is None else state.known
                decision = decide(submission, publisher=mark.platform, known=known, now=now, position=0)
                if isinstance(decision, Accepted | Duplicate):
                    return True
        return False


def _role(platform: str) -> str:
    """The role that owns the platform's snapshots, and the name of the position with the last mark applied."""
    return f"snapshot.{platform}"


def begun_name(platform: str) -> str:
    """The name of the position that holds the latest mark begun."""
    return f"begun.snapshot.{platform}"


def _marked(platform: str) -> str:
    """The name of the position that holds the number of the latest mark issued."""
    return f"marked.snapshot.{platform}"


def _complete(upload: SnapshotUpload) -> None:
    """Require a declared count that equals the number of offers: a cut upload changes nothing (PUB-024)."""
    if upload.declared_count is None:
        raise SnapshotRefusedError("snapshot-count-missing")
    if upload.declared_count != upload.count:
        raise SnapshotRefusedError("snapshot-count-wrong", expected=upload.declared_count, actual=upload.count)


async def _read_ids(ids: Iterator[str | None], present: IdSet) -> None:
    """Add every id of an upload, a thousand at a time in a thread; refuse an unreadable id and a repeated one (PUB-025,
    PUB-026).
    """
    numbered = enumerate(ids)
    while await in_thread(lambda: _add(islice(numbered, _IDS_AT_ONCE), present)):  # noqa: ASYNC110  # a rest, no wait
        await asyncio.sleep(_REST_SECONDS)


def _add(numbered: Iterator[tuple[int, str | None]], present: IdSet) -> bool:
    """Add ids to the set. Returns whether there were any."""
    index = -1
    for index, offer_id in numbered:
        if offer_id is None:
            raise SnapshotRefusedError("snapshot-unreadable-id", pointer=f"/{index}")
        if not present.add(offer_id):
            raise SnapshotRefusedError("snapshot-duplicate-id", pointer=f"/{index}", actual=offer_id)
    return index >= 0


def _missing_from(present: IdSet, offers: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """The offers whose id is not in the set."""
    return [one for one in offers if one[0] not in present]
