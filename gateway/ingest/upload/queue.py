"""Queuing of a judged upload: its accepted items are appended slice by slice, with a status for each."""

from dataclasses import dataclass
from enum import IntEnum

from gateway.errors import LogError, UnknownOutcomeError
from gateway.ingest.submissions import Submissions
from gateway.ingest.upload.upload import Upload


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


async def queue_upload(upload: Upload, submissions: Submissions) -> Queuing:
    """Append every accepted item in order. Stops at the first error, which ``failure`` then holds."""
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
        outcomes = await submissions.submit_records([prepared for _, prepared in slice_])
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
