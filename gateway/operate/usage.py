"""The optional features that a platform was seen to use here, read from the newest submissions (CER-004)."""

from collections.abc import Iterator
from contextlib import suppress

from gateway.log.port import EventLog
from gateway.log.reading import read_all
from gateway.protocol.identity import platform_of
from gateway.protocol.record import skim_submission
from gateway.protocol.submission import Publish, Retire, Submission, Withdraw
from gateway.protocol.topic import SUBMISSIONS

_PAGE = 1_000
_MAX_OFFSETS = 1_000_000


async def used_features(log: EventLog, platform: str) -> frozenset[str]:
    """The features, as the conformance kit names them, among the retained submissions of a platform; of a long log only
    the newest million offsets are read.
    """
    ends = dict(enumerate(await log.ends(SUBMISSIONS)))
    most = _MAX_OFFSETS // len(ends)
    starts = {
        partition: max(start, ends[partition] - most) for partition, start in enumerate(await log.starts(SUBMISSIONS))
    }
    found: set[str] = set()
    async with read_all(log, SUBMISSIONS, limit=_PAGE, starts=starts, ends=ends) as chunks:
        async for chunk in chunks:
            for record in chunk.records:
                if record.value is not None:
                    with suppress(ValueError):  # of a later version
                        found.update(features_of_submission(skim_submission(record.value), platform))
    return frozenset(found)


def features_of_submission(submission: Submission, platform: str) -> Iterator[str]:
    """The features that one submission of this platform shows."""
    match submission:
        case Publish(publisher=publisher) if publisher == platform:
            if submission.mark is not None:
                yield "snapshots"
            elif submission.upload is not None:
                yield "batch"
        case Withdraw(publisher=publisher) if publisher == platform:
            yield "withdrawals"
            if submission.upload is not None:
                yield "batch"
        case Retire(reason="absent") if platform_of(submission.id) == platform:
            yield "snapshots"
