"""Replay: queues refused, given-up and moderated parts again, on the operator's order."""

from itertools import islice
from typing import Any

from adapters.national.delivery.order import Replay
from adapters.national.delivery.outcome import revived
from adapters.national.delivery.progress import Progress
from adapters.national.delivery.unit_of_work import DeliveryStore
from gateway.protocol.delivery import Delivery

GIVEN_UP = "national-given-up"
_SLICE = 200
_REPLAYED = frozenset({"refused", "moderated", "delivered"})


async def replay(order: Replay, store: DeliveryStore, progress: Progress) -> dict[str, Any]:
    """Queue the named offers again; without names, every dead letter. A moderated offer must be named.

    Each slice is one transaction with its progress. A replayed part is no longer a dead letter.
    """
    named = bool(order.offers)
    ids = iter(order.offers[progress.state.get("done", 0) :]) if named else store.outbox.ids()
    replayed: list[str] = progress.state.get("replayed", [])
    number = progress.state.get("number", 0)
    done = progress.state.get("done", 0)
    while part := list(islice(ids, _SLICE)):
        async with store.unit_of_work() as unit:
            for offer_id in part:
                delivery = store.outbox.delivery(offer_id)
                if delivery is None:
                    continue
                after = _revive(delivery, named=named, now=unit.now)
                if after != delivery:
                    number += 1
                    if named:
                        replayed.append(offer_id)
                    unit.put(after)
                    unit.aim(offer_id)
            done += len(part)
            if unit.outputs:
                progress.note(unit, done=done, replayed=replayed, number=number)
    unknown = [offer_id for offer_id in order.offers if offer_id not in set(replayed)]
    return {"replayed": number, "nothing_to_do": unknown}


def _revive(delivery: Delivery, *, named: bool, now: int) -> Delivery:
    for part in delivery.current():
        letter = any(problem["code"] == GIVEN_UP for problem in part.problems)
        if part.state in _REPLAYED and (named or letter):
            delivery = delivery.with_part(revived(part, now))
    return delivery
