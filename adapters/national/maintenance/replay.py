"""Replay: the operator's way to try again what was refused, given up, or taken down by the site."""

from itertools import islice
from typing import Any

from adapters.national.delivery.order import Replay
from adapters.national.delivery.outcome import revived
from adapters.national.delivery.progress import Progress
from adapters.national.delivery.unit_of_work import Ledger
from gateway.protocol.delivery import Delivery

GIVEN_UP = "national-given-up"
_SLICE = 200
_REPLAYED = frozenset({"refused", "moderated", "delivered"})


async def replay(order: Replay, ledger: Ledger, progress: Progress) -> dict[str, Any]:
    """Queue the named offers anew; without names, every dead letter. A moderated offer must be named.

    Each slice is one transaction with its progress. A dead letter that was replayed is none any more.
    """
    named = bool(order.offers)
    ids = iter(order.offers[progress.state.get("done", 0) :]) if named else ledger.outbox.ids()
    replayed: list[str] = progress.state.get("replayed", [])
    number = progress.state.get("number", 0)
    done = progress.state.get("done", 0)
    while part := list(islice(ids, _SLICE)):
        async with ledger.turn() as turn:
            for offer_id in part:
                delivery = ledger.outbox.delivery(offer_id)
                if delivery is None:
                    continue
                anew = _anew(delivery, named=named, now=turn.now)
                if anew != delivery:
                    number += 1
                    if named:
                        replayed.append(offer_id)
                    turn.put(anew)
                    turn.aim(offer_id)
            done += len(part)
            if turn.outputs:
                progress.note(turn, done=done, replayed=replayed, number=number)
    unknown = [offer_id for offer_id in order.offers if offer_id not in set(replayed)]
    return {"replayed": number, "nothing_to_do": unknown}


def _anew(delivery: Delivery, *, named: bool, now: int) -> Delivery:
    for part in delivery.current():
        letter = any(problem["code"] == GIVEN_UP for problem in part.problems)
        if part.state in _REPLAYED and (named or letter):
            delivery = delivery.with_part(revived(part, now))
    return delivery
