"""Fake gateway for a publisher: the stand-in, with a journal of all submissions and faults on demand."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from conformance import clock
from conformance.role.host import HostAnswer, PartnerRequest, fault_answer
from conformance.role.journal import SendOutcome, SentSubmission, SubmissionJournal
from conformance.standin.gateway import StandIn
from conformance.standin.offers import Outcome, Submission
from conformance.standin.publishing import Effect
from conformance.standin.tokens import Client


class FakeGateway:
    """Answers the journal's platform. ``faults`` apply to the next publications, in order; ``expire`` invalidates the
    issued tokens.
    """

    def __init__(self, journal: SubmissionJournal, *, day: Callable[[], date], expire: Callable[[], None]) -> None:
        self._observer = Observer(journal, expire)
        clients = (Client(platform=journal.platform),)
        self._gateway = StandIn(clients, day=day, now=clock.milliseconds, observer=self._observer)
        self._began: float | None = None

    @property
    def faults(self) -> deque[Mapping[str, Any]]:
        """The faults to come."""
        return self._observer.faults

    async def watched(self, seconds: float) -> None:
        """Wait until ``seconds`` have passed since the first call."""
        now = asyncio.get_running_loop().time()
        self._began = self._began or now
        await asyncio.sleep(max(0.0, self._began + seconds - now))

    async def answer(self, ask: PartnerRequest) -> HostAnswer:
        """The answer to a request."""
        return await self._gateway.answer(ask)

    def overtake(self, offer_id: str, *, by: int) -> None:
        """Raise the revision of a live offer, as if another machine of its platform had published it."""
        known = self._gateway.offers.get(offer_id)
        if known is None or known.offer is None:
            return
        higher = Submission(
            id=offer_id,
            revision=known.revision + by,
            document=known.offer,
            offer=known.offer,
            territory=known.territory,
            expires_on=known.expires_on,
            gateway=False,
        )
        self._gateway.offers.decide(higher, now=clock.milliseconds())
        self._observer.raised(offer_id, higher.revision)


class Observer:
    """Notes each submission in the journal, and lets requests meet the faults."""

    def __init__(self, journal: SubmissionJournal, expire: Callable[[], None]) -> None:
        self.faults: deque[Mapping[str, Any]] = deque()
        self._journal = journal
        self._expire = expire
        self._at = 0.0
        """The instant at which the present request came: all its submissions came together."""
        self._lost: float | None = None
        """The Retry-After of the fault that hides the present decisions; None without one."""

    def decided(self, submission: Submission, outcome: Outcome) -> None:
        """Note a decision; its outcome is ``lost`` where a fault takes the place of the answer."""
        if outcome == "accepted":
            live = submission.reason is None
            self._journal.states[submission.id] = (submission.revision, "", live)
        if submission.gateway:
            if submission.reason == "absent" and outcome == "accepted":
                self._note(replace(submission, document=_absence(submission)), outcome)
            return
        if self._lost is None:
            self._note(submission, outcome)
        else:
            self._note(submission, "lost", wait=self._lost)

    def raised(self, offer_id: str, revision: int) -> None:
        """Note the revision of an offer that its platform did not send."""
        self._journal.states[offer_id] = (revision, "", True)

    def refused(self, offer_id: str | None, revision: int | None, codes: Sequence[str]) -> None:
        """Note a refusal."""
        now = asyncio.get_running_loop().time()
        self._journal.sent.append(
            SentSubmission(id=offer_id or "?", revision=revision or 0, outcome="refused", at=now, problems=tuple(codes))
        )

    async def carry_out(self, submissions: Sequence[Submission], effect: Effect) -> HostAnswer:
        """The gateway's answer, or that of the next fault; with ``stored`` the request takes effect all the same."""
        self._at = asyncio.get_running_loop().time()
        if not self.faults:
            return effect()
        fault = self.faults.popleft()
        seconds, slow = float(fault.get("seconds", 0)), fault["fault"] == "slow"
        wait = 0.0 if slow else seconds
        if fault.get("stored", False):
            self._lost = wait
            try:
                effect()
            finally:
                self._lost = None
        else:
            for each in submissions:
                self._note(each, "unknown", wait=wait)
        if slow:
            await asyncio.sleep(seconds)
        return fault_answer(fault["fault"], seconds=seconds, unavailable="outcome-unknown", expire=self._expire)

    def _note(self, submission: Submission, outcome: SendOutcome, *, wait: float = 0.0) -> None:
        self._journal.sent.append(
            SentSubmission(
                id=submission.id,
                revision=submission.revision,
                outcome=outcome,
                at=self._at,
                kind="publish" if submission.reason is None else "withdraw",
                document=submission.document,
                wait=wait,
            )
        )


def _absence(withdrawal: Submission) -> Mapping[str, Any]:
    """The withdrawal of an offer that a set lacks, as a document (PUB-020)."""
    return {"id": withdrawal.id, "revision": withdrawal.revision, "withdrawn": "absent"}
