"""Snapshots: a publisher's complete set of offers; what it lacks is withdrawn, under guards against cut exports.

The publisher takes a *mark* before it exports. The mark signs where the ``submissions`` topic then ended, so that an
offer put in between is never taken for absent. Requirements PUB-021 to PUB-028.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
import structlog

from gateway.clock import Clock
from gateway.ports import EventLog, FencedError, LogError, Output, Owner
from gateway.positions import Positions, own_positions
from gateway.protocol.decide import Accepted, Duplicate, decide
from gateway.protocol.identity import partition_of
from gateway.protocol.receipt import ReceiptIds
from gateway.protocol.record import position_key, position_record, skim_submission, submission_record
from gateway.protocol.seal import Seal
from gateway.protocol.shrink import would_shrink
from gateway.protocol.submission import Retire
from gateway.protocol.topic import OFFERS, POSITIONS, SUBMISSIONS
from gateway.protocol.upload_id import snapshot_id
from gateway.submissions import Prepared, Submissions
from gateway.views import OfferView

MARK_LIFE_MS = 24 * 3_600_000
_RETIRE_SLICE = 2_000

_log = structlog.get_logger()


class SnapshotRefusedError(Exception):
    """The snapshot changes nothing; ``code`` names a rule of the catalogue, ``args`` fill its message."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


class SnapshotUpload(Protocol):
    """A spooled, judged upload, as far as a snapshot needs it."""

    @property
    def count(self) -> int:
        """How many lines it has, the last one with the declared count left out."""

    @property
    def declared_count(self) -> int | None:
        """What the last line says; None when there is no such line."""

    def ids(self) -> Iterator[str | None]:
        """The id of every line in order, refused ones included; None where it cannot be read."""

    def slices(self) -> Iterator[Sequence[tuple[int, Prepared]]]:
        """The accepted offers with their indexes in order, in slices that fit in memory."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a mark's text stands for: whose it is, when it was taken (ms), and the ends of ``submissions`` then."""

    platform: str
    taken_at: int
    ends: tuple[int, ...]
    snapshot: str
    """The id of the snapshot that is sent with it (``upload_id``)."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a snapshot did: how many offers it handed in, and the absent ones it withdraws, with their revisions."""

    queued: int
    absent: Sequence[tuple[str, int]]

    @property
    def withdrawn(self) -> int:
        """How many absent offers it withdraws."""
        return len(self.absent)


class Snapshots:
    """Takes marks and applies snapshots; one at a time per platform, the last to begin wins.

    ``patience`` is how many seconds a snapshot waits for what precedes its mark to be decided and visible.
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
        self._patience = patience

    async def mark(self, platform: str) -> tuple[str, int]:
        """A new mark's text and when it ends (ms)."""
        now = self._clock()
        # An old end, told by a broker that slept, withdraws less and reopens less: the next snapshot makes up for it.
        ends = await self._log.ends(SUBMISSIONS)
        return self._seal.close(orjson.dumps([platform, now, ends])), now + MARK_LIFE_MS

    def read(self, text: str, *, platform: str) -> Mark:
        """The mark behind a text. Raises SnapshotRefusedError when it is another's, or over 24 hours old."""
        payload = self._seal.open(text)
        if payload is None:
            raise SnapshotRefusedError("mark-invalid")
        owner, taken_at, ends = orjson.loads(payload)
        if owner != platform or self._clock() - taken_at > MARK_LIFE_MS or len(ends) != self._log.partitions:
            raise SnapshotRefusedError("mark-invalid")
        return Mark(owner, taken_at, tuple(ends), snapshot_id(text))

    async def apply(self, mark: Mark, upload: SnapshotUpload, *, confirm: int | None = None) -> Applied:
        """Publish what is there and withdraw what is not. Raises SnapshotRefusedError when nothing was changed, but for
        ``snapshot-running``: one that is overtaken on its way leaves what it has handed in. Raises LogError when part
        or all of it may have been: the same again, with the same mark, is safe.
        """
        _complete(upload)
        try:
            async with self._turn(mark) as owner:
                with closing(_Present()) as present:
                    await asyncio.to_thread(present.fill, upload.ids())
                    absent = await self._absent(owner, mark, present)
                    await self._guard(mark, upload, len(absent), confirm)
                    await self._begin(owner, mark)
                    queued = await self._queue(upload)
                    await self._withdraw(owner, mark, absent)
        except FencedError:
            raise SnapshotRefusedError("snapshot-running") from None
        _log.info("snapshot.applied", platform=mark.platform, items=upload.count, withdrawn=len(absent))
        return Applied(queued, absent)

    def withdrawal_receipts(self, mark: Mark, applied: Applied) -> Iterator[str]:
        """The receipts of a snapshot's withdrawals, in order."""
        return (self._retirement(mark, offer_id, revision).receipt for offer_id, revision in applied.absent)

    @asynccontextmanager
    async def _turn(self, mark: Mark) -> AsyncIterator[Owner]:
        """This platform's turn: an earlier snapshot that still runs is fenced. Stale are a mark not above the last one
        that was applied, and one below the last that was begun with.
        """
        partition = partition_of(mark.platform, self._log.partitions)
        owner = await self._log.own(_role(mark.platform), partition)
        try:
            kept = await own_positions(self._log, owner, role=_role(mark.platform), partition=partition)
            applied, begun = (
                kept.get(position_key(name(mark.platform), partition).decode(), 0) for name in (_role, _begun)
            )
            if applied >= mark.taken_at or begun > mark.taken_at:
                raise SnapshotRefusedError("stale-mark")
            yield owner
        finally:
            await owner.close()

    async def _absent(self, owner: Owner, mark: Mark, present: "_Present") -> list[tuple[str, int]]:
        """Live offers last accepted before the mark that the upload lacks, read once the view shows that time."""
        if not await self._positions.reached(SUBMISSIONS, mark.ends, timeout=self._patience):
            raise SnapshotRefusedError("snapshot-not-ready")
        offers = [await owner.end(OFFERS, partition) for partition in range(self._log.partitions)]
        if not await self._offers.reached(offers, self._patience):
            raise SnapshotRefusedError("snapshot-not-ready")
        live = self._offers.live_before(mark.platform, mark.ends)
        return [(offer_id, revision) async for offer_id, revision in live if offer_id not in present]

    async def _begin(self, owner: Owner, mark: Mark) -> None:
        """From here on earlier marks are stale; a snapshot that was overtaken stops here, before it has changed
        anything.
        """
        await owner.commit([self._note(_begun(mark.platform), mark)])

    def _note(self, name: str, mark: Mark) -> Output:
        home = partition_of(mark.platform, self._log.partitions)
        return Output(POSITIONS, home, position_record(name, home, mark.taken_at))

    async def _queue(self, upload: SnapshotUpload) -> int:
        queued = 0
        for slice_ in upload.slices():
            for outcome in await self._submissions.submit_records([prepared for _, prepared in slice_]):
                if isinstance(outcome, LogError):
                    raise outcome
                queued += 1
        return queued

    async def _withdraw(self, owner: Owner, mark: Mark, absent: Sequence[tuple[str, int]]) -> None:
        """Hand in the withdrawals, in transactions of this platform's turn; the last of them uses the mark up."""
        outputs: list[Output] = []
        for offer_id, revision in absent:
            command = self._retirement(mark, offer_id, revision)
            if len(outputs) == _RETIRE_SLICE:
                await owner.commit(outputs)
                outputs = []
            outputs.append(
                Output(SUBMISSIONS, partition_of(offer_id, self._log.partitions), submission_record(command))
            )
        await owner.commit([*outputs, self._note(_role(mark.platform), mark)])

    def _retirement(self, mark: Mark, offer_id: str, revision: int) -> Retire:
        partition = partition_of(offer_id, self._log.partitions)
        parts = ("absent", offer_id, revision, mark.taken_at)
        return Retire(
            receipt=self._ids.derive(mark.platform, partition=partition, parts=parts),
            id=offer_id,
            if_revision=revision,
            reason="absent",
            before=mark.ends[partition],
            upload=mark.snapshot,
        )

    async def _guard(self, mark: Mark, upload: SnapshotUpload, absent: int, confirm: int | None) -> None:
        """Withdrawing too many at once, or leaving no live offer, needs the number to be confirmed (PUB-028)."""
        if not absent or confirm == absent:
            return
        live = await self._offers.count(mark.platform)
        empty = upload.count == 0
        if empty or would_shrink(absent, live) or (absent >= live and not await self._publishes(mark, upload)):
            raise SnapshotRefusedError("snapshot-shrinks-too-much", actual=absent, expected=live)

    async def _publishes(self, mark: Mark, upload: SnapshotUpload) -> bool:
        """Whether some accepted item of the upload would be live once it is decided, as far as that is known now: a
        stale one, or one whose revision was used, leaves nothing.
        """
        now = self._clock()
        for slice_ in upload.slices():
            for _, prepared in slice_:
                submission = skim_submission(prepared.record.value or b"")
                state = await self._offers.get(submission.id)
                known = None if state is None else state.known
                decision = decide(submission, publisher=mark.platform, known=known, now=now, position=0)
                if isinstance(decision, Accepted | Duplicate):
                    return True
        return False


def _role(platform: str) -> str:
    """The turn's role, and the name of the position that tells which mark was applied last."""
    return f"snapshot.{platform}"


def _begun(platform: str) -> str:
    """The name of the position that tells the latest mark that was begun with."""
    return f"begun.snapshot.{platform}"


def _complete(upload: SnapshotUpload) -> None:
    """The upload must say how many offers it has, and have them: a cut one changes nothing (PUB-024)."""
    if upload.declared_count is None:
        raise SnapshotRefusedError("snapshot-count-missing")
    if upload.declared_count != upload.count:
        raise SnapshotRefusedError("snapshot-count-wrong", expected=upload.declared_count, actual=upload.count)


class _Present:
    """The set of ids in an upload, in a private temporary database: a million of them cost no memory."""

    def __init__(self) -> None:
        # The empty name is a temporary file that SQLite spills to and deletes by itself.
        self._db = sqlite3.connect("", check_same_thread=False)
        self._db.execute("CREATE TABLE present (id TEXT PRIMARY KEY) WITHOUT ROWID")

    def fill(self, ids: Iterator[str | None]) -> None:
        """Take every id; refuses an unreadable one and one that stands twice (PUB-025, PUB-026)."""
        for index, offer_id in enumerate(ids):
            if offer_id is None:
                raise SnapshotRefusedError("snapshot-unreadable-id", pointer=f"/{index}")
            try:
                self._db.execute("INSERT INTO present VALUES (?)", (offer_id,))
            except sqlite3.IntegrityError:
                raise SnapshotRefusedError("snapshot-duplicate-id", pointer=f"/{index}", actual=offer_id) from None

    def __contains__(self, offer_id: str) -> bool:
        return self._db.execute("SELECT 1 FROM present WHERE id = ?", (offer_id,)).fetchone() is not None

    def close(self) -> None:
        """Free the set."""
        self._db.close()
