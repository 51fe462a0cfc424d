"""An upload, received whole and judged: the result of each item, the queuing of the accepted ones, and its pace.

All work on an upload is done in slices, so that other requests run in between.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Protocol, TypeVar

from gateway.errors import LogError, QueuingStoppedError, UnknownOutcomeError
from gateway.ingest.refusals import UploadRefusals
from gateway.ingest.submissions import Prepared, Submissions
from gateway.ingest.upload.spool import Spool
from gateway.runtime.loop import in_thread
from gateway.runtime.processor import SLICE_SECONDS

_SLICE = 2_000

Result = TypeVar("Result")


class SlicedWork(Protocol):
    """Work in slices of a few milliseconds."""

    @property
    def ready(self) -> bool:
        """Whether the present slice has time left."""

    @property
    def spent(self) -> float:
        """The processor time used so far, in seconds."""

    @property
    def stopping(self) -> bool:
        """Whether the process stops: then nothing further is queued."""

    async def next(self) -> None:
        """Wait for the next slice."""

    async def in_thread(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Run a short piece of work in a thread."""


class OwnPace:
    """Slices for work that belongs to no request, such as a pulled source."""

    def __init__(self) -> None:
        self._began: float | None = None
        self.spent = 0.0

    @property
    def ready(self) -> bool:
        """Whether the present slice has time left."""
        return self._began is not None and time.perf_counter() - self._began < SLICE_SECONDS

    @property
    def stopping(self) -> bool:
        """Always False: the stop is not known here."""
        return False

    async def next(self) -> None:
        """Yield to the event loop once."""
        await asyncio.sleep(0)
        self._began = time.perf_counter()

    async def in_thread(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Run a short piece of work in a thread."""
        return await in_thread(lambda: work(*arguments))


@dataclass(frozen=True, slots=True)
class ItemCounts:
    """The counts of an upload's items: by rule that refuses and by rule that warns, and the refused ones."""

    rules: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    refusals: UploadRefusals = field(default_factory=UploadRefusals)


class Upload:
    """``count`` items, ``refused`` of them; ``digest`` (hex) covers the inflated content. Close it after use.

    ``accepted`` has a byte per item, 1 for an accepted one. The problems of the first ``explained`` refused items are
    in ``results``. ``rules`` counts the items that each rule refuses by its code, ``warnings`` those that it warns of;
    ``refusals`` are the refused items by department and rules.
    """

    def __init__(
        self,
        spool: Spool,
        pace: SlicedWork,
        *,
        accepted: bytearray,
        explained: int,
        counts: ItemCounts,
        digest: str,
        declared_count: int | None,
    ) -> None:
        self._spool = spool
        self.pace = pace
        """The pace of all work on this upload."""
        self.accepted = accepted
        self.count = len(accepted)
        self.refused = accepted.count(0)
        self.explained = explained
        self.rules = counts.rules
        self.warnings = counts.warnings
        self.refusals = counts.refusals
        self.digest = digest
        self.declared_count = declared_count

    def results(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Of every item in order the JSON object of its id and problems (in both languages), and the receipt that an
        accepted one has or would have. To be read in a thread.
        """
        return self._spool.results()

    def ids(self) -> Iterator[str | None]:
        """The id of every item in order, refused ones included; None where it could not be read. To be read in a
        thread.
        """
        return self._spool.ids()

    def slices(self) -> Iterator[list[tuple[int, Prepared]]]:
        """The accepted items with their indexes, about 2,000 at a time. To be read in a thread; the next slice is read
        when the one before is on the log. Raises QueuingStoppedError when the process stops.
        """
        queued = 0
        for slice_ in self._spool.prepared(at_once=_SLICE):
            if self.pace.stopping:
                raise QueuingStoppedError(queued)
            yield slice_
            queued += len(slice_)

    def close(self) -> None:
        """Free the spool."""
        self._spool.close()


class AppendStatus(IntEnum):
    """Whether an accepted item is on the log."""

    NOT_QUEUED = 0
    QUEUED = 1
    UNKNOWN = 2


@dataclass(slots=True)
class Queuing:
    """A byte per item (its ``AppendStatus``), the number certainly queued, and the error that ended it."""

    statuses: bytearray
    queued: int = 0
    failure: LogError | None = None


async def queue_upload(upload: Upload, submissions: Submissions, *, publisher: str) -> Queuing:
    """Append every accepted item of a publisher in order. Stops at the first error, which ``failure`` then holds."""
    queuing = Queuing(bytearray(upload.count))
    slices = upload.slices()
    while True:
        try:
            slice_ = await upload.pace.in_thread(next, slices, None)
        except LogError as error:
            queuing.failure = error
            break
        if slice_ is None:
            break
        outcomes = await submissions.submit_records([prepared for _, prepared in slice_], publisher=publisher)
        for (index, _), outcome in zip(slice_, outcomes, strict=True):
            if isinstance(outcome, LogError):
                queuing.failure = outcome
                unknown = isinstance(outcome, UnknownOutcomeError)
                queuing.statuses[index] = AppendStatus.UNKNOWN if unknown else AppendStatus.NOT_QUEUED
            else:
                queuing.statuses[index] = AppendStatus.QUEUED
                queuing.queued += 1
        if queuing.failure is not None:
            break
    return queuing
