"""A log in memory that is watched: submissions before and after they are written, and decisions."""

from collections.abc import Mapping, Sequence

import orjson
import structlog

from gateway.clock import Clock
from gateway.errors import UnknownOutcomeError
from gateway.log.common import SpentOwner
from gateway.log.memory import MemoryLog
from gateway.log.port import Appended, Output
from gateway.mock.decisions import Decisions
from gateway.protocol.record import Record, position_key, skim_submission
from gateway.protocol.submission import Submission
from gateway.protocol.topic import RECEIPTS, SUBMISSIONS
from gateway.relay.partition import ROLE as RELAY


class WatchedLog(MemoryLog):
    """A log of one partition: its decisions have one order."""

    def __init__(self, watch: Decisions, *, clock: Clock) -> None:
        super().__init__(partitions=1, clock=clock)
        self._watch = watch

    async def append(self, topic: str, partition: int, records: Sequence[Record]) -> Appended:
        """As ``MemoryLog.append``; the absences of a snapshot follow its items, in a commit of their own."""
        if topic != SUBMISSIONS:
            return await super().append(topic, partition, records)
        submissions = [skim_submission(record.value or b"") for record in records]
        request = _request()
        _require(await self._watch.appending(request, submissions))
        appended = await super().append(topic, partition, records)
        _require(await self._watch.appended(request, whole=not _of_snapshot(submissions[0])))
        return appended

    async def own(self, role: str, partition: int) -> SpentOwner:
        """As ``MemoryLog.own``."""
        owner = await super().own(role, partition)

        async def commit(outputs: Sequence[Output]) -> Mapping[tuple[str, int], int]:
            request = _request()
            submissions = [skim_submission(one.record.value or b"") for one in outputs if one.topic == SUBMISSIONS]
            applied = position_key(role, partition) in {one.record.key for one in outputs}  # a snapshot's last commit
            if submissions or applied:
                _require(await self._watch.appending(request, submissions))
            if role == RELAY:
                await self._watch.deciding()
            ends = await owner.commit(outputs)
            receipts = [orjson.loads(one.record.value or b"{}") for one in outputs if one.topic == RECEIPTS]
            if receipts:
                self._watch.decided(receipts)
            if applied:
                _require(await self._watch.appended(request, whole=True))
            return ends

        return SpentOwner(commit, owner.end)


def _require(answered: bool) -> None:  # noqa: FBT001  # the answer of a watch
    if not answered:
        raise UnknownOutcomeError("the log did not answer")


def _request() -> str:
    """The id of the request that this task answers, empty for other work."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def _of_snapshot(submission: Submission) -> bool:
    return str(getattr(submission, "upload", None) or "").startswith("s")
