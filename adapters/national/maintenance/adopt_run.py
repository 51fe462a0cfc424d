"""Taking over, carried out: page the index, match, and if asked hand the platform's delivery to the gateway.

In this order, so that nothing is ever there twice: what matches is written down under its old remote id, then the
platform is the gateway's (which creates what is missing), then what is extra is deleted. Interrupted, it goes on with
the first step that is not done.
"""

import asyncio
from dataclasses import replace
from typing import Any

import structlog

from adapters.national.delivery.order import Adopt
from adapters.national.delivery.progress import Progress, Step
from adapters.national.delivery.unit_of_work import review
from adapters.national.maintenance.adopt import There, Wanted, match
from adapters.national.maintenance.reconcile import DELETE, Reconciliation, carry_out
from adapters.national.mapping.deliverability import NotDeliverable
from adapters.national.site.index_walk import Walker
from gateway.partners import Partners
from gateway.protocol.delivery import Delivery, Group, Part
from gateway.protocol.partner import Partner
from gateway.protocol.shrink import would_shrink

_SLICE = 200
_KEEP, _HAND_OVER = "keep", "hand-over"
"""Steps of a take-over: keep an offer's group under its remote id; let the gateway deliver. Then what is extra goes."""

_log = structlog.get_logger()


async def adopt(order: Adopt, reconciliation: Reconciliation, partners: Partners, progress: Progress) -> dict[str, Any]:
    """Carry out what is left of an order to take a platform over; its answer. Raises ChangeConflictError."""
    resumed = progress.begun
    if not resumed:
        answer, steps = await _compare(order, reconciliation, partners)
        if not order.apply or "error" in answer:
            return answer
        async with reconciliation.ledger.turn() as turn:
            progress.plan(turn, steps, answer=answer)
    await _keep(reconciliation, progress)
    if progress.steps and progress.steps[0][0] == _HAND_OVER:
        await partners.change(order.platform, _by_the_gateway)
        await review(reconciliation.ledger, order.platform)
        async with reconciliation.ledger.turn() as turn:
            progress.done(turn)
        _log.info("national.adopted", platform=order.platform, extra=len(progress.steps))
    await carry_out(reconciliation, progress, resumed=resumed)
    return {**progress.state["answer"], "applied": True, "deleted": progress.state.get("deleted", 0)}


async def _compare(
    order: Adopt, reconciliation: Reconciliation, partners: Partners
) -> tuple[dict[str, Any], list[Step]]:
    """What matches, is missing and is extra, or why that cannot be said; and the steps of the take-over."""
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
    if would_shrink(len(matching.extra), walk.total) and order.confirm != len(matching.extra):
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
    """What the platform's offers ask for; what the site would not take is not wanted there."""
    ledger = reconciliation.ledger
    wanted = []
    for number, offer_id in enumerate(ledger.outbox.ids(platform)):
        if number % _SLICE == 0:
            await asyncio.sleep(0)  # others get their turn
        state = ledger.outbox.offer(offer_id)
        wishes = ledger.route.wishes(state)
        groups = tuple(group for group, wish in wishes.items() if not isinstance(wish.prospect, NotDeliverable))
        if state is not None and state.offer is not None and groups:
            address, name = state.offer["apply_url"], state.offer.get("national_remote_id")
            wanted.append(Wanted(offer_id, groups, address, name))
    return wanted


def _serves_others(platform: str, reconciliation: Reconciliation, partners: Partners) -> bool:
    """Whether the account also delivers for others: then what is extra may be theirs."""
    route = reconciliation.ledger.route
    return any(route.takes(one.platform) for one in partners.all() if one.platform != platform)


def _is_of_another(item: There, platform: str, reconciliation: Reconciliation) -> bool:
    """Whether the gateway delivered it for another platform of the same account."""
    owner = reconciliation.ledger.outbox.owner_of(item.remote_id)
    return owner is not None and not owner.startswith(f"{platform}:")


async def _keep(reconciliation: Reconciliation, progress: Progress) -> None:
    """Write down what matches, as held by the site in a state that is not known: each is sent once more."""
    ledger = reconciliation.ledger
    while part := [step for step in progress.steps[:_SLICE] if step[0] == _KEEP]:
        async with ledger.turn() as turn:
            for _, offer_id, group, remote_id in part:
                delivery = _with_adopted(offer_id, _group(group), remote_id, reconciliation, now=turn.now)
                if delivery is not None:
                    turn.put(delivery)
            progress.done(turn, len(part))


def _group(name: str) -> Group:
    return "lycee" if name == "lycee" else "college"


def _with_adopted(
    offer_id: str, group: Group, remote_id: str, reconciliation: Reconciliation, *, now: int
) -> Delivery | None:
    """The delivery with one more part; None where it has this one already, or another offer has it by now."""
    ledger = reconciliation.ledger
    holder = reconciliation.held(remote_id)
    if holder is not None and holder[0].id != offer_id:
        return None
    delivery = ledger.outbox.delivery(offer_id) or Delivery(id=offer_id, sequence=0)
    last = delivery.part(group)
    if last is not None and last.remote_id == remote_id and last.there:
        return None
    if last is not None:
        delivery = delivery.with_part(replace(last, state="dead", attempt=None, since=now))
    adopted = Part(
        group=group,
        generation=1 if last is None else last.generation + 1,
        account=ledger.route.account,
        state="pending",
        since=now,
        remote_id=remote_id,
        sequence=0,
        adopted=True,
    )
    return delivery.with_part(adopted)
