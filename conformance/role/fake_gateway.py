"""Fake gateway for a publisher: the mock, with a journal of all submissions and faults on demand."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.model.result import Exchange
from conformance.role.host import CLOSED, PartnerHost, ReceivedRequest, Refused, SentAnswer, ignored
from conformance.role.journal import SendOutcome, SentSubmission, SubmissionJournal
from conformance.role.traffic import Request
from conformance.target.setup import TargetAccount

_ABSENT = "absent"


@dataclass(slots=True)
class _Answering:
    """A request that is being answered: when it came, and the fault that it meets."""

    at: float
    fault: Mapping[str, Any] | None = None

    @property
    def wait(self) -> float:
        """The Retry-After of the fault."""
        return 0.0 if self.fault is None or self.fault["fault"] == "slow" else float(self.fault.get("seconds", 0))


class FakeGateway(PartnerHost):
    """Answers the journal's platform. ``faults`` apply to the next publications, in order."""

    def __init__(
        self,
        account: TargetAccount,
        exchanges: list[Exchange],
        journal: SubmissionJournal,
        *,
        refused: Refused = ignored,
    ) -> None:
        super().__init__(account, exchanges, refused=refused)
        self.faults: deque[Mapping[str, Any]] = deque()
        self._submissions = journal
        self._now: dict[str, _Answering] = {}
        self._began: float | None = None

    async def watched(self, seconds: float) -> None:
        """Wait until ``seconds`` have passed since the first call."""
        now = asyncio.get_running_loop().time()
        self._began = self._began or now
        await asyncio.sleep(max(0.0, self._began + seconds - now))

    async def answer_as_gateway(self, received: ReceivedRequest, request: Request) -> SentAnswer:
        """The gateway's answer, or that of the fault that its submissions meet; with ``stored`` the request takes
        effect all the same.
        """
        now = self._now[received.id] = _Answering(asyncio.get_running_loop().time())
        try:
            answered = await self.forward(received)
        finally:
            del self._now[received.id]
        if now.fault is None:
            self._note_refused(request, answered, now.at)
            return answered
        kind, seconds = now.fault["fault"], float(now.fault.get("seconds", 0))
        if kind == "slow":
            await asyncio.sleep(seconds)
        return await self.fault(kind, received, seconds=seconds) or CLOSED

    async def appending(self, request: str, submissions: Sequence[Any]) -> bool:
        """Let the request meet the next fault, before anything of it is stored."""
        now = self._now.get(request)
        if now is not None and now.fault is None and self.faults:
            now.fault = self.faults.popleft()
        if now is None or now.fault is None or now.fault.get("stored", False):
            return await super().appending(request, submissions)
        for each in submissions:
            self._note(each, "unknown", now)
        return False

    async def appended(self, request: str, *, whole: bool) -> bool:
        """Hide that a request was stored, once all of it is."""
        now = self._now.get(request)
        return now is None or now.fault is None or not whole

    def decided_one(self, request: str, submission: Any, receipt: Mapping[str, Any]) -> None:
        """Note a decision; its outcome is ``lost`` where a fault takes the place of the answer."""
        outcome, reason = receipt["verdict"], _reason_of(submission)
        if outcome == "accepted":
            self._submissions.states[submission.id] = (receipt["revision"], reason is None)
        now = self._now.get(request)
        if now is None or (not hasattr(submission, "publisher") and (reason, outcome) != (_ABSENT, "accepted")):
            return
        lost = now.fault is not None and reason != _ABSENT
        self._note(submission, "lost" if lost else outcome, now)

    def _note(self, submission: Any, outcome: SendOutcome, now: _Answering) -> None:
        reason = _reason_of(submission)
        self._submissions.note(
            SentSubmission(
                id=submission.id,
                revision=getattr(submission, "revision", 0) or submission.if_revision,
                outcome=outcome,
                at=now.at,
                content=submission.digest if reason is None else "",
                reason=reason,
                wait=now.wait if outcome in {"unknown", "lost"} else 0.0,
            )
        )

    def _note_refused(self, request: Request, answered: SentAnswer, at: float) -> None:
        """Note the refused submissions of a request."""
        if not request.submits:
            return
        document = answered.document
        refused = [(each["index"], each) for each in document.get("results", ()) if each["status"] == "refused"]
        if request.method in {"PUT", "DELETE"} and answered.status in _REFUSING:
            refused = [(0, document)]
        for index, each in refused:
            item = request.items[index] if index < len(request.items) else None
            errors = [problem["code"] for problem in each.get("problems", ()) if problem["severity"] == "error"]
            own = [] if answered.status == _FORBIDDEN else errors or [str(document.get("code", "?"))]
            sent = ("?", 0) if item is None else (item.id, item.revision)
            self._submissions.note(
                SentSubmission(id=sent[0], revision=sent[1], outcome="refused", at=at, problems=tuple(own))
            )


_FORBIDDEN = 403
_REFUSING = frozenset({_FORBIDDEN, 422})


def _reason_of(submission: Any) -> str | None:
    """The reason of a withdrawal; None of a publication."""
    return getattr(submission, "reason", None)
