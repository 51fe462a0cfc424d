"""Reconciliation: compares the site's index with the deliveries; reports missing, extra and differing offers. Repairs
them if asked.

The site's read form lacks seats and hours, so only the fields that it shows are compared. An offer is *delivered* if
the index lists it, and *visible* if search finds it: search hides offers that are full, over or out of season.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from adapters.national.delivery.outcome import as_moderated, as_replaced
from adapters.national.delivery.plan import body_digest
from adapters.national.delivery.progress import Progress, Step
from adapters.national.delivery.unit_of_work import DeliveryStore, UnitOfWork
from adapters.national.mapping.body import is_reachable
from adapters.national.mapping.deliverability import Ready
from adapters.national.site.answer import AlreadyDeleted, DoneAnswer, Forbidden, Missing, Outcome
from adapters.national.site.client import HttpSite
from adapters.national.site.index_walk import RightMissingError, Walk, Walker
from adapters.national.site.reading import Listed, differences
from adapters.national.site.site import call_until
from adapters.national.site.timing import Timing
from gateway.protocol.delivery import Delivery, DeliveryPart
from gateway.protocol.delivery_order import Reconcile
from gateway.protocol.withdrawal_guard import needs_confirmation

MAX_LISTED = 200
"""Maximum of remote ids that an answer names per finding."""

GONE, DIFFERS, DOUBLED, DELETE = "gone", "differs", "doubled", "delete"
"""Steps of a repair, each with a remote id."""

_SLICE = 200

_log = structlog.get_logger()


@dataclass(slots=True)
class Findings:
    """Findings of a comparison: remote ids, and the differing fields. A ``doubled`` remote id names several rows."""

    matched: int = 0
    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    differing: dict[str, list[str]] = field(default_factory=dict)
    doubled: list[str] = field(default_factory=list)
    visible: int | None = None
    not_visible: int = 0
    beyond_account: int = 0

    def to_json(self) -> dict[str, Any]:
        """Counts, and the first ``MAX_LISTED`` of each list."""
        return {
            "matched": self.matched,
            "missing": {"count": len(self.missing), "remote_ids": self.missing[:MAX_LISTED]},
            "extra": {"count": len(self.extra), "remote_ids": self.extra[:MAX_LISTED]},
            "differing": {"count": len(self.differing), "fields": dict(list(self.differing.items())[:MAX_LISTED])},
            "doubled": {"count": len(self.doubled), "remote_ids": self.doubled[:MAX_LISTED]},
            "visible": "waiting-for-right" if self.visible is None else self.visible,
            "not_visible": self.not_visible,
            "beyond_account": self.beyond_account,
        }


class _ListedItems:
    """Items that the search lists for this account. Search hides the offers of accounts that are not open to reuse, and
    offers outside the account's departments, so an offer that is not listed may still be visible to pupils.
    """

    def __init__(self) -> None:
        self._ours: set[tuple[str | None, str | None]] = set()
        self._departments: set[str] = set()

    def add(self, listed: Listed, *, ours: bool) -> None:
        """Add one item; ``ours``: its remote id belongs to an offer of this federation."""
        self._departments.add(_department(listed.zipcode))
        if ours:
            self._ours.add((listed.remote_id, listed.permalink))

    def shows(self, remote_id: str | None, offer: Mapping[str, Any], *, complete: bool) -> bool | None:
        """Whether pupils find the offer; None if this account cannot see it, or the walk is incomplete."""
        if (remote_id, offer.get("apply_url")) in self._ours:
            return True
        near = _department(offer["location"]["postal_code"]) in self._departments if offer else False
        return False if complete and self._ours and near else None


def _department(postal_code: str) -> str:
    """The first digits of a postcode: close enough to a department to compare postcodes."""
    return postal_code[:3] if postal_code.startswith(("97", "98", "20")) else postal_code[:2]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One comparison of an account. No call of this gateway may run meanwhile: hold the lock of ``Calls``."""

    store: DeliveryStore
    site: HttpSite
    timing: Timing

    async def run(self, order: Reconcile, progress: Progress) -> dict[str, Any]:
        """Compare, and repair if the order asks for it. Returns the findings and the repairs, or an error."""
        resumed = progress.begun
        if not resumed:
            answer, steps = await self._compare_all(order)
            if not order.repair or "error" in answer:
                return answer
            async with self.store.unit_of_work() as unit:
                progress.plan(unit.write_home, steps, answer=answer)
        await carry_out(self, progress, resumed=resumed)
        return {**progress.state["answer"], "repaired": True, "deleted": progress.state.get("deleted", 0)}

    async def _compare_all(self, order: Reconcile) -> tuple[dict[str, Any], list[Step]]:
        """The findings, or an error; and the steps of the repair: a missing part becomes moderated, a differing one is
        sent again, a doubled one is replaced.
        """
        began = self.store.route.clock()
        findings = Findings()
        walk = await Walker(self.site.index, self.timing).all(lambda item: self._compare(item, findings))
        answer: dict[str, Any] = {"listed": walk.total, "unreadable": walk.unreadable}
        if not walk.complete:
            return {**answer, "error": "index-moved", **findings.to_json()}, []
        findings.doubled = sorted(name for name in walk.doubled if self.find_part(name) is not None)
        await self._find_missing(walk, began, findings)
        await self._look(findings)
        answer |= findings.to_json()
        if not order.repair:
            return answer, []
        extra = [] if self.store.route.shared() else findings.extra
        if needs_confirmation(len(extra), walk.total) and order.confirm != len(extra):
            return {**answer, "error": "shrinks-too-much", "would_delete": len(extra)}, []
        gone = (name for name in findings.missing if name not in findings.differing)
        differing = (name for name in findings.differing if name not in findings.doubled)
        return answer, [
            *((DOUBLED, name) for name in findings.doubled),
            *((GONE, name) for name in gone),
            *((DIFFERS, name) for name in differing),
            *((DELETE, name) for name in extra),
        ]

    def _compare(self, listed: Listed, findings: Findings) -> None:
        part = self.find_part(listed.remote_id)
        if part is None:
            findings.extra.append(listed.remote_id or f"#{listed.number}")
            return
        delivery, held = part
        findings.matched += 1
        wanted = self.store.route.wanted_parts(self.store.outbox.offer(delivery.id)).get(held.group)
        if (
            wanted is None
            or not isinstance(wanted.deliverability, Ready)
            or held.digest != body_digest(wanted.deliverability.body)
        ):
            return  # a call is due anyway, or its school year is over
        fields = differences(wanted.deliverability, listed)
        answered = held.answered or {}
        if [name for name in fields if not (name in {"weeks", "grades"} and answered)]:
            findings.differing[listed.remote_id or ""] = fields

    def find_part(self, remote_id: str | None) -> tuple[Delivery, DeliveryPart] | None:
        """The delivery and the part with this remote id, if the part should be at the site."""
        offer_id = None if remote_id is None else self.store.outbox.owner_of(remote_id)
        delivery = None if offer_id is None else self.store.outbox.delivery(offer_id)
        if delivery is None:
            return None
        parts = (part for part in delivery.current() if part.remote_id == remote_id and part.there)
        return next(((delivery, part) for part in parts), None)

    async def _find_missing(self, walk: Walk, began: int, findings: Findings) -> None:
        """Add the parts that were delivered before the walk began and that the index does not list."""
        async for _, part in self.store.held():
            name = part.remote_id
            if name is not None and name not in walk.names and (part.delivered_at or 0) < began:
                findings.missing.append(name)

    async def _look(self, findings: Findings) -> None:
        """Record for each part whether pupils can find it, as far as the account can see."""
        seen = _ListedItems()

        def see(listed: Listed) -> None:
            seen.add(listed, ours=self.store.outbox.owner_of(listed.remote_id or "") is not None)

        try:
            walk = await Walker(self.site.search, self.timing).all(see)
        except RightMissingError:
            return
        findings.visible = 0
        changed: list[tuple[str, DeliveryPart]] = []
        async for offer_id, part in self.store.held():
            state = self.store.outbox.offer(offer_id)
            offer = {} if state is None or state.offer is None else state.offer
            visible = seen.shows(part.remote_id, offer, complete=walk.complete)
            findings.visible += visible is True
            findings.not_visible += visible is False
            findings.beyond_account += visible is None
            if visible != part.visible and (visible is not None or walk.complete):
                changed.append((offer_id, replace(part, visible=visible)))
            if len(changed) == _SLICE:
                await self._change(changed)
                changed = []
        await self._change(changed)

    async def _change(self, changed: Sequence[tuple[str, DeliveryPart]]) -> None:
        """Store the visibility of parts, unless they have changed since they were read."""
        async with self.store.unit_of_work() as unit:
            for offer_id, part in changed:
                delivery = self.store.outbox.delivery(offer_id)
                now = None if delivery is None else delivery.part(part.group)
                if now is not None and replace(now, visible=part.visible) == part:
                    unit.put_part(offer_id, part)

    def repair(self, unit: UnitOfWork, remote_id: str, kind: str) -> None:
        """Repair one part: a missing one becomes moderated, a differing one is sent again, a doubled one is replaced.
        No effect if no part should have that remote id any more.
        """
        found = self.find_part(remote_id)
        if found is None:
            return
        delivery, part = found
        match kind:
            case "gone":
                repaired = as_moderated(part, unit.now)
            case "doubled":
                repaired = as_replaced(part, unit.now)
            case _:
                repaired = replace(part, state="pending", digest=None)
        unit.put_part(delivery.id, repaired)


async def carry_out(reconciliation: Reconciliation, progress: Progress, *, resumed: bool) -> None:
    """Carry out the remaining steps: a repaired part is committed together with its progress, a deletion precedes it.
    The first step of a ``resumed`` order may have been done already.
    """
    store = reconciliation.store
    for number, (kind, name) in enumerate(progress.steps):
        deleted = progress.state.get("deleted", 0)
        if kind == DELETE:
            deleted += await _delete_extra(reconciliation, name, again=resumed and number == 0)
        async with store.unit_of_work() as unit:
            if kind != DELETE:
                reconciliation.repair(unit, name, kind)
            progress.done(unit.write_home, deleted=deleted)


async def _delete_extra(reconciliation: Reconciliation, remote_id: str, *, again: bool) -> bool:
    """Delete an extra offer; returns whether it is gone. An offer that the site's URLs do not reach stays, and so does
    one that has become a part of a delivery since it was listed.
    """
    ours = reconciliation.find_part(remote_id) is not None
    return not ours and is_reachable(remote_id) and await _delete(reconciliation, remote_id, again=again)


async def _delete(reconciliation: Reconciliation, remote_id: str, *, again: bool) -> bool:
    """Returns whether the offer is gone. ``again``: the deletion may have been made before."""

    async def delete() -> Outcome:
        return await reconciliation.site.delete_rows(remote_id)

    kinds = (DoneAnswer, AlreadyDeleted, Missing, Forbidden)
    match await call_until(kinds, delete, reconciliation.timing, name="delete", remote_id=remote_id):
        case DoneAnswer():
            _log.info("national.extra_deleted", remote_id=remote_id)
            return True
        case AlreadyDeleted() if again:
            return True
        case None:
            return False
    # the index lists it and no deletion reaches it: only the site can remove it
    _log.error("national.extra_beyond_reach", remote_id=remote_id)
    return False
