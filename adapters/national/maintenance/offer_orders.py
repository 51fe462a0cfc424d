"""Orders about single offers: replay of refused, given-up and moderated parts; erasure of deleted offers.

A deletion at the site only hides the offer: on request for erasure its content there is overwritten. A PATCH still
finds and changes a deleted offer, and does not restore it.
"""

from collections.abc import Mapping
from itertools import islice
from typing import Any

import structlog

from adapters.national.delivery.outcome import as_pending
from adapters.national.delivery.progress import Progress
from adapters.national.delivery.unit_of_work import DeliveryStore
from adapters.national.mapping.body import is_reachable
from adapters.national.site.answer import DoneAnswer, Forbidden, Missing, Outcome, RefusedAnswer, outcome_about
from adapters.national.site.client import HttpSite
from adapters.national.site.site import MAX_TRIES, SiteUnavailableError, call_until
from adapters.national.site.timing import Timing
from gateway.protocol.delivery import Delivery, DeliveryPart, Group
from gateway.protocol.delivery_order import Erase, Replay

NEUTRAL = "Offre retirée"
NEUTRAL_BODY: Mapping[str, Any] = {
    **dict.fromkeys(("title", "description", "employer_name", "employer_description"), NEUTRAL),
    "employer_website": None,
    "street": "Paris",
    "zipcode": "75001",
    "city": "Paris",
    "coordinates": {"latitude": 48.86, "longitude": 2.34},
    "permalink": "https://1eleve1stage.education.gouv.fr",
    "max_candidates": 1,
    "is_public": False,
    "handicap_accessible": False,
    "daily_hours": {},
    "lunch_break": None,
}
"""Holds no personal data. The sector and the weeks stay: omitted fields are not changed."""
_GRADES: Mapping[Group, list[str]] = {"college": ["troisieme"], "lycee": ["seconde"]}
"""The site takes an update without grades for one of seconde, so each level group sends its own."""
GIVEN_UP = "national-given-up"
_SLICE = 200
_REPLAYED = frozenset({"refused", "moderated", "delivered"})

_log = structlog.get_logger()


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
                    unit.set_wanted_state(offer_id)
            done += len(part)
            if unit.outputs:
                progress.note(unit.write_home, done=done, replayed=replayed, number=number)
    unknown = [offer_id for offer_id in order.offers if offer_id not in set(replayed)]
    return {"replayed": number, "nothing_to_do": unknown}


def _revive(delivery: Delivery, *, named: bool, now: int) -> Delivery:
    for part in delivery.current():
        letter = any(problem["code"] == GIVEN_UP for problem in part.problems)
        if part.state in _REPLAYED and (named or letter):
            delivery = delivery.with_part(as_pending(part, now))
    return delivery


async def erase(
    order: Erase, store: DeliveryStore, sites: Mapping[str, HttpSite], timing: Timing, progress: Progress
) -> dict[str, Any]:
    """Overwrite every part and generation of an offer; the answer names the erased parts and the others.

    Each step is recorded once it is done, and is idempotent. Raises SiteError when the site does not answer.
    """
    delivery = store.outbox.delivery(order.offer)
    if delivery is None:
        return {"error": "unknown-offer"}
    if any(part.there for part in delivery.parts):
        return {"error": "still-there"}
    erased: list[str] = progress.state.get("erased", [])
    kept: list[str] = progress.state.get("kept", [])
    for part in delivery.parts[progress.state.get("done", 0) :]:
        outcome = await _overwrite(part, sites, timing)
        if outcome is not None:
            (erased if outcome else kept).append(part.remote_id or "")
        async with store.unit_of_work() as unit:
            progress.done(unit.write_home, erased=erased, kept=kept)
    _log.info("national.erased", offer=order.offer, erased=len(erased), kept=len(kept))
    return {
        "erased": {"count": len(erased), "remote_ids": erased},
        "kept": {"count": len(kept), "remote_ids": kept},
    }


async def _overwrite(part: DeliveryPart, sites: Mapping[str, HttpSite], timing: Timing) -> bool | None:
    """Whether the site no longer holds content of this part; None when it never held any."""
    name = part.remote_id
    if name is None:
        return None
    site = sites.get(part.account)
    if site is None or not is_reachable(name):
        return False

    async def overwrite() -> Outcome:
        return outcome_about(name, await site.update(name, {**NEUTRAL_BODY, "grades": _GRADES[part.group]}))

    match await call_until(
        (DoneAnswer, Missing, Forbidden, RefusedAnswer), overwrite, timing, name="erase", remote_id=name
    ):
        case DoneAnswer():
            return True
        case Missing():
            return None
        case None:
            raise SiteUnavailableError(f"{name} could not be overwritten, {MAX_TRIES} times in a row")
    return False
