"""Taking over, carried out: page the index, match, and if asked hand the platform's delivery to the gateway.

In this order, so that nothing is ever there twice: what matches is written down under its old remote id, then the
platform is the gateway's (which creates what is missing), then what is extra is deleted. Interrupted, it is run again.
"""

import asyncio
from dataclasses import replace
from itertools import islice
from typing import Any

import structlog

from adapters.national.adopt import Matching, There, Wanted, match
from adapters.national.connector_ledger import review
from adapters.national.connector_order import Adopt
from adapters.national.prospect import NotDeliverable
from adapters.national.reconcile import Reconciliation, delete_extras
from adapters.national.reconcile_walk import Walker
from gateway.partners import Partners
from gateway.protocol.delivery import Delivery, Group, Part
from gateway.protocol.partner import Partner
from gateway.protocol.shrink import would_shrink

_SLICE = 200

_log = structlog.get_logger()


async def adopt(order: Adopt, reconciliation: Reconciliation, partners: Partners) -> dict[str, Any]:
    """Carry out an order to take a platform over; its answer."""
    partner = partners.get(order.platform)
    if partner is None:
        return {"error": "unknown-platform"}
    there: list[There] = []
    walker = Walker(reconciliation.site.index, reconciliation.timing)
    walk = await walker.all(lambda listed: there.append(There.of(listed)))
    answer: dict[str, Any] = {"listed": walk.total, "unreadable": walk.unreadable}
    candidates = [item for item in there if not _is_of_another(item, order.platform, reconciliation)]
    matching = match(await _wanted(order.platform, reconciliation), candidates)
    answer |= matching.to_json()
    if not walk.complete:
        return {**answer, "error": "index-moved"}
    if not order.apply:
        return answer
    if _serves_others(order.platform, reconciliation, partners):
        return {**answer, "error": "account-shared"}
    if would_shrink(len(matching.extra), walk.total) and order.confirm != len(matching.extra):
        return {**answer, "error": "shrinks-too-much", "would_delete": len(matching.extra)}
    await _keep(matching, reconciliation)
    await partners.change(order.platform, _by_the_gateway)
    await review(reconciliation.ledger, order.platform)
    _log.info("national.adopted", platform=order.platform, matched=len(matching.matched), extra=len(matching.extra))
    return {**answer, "applied": True, "deleted": await delete_extras(reconciliation, matching.extra)}


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


async def _keep(matching: Matching, reconciliation: Reconciliation) -> None:
    """Write down what matches, as held by the site in a state that is not known: each is sent once more."""
    ledger = reconciliation.ledger
    places = iter(matching.matched.items())
    while part := list(islice(places, _SLICE)):
        async with ledger.turn() as turn:
            for (offer_id, group), remote_id in part:
                delivery = _with_adopted(offer_id, group, remote_id, reconciliation, now=turn.now)
                if delivery is not None:
                    turn.put(delivery)


def _with_adopted(
    offer_id: str, group: Group, remote_id: str, reconciliation: Reconciliation, *, now: int
) -> Delivery | None:
    """The delivery with one more part; None where it has this one already."""
    ledger = reconciliation.ledger
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
