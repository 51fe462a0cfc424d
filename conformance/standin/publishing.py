"""Publishing: offers and withdrawals one by one and in batches, marks and snapshots, with an observer of all of it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Protocol, TypeAlias
from urllib.parse import unquote_to_bytes

import orjson

import schemas
from conformance.standin.answers import (
    batch_answer,
    batch_refused,
    judged,
    receipt_answer,
    refusal,
    snapshot_answer,
    verdicts_of,
)
from conformance.standin.exchange import NO_STORE, HostAnswer, PartnerRequest, RefusedError, refused
from conformance.standin.idempotency import Requests
from conformance.standin.offers import Decision, Offers, Outcome, State, Submission
from conformance.standin.parameters import missing, read_parameters
from conformance.standin.receipts import Receipt, Receipts
from conformance.standin.seal import Seal, new_id
from conformance.standin.snapshots import Mark, Snapshots
from conformance.standin.statistics import Statistics
from conformance.standin.upload import Item, Upload, read_document, receive_batch, receive_snapshot, submission_of
from conformance.standin.value import utc, wait_of
from schemas.bilingual import Bilingual
from schemas.registry import definition_validator
from schemas.territory import department_in

_SEGMENT = 3
"""``/v1/offers/{id}``: the id is the third segment of the path."""
_MAX_REVISION = 2**53 - 1
_CANONICAL = Bilingual("{platform}:{local_id}", "{plateforme}:{identifiant}")

Effect: TypeAlias = Callable[[], HostAnswer]


class Observer(Protocol):
    """Sees what publishers send; may answer in the gateway's place."""

    def decided(self, submission: Submission, outcome: Outcome) -> None:
        """A submission, or a change by the gateway itself, was decided."""

    def refused(self, offer_id: str | None, revision: int | None, codes: Sequence[str]) -> None:
        """A submission was refused; ``codes`` are the rules that it breaks."""

    async def carry_out(self, submissions: Sequence[Submission], effect: Effect) -> HostAnswer:
        """The answer to a request with these accepted submissions; ``effect`` decides them and answers."""


class Unobserved:
    """The observer of no one."""

    def decided(self, submission: Submission, outcome: Outcome) -> None:
        """Do nothing."""

    def refused(self, offer_id: str | None, revision: int | None, codes: Sequence[str]) -> None:
        """Do nothing."""

    async def carry_out(self, _: Sequence[Submission], effect: Effect) -> HostAnswer:
        """The gateway's answer."""
        return effect()


class Publishing:
    """The operations of publishers. ``day`` is the day of receipt, ``now`` the time in milliseconds since 1970."""

    def __init__(
        self,
        offers: Offers,
        receipts: Receipts,
        statistics: Statistics,
        seal: Seal,
        *,
        observer: Observer,
        day: Callable[[], date],
        now: Callable[[], int],
    ) -> None:
        self._offers = offers
        self._receipts = receipts
        self._statistics = statistics
        self._snapshots = Snapshots(offers, seal)
        self._requests = Requests()
        self._observer = observer
        self._day = day
        self._now = now

    async def publish(self, ask: PartnerRequest) -> HostAnswer:
        """``PUT /v1/offers/{id}``. This and the other operations raise RefusedError."""
        values = read_parameters(ask)
        offer_id = self._own_id(ask)
        verdict = schemas.check(await read_document(ask), on=self._day())
        return await self._take(ask, verdict, offer_id, dry_run=bool(values["dry_run"]))

    async def withdraw(self, ask: PartnerRequest) -> HostAnswer:
        """``DELETE /v1/offers/{id}``."""
        values = read_parameters(ask)
        offer_id = self._own_id(ask)
        if ask.has_body:
            raise refused("body-unexpected")
        if values["revision"] is None:
            raise missing("revision", f"1..{_MAX_REVISION}")
        document = {"id": offer_id, "revision": values["revision"], "withdrawn": values["reason"] or "cancelled"}
        verdict = schemas.check_withdrawal(orjson.dumps(document), on=self._day())
        return await self._take(ask, verdict, offer_id, dry_run=bool(values["dry_run"]))

    async def _take(self, ask: PartnerRequest, verdict: schemas.Verdict, offer_id: str, *, dry_run: bool) -> HostAnswer:
        """The decision on one submission, or its refusal (PUB-001 to PUB-006)."""
        accepted = verdict.accepted and verdict.id == offer_id
        if dry_run:
            return judged(verdict) if accepted else refusal(verdict, offer_id)
        submissions = [submission_of(verdict)] if accepted else []

        def effect() -> HostAnswer:
            if not accepted:
                codes = [each.code for each in verdict.problems if each.severity == "error"] or ["id-mismatch"]
                self._observer.refused(verdict.id or offer_id, verdict.revision, codes)
                self._statistics.add(ask.platform, "refused", codes, department_in(verdict.document))
                return refusal(verdict, offer_id)
            item = Item(verdict.id, [each.to_json() for each in verdict.problems], submissions[0])
            receipt = self._decide(ask, item, submissions[0], {})
            return receipt_answer(receipt, wait_of(ask))

        return await self._observer.carry_out(submissions, effect)

    def _decide(self, ask: PartnerRequest, item: Item, submission: Submission, upload: Mapping[str, str]) -> Receipt:
        """The receipt of a submission; ``upload`` names its batch or snapshot."""
        position = self._offers.position
        decision = self._offers.decide(submission, now=self._now())
        self._observer.decided(submission, decision.outcome)
        withdrawn = submission.reason is not None and decision.outcome == "accepted"
        self._statistics.add(
            ask.platform,
            "withdrawn" if withdrawn else decision.outcome,
            () if decision.code is None else (decision.code,),
            (submission.territory or {}).get("department"),
        )
        return self._note(ask, submission, decision, position, item.problems, upload)

    def _note(
        self,
        ask: PartnerRequest,
        submission: Submission,
        decision: Decision,
        position: int,
        problems: Sequence[Any],
        upload: Mapping[str, str],
    ) -> Receipt:
        return self._receipts.add(
            submission,
            decision,
            position=position,
            now=self._now(),
            problems=list(problems),
            upload=upload,
            waited=wait_of(ask) > 0,
        )

    def _own_id(self, ask: PartnerRequest) -> str:
        """The id in the path, of the caller's own offer. Raises RefusedError."""
        offer_id = id_in_path(ask)
        if offer_id.partition(":")[0] != ask.platform:
            self._observer.refused(offer_id, None, [])
            raise refused("not-owner", status=403, pointer="/id", expected=f"{ask.platform}:…", actual=offer_id)
        return offer_id

    async def take_batch(self, ask: PartnerRequest) -> HostAnswer:
        """``POST /v1/offers/batch``."""
        values = read_parameters(ask)
        upload = await receive_batch(ask, self._day())
        dry_run, partial = bool(values["dry_run"]), bool(values["partial"])
        name = new_id("b")

        async def run(_: bool) -> HostAnswer:  # noqa: FBT001  # the callback's form
            if not upload.items:
                raise refused("batch-empty")
            if dry_run:
                return batch_refused(upload, "valid") if upload.refused else batch_answer(upload, 200, "valid", {})
            withheld = upload.refused == len(upload.items) or (upload.refused > 0 and not partial)
            submissions = [] if withheld else upload.submissions
            return await self._observer.carry_out(
                submissions, lambda: self._queue(ask, upload, name, queue=not withheld)
            )

        return await self._requests.once(ask, upload.digest, run)

    def _queue(self, ask: PartnerRequest, upload: Upload, name: str, *, queue: bool) -> HostAnswer:
        if not queue:
            self._note_refused(ask, upload.items)
            return batch_refused(upload, "not-queued")
        receipts = self._decide_all(ask, upload.items, {"batch": name})
        wait = wait_of(ask)
        more: dict[str, Any] = {"batch": name, "receipts": f"/v1/receipts?batch={name}"}
        if wait:
            more |= {"pending": 0, "verdicts": verdicts_of(receipts)}
        status = 207 if upload.refused else 200 if wait else 202
        return batch_answer(upload, status, "queued", more, receipts=receipts, wait=wait)

    def _note_refused(self, ask: PartnerRequest, items: Sequence[Item]) -> None:
        for item in items:
            if item.submission is None:
                self._statistics.add(ask.platform, "refused", item.codes, item.department)
                self._observer.refused(item.id, item.revision, item.codes)

    def _decide_all(self, ask: PartnerRequest, items: Sequence[Item], upload: Mapping[str, str]) -> dict[int, Receipt]:
        """The receipts of the accepted items by index."""
        receipts = {}
        for index, item in enumerate(items):
            if item.submission is not None:
                receipts[index] = self._decide(ask, item, item.submission, upload)
            else:
                self._note_refused(ask, [item])
        return receipts

    async def take_mark(self, ask: PartnerRequest) -> HostAnswer:
        """``POST /v1/snapshots/marks``."""
        read_parameters(ask)
        if ask.has_body:
            raise refused("body-unexpected")

        async def run(_: bool) -> HostAnswer:  # noqa: FBT001  # the callback's form
            text, ends = self._snapshots.mark(ask.platform, now=self._now())
            return HostAnswer(201, {"mark": text, "expires_at": utc(ends)}, NO_STORE)

        return await self._requests.once(ask, "", run)

    async def take_snapshot(self, ask: PartnerRequest) -> HostAnswer:
        """``POST /v1/snapshots``."""
        values = read_parameters(ask)
        if values["mark"] is None:
            raise missing("mark", "POST /v1/snapshots/marks")
        mark = self._snapshots.read(values["mark"], ask.platform, now=self._now())
        upload = await receive_snapshot(ask, self._day())

        async def run(resumed: bool) -> HostAnswer:  # noqa: FBT001  # the callback's form
            def effect() -> HostAnswer:
                try:
                    absent = self._snapshots.examine(
                        mark, upload, ask.platform, confirm=values["confirm"], resumed=resumed
                    )
                except RefusedError as error:
                    return error.answer
                items = [
                    Item(each.id, each.problems, mark.on(each.submission)) if each.submission else each
                    for each in upload.items
                ]
                receipts = self._decide_all(ask, items, {"snapshot": mark.snapshot})
                gone = [self._retire(ask, state, mark) for state in absent]
                return snapshot_answer(upload, mark.snapshot, receipts, gone, wait_of(ask))

            return await self._observer.carry_out(upload.submissions, effect)

        return await self._requests.once(ask, upload.digest, run)

    def _retire(self, ask: PartnerRequest, state: State, mark: Mark) -> Receipt:
        """The receipt of the withdrawal of an absent offer."""
        position = self._offers.position
        decision = self._offers.retire(state.id, "absent", now=self._now(), before=mark.position)
        command = Submission(id=state.id, revision=state.revision, document={}, reason="absent", gateway=True)
        self._observer.decided(command, decision.outcome)
        if decision.outcome == "accepted":
            self._statistics.add(ask.platform, "withdrawn")
        return self._note(ask, command, decision, position, (), {"snapshot": mark.snapshot})


def id_in_path(ask: PartnerRequest) -> str:
    """The id in the path, percent-decoded once (IDN-005). Raises RefusedError."""
    sent = ask.target.partition("?")[0].split("/")[_SEGMENT]
    text = unquote_to_bytes(sent).decode("ascii", "replace")
    if not definition_validator("offer_id").is_valid(text):
        raise refused("id-in-path", expected=_CANONICAL)
    return text
