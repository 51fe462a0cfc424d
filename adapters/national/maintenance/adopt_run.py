"""Take-over of a platform: walk the index, match, and, if asked, switch its delivery to the gateway.

The order of steps keeps offers from being at the site twice: matches are recorded under their old remote ids, then the
platform's delivery is switched to the gateway (which creates the missing offers), then extra offers are deleted. After
an interruption it resumes at the first step that is not done.
"""

import asyncio
from dataclasses import replace
from typing import Any

import structlog

from adapters.national.delivery.progress import Progress, Step
from adapters.national.delivery.unit_of_work import review
from adapters.national.maintenance.adopt import There, Wanted, match
from adapters.national.maintenance.reconcile import DELETE, Reconciliation, carry_out
from adapters.national.mapping.deliverability import NotDeliverable
from adapters.national.site.index_walk import Walker
from gateway.partners import Partners
from gateway.protocol.delivery import Delivery, DeliveryPart, Group
from gateway.protocol.delivery_order import Adopt
from gateway.protocol.partner import Partner
from gateway.protocol.withdrawal_guard import needs_confirmation

_SLICE = 200
_KEEP, _HAND_OVER = "keep", "hand-over"
"""Steps of a take-over, before ``DELETE``: record a group under its remote id; switch delivery to the gateway."""

_log = structlog.get_logger()


async def adopt(order: Adopt, reconciliation: Reconciliation, partners: Partners, progress: Progress) -> dict[str, Any]:
    """Carry out the remaining steps of a take-over; returns its answer. Raises ChangeConflictError."""
    resumed = progress.begun
    if not resumed:
        answer, steps = await _compare(order, reconciliation, partners)
        if not order.apply or "error" in answer:
            return answer
        async with reconciliation.store.unit_of_work() as unit:
            progress.plan(unit.write_home, steps, answer=answer)
    await _keep(reconciliation, progress)
    if progress.steps and progress.steps[0][0] == _HAND_OVER:
        await partners.change(order.platform, _by_the_gateway)
        await review(reconciliation.store, order.platform)
        async with reconciliation.store.unit_of_work() as unit:
            progress.done(unit.write_home)
        _log.info("national.adopted", platform=order.platform, extra=len(progress.steps))
    await carry_out(reconciliation, progress, resumed=resumed)
    return {**progress.state["answer"], "applied": True, "deleted": progress.state.get("deleted", 0)}


async def _compare(
    order: Adopt, reconciliation: Reconciliation, partners: Partners
) -> tuple[dict[str, Any], list[Step]]:
    """The matched, missing and extra offers, or an error; and the steps of the take-over."""
    if partners.get(order.platform) is None:
        return {"error": "unknown-platform"}, []
    there: list[There] = []
    walker = Walker(reconciliation.site.index, reconciliation.timing)
    walk = await walker.all(lambda listed: there.append(There.of(listed)))
    answer: dict[str, Any] = {"listed": walk.total, "unreadable": walk.unreadable}
    candidates = [item for item in there if not _is_of_another(item, order.platform, reconciliation)]
    matching = match(await _wanted(order.platform, reconciliation), candidates)
    answer |= matching.to_json()
    if not walk.complete:
        return {**answer, "error": "index-moved"}, []
    if not order.apply:
        return answer, []
    if _serves_others(order.platform, reconciliation, partners):
        return {**answer, "error": "account-shared"}, []
    if needs_confirmation(len(matching.extra), walk.total) and order.confirm != len(matching.extra):
        return {**answer, "error": "shrinks-too-much", "would_delete": len(matching.extra)}, []
    return answer, [
        *((_KEEP, offer_id, group, name) for (offer_id, group), name in matching.matched.items()),
        (_HAND_OVER,),
        *((DELETE, name) for name in matching.extra),
    ]


def _by_the_gateway(partner: Partner | None) -> Partner:
    if partner is None:
        raise LookupError("a partner that takes part is never forgotten")
    return replace(partner, national_delivery="gateway")


async def _wanted(platform: str, reconciliation: Reconciliation) -> list[Wanted]:
    """The wanted groups of the platform's offers, without those that the site would refuse."""
    store = reconciliation.store
    wanted = []
    for number, offer_id in enumerate(store.outbox.ids(platform)):
        if number % _SLICE == 0:
            await asyncio.sleep(0)  # let other tasks run
        state = store.outbox.offer(offer_id)
        parts = store.route.wanted_parts(state).items()
        groups = tuple(group for group, part in parts if not isinstance(part.deliverability, NotDeliverable))
        if state is not None and state.offer is not None and groups:
            address, name = state.offer["apply_url"], state.offer.get("national_remote_id")
            wanted.append(Wanted(offer_id, groups, address, name))
    return wanted


def _serves_others(platform: str, reconciliation: Reconciliation, partners: Partners) -> bool:
    """Whether the account also delivers for other platforms, to which extra offers may belong."""
    route = reconciliation.store.route
    return any(route.delivers_for(one.platform) for one in partners.all() if one.platform != platform)


def _is_of_another(item: There, platform: str, reconciliation: Reconciliation) -> bool:
    """Whether the gateway delivered the item for another platform of the same account."""
    owner = reconciliation.store.outbox.owner_of(item.remote_id)
    return owner is not None and not owner.startswith(f"{platform}:")


async def _keep(reconciliation: Reconciliation, progress: Progress) -> None:
    """Record the matched parts as held by the site with unknown content, so that each is sent once more."""
    store = reconciliation.store
    while part := [step for step in progress.steps[:_SLICE] if step[0] == _KEEP]:
        async with store.unit_of_work() as unit:
            for _, offer_id, group, remote_id in part:
                delivery = _with_adopted(offer_id, _group(group), remote_id, reconciliation, now=unit.now)
                if delivery is not None:
                    unit.put(delivery)
            progress.done(unit.write_home, len(part))


def _group(name: str) -> Group:
    return "lycee" if name == "lycee" else "college"


def _with_adopted(
    offer_id: str, group: Group, remote_id: str, reconciliation: Reconciliation, *, now: int
) -> Delivery | None:
    """The delivery with the adopted part; None if it has the part already, or another offer has it by now."""
    store = reconciliation.store
    holder = reconciliation.find_part(remote_id)
    if holder is not None and holder[0].id != offer_id:
        return None
    delivery = store.outbox.delivery(offer_id) or Delivery(id=offer_id, sequence=0)
    last = delivery.part(group)
    if last is not None and last.remote_id == remote_id and last.there:
        return None
    if last is not None:
        delivery = delivery.with_part(replace(last, state="dead", attempt=None, since=now))
    adopted = DeliveryPart(
        group=group,
        generation=1 if last is None else last.generation + 1,
        account=store.route.account,
        state="pending",
        since=now,
        remote_id=remote_id,
        sequence=0,
        adopted=True,
    )
    return delivery.with_part(adopted)
