"""The plan: compares the wanted state of an offer at the site with its state there; gives the next call. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeAlias

import orjson

from adapters.national.mapping.body import Suffix, remote_id
from adapters.national.mapping.deliverability import (
    Deliverability,
    DeliverableLater,
    DeliveryTerms,
    NotDeliverable,
    Past,
    Ready,
    WantedPart,
)
from adapters.national.mapping.mapping import map_offer
from gateway.protocol.delivery import GROUPS, Call, Delivery, DeliveryPart, Group

RANKS: Mapping[Call, int] = {"delete": 0, "create": 1, "update": 2}
"""Withdrawals first, since pupils must not see withdrawn offers; then creations; then updates."""
EXPIRED_RANK = 3
"""Expired offers come last: the site hides them itself, and at the end of June nearly all offers expire."""
WantedParts: TypeAlias = Mapping[Group, WantedPart]
"""Wanted state of an offer by group; a missing group is to be absent at the site. Empty: the offer is gone."""


@dataclass(frozen=True, slots=True)
class Due:
    """A due call of a part. ``wanted`` has its body without remote id; a deletion has none. A creation without
    ``wanted`` belongs to a past school year: its unknown outcome is looked up, and it is not retried.
    """

    call: Call
    part: DeliveryPart
    wanted: Ready | None = None

    @property
    def digest(self) -> str | None:
        """The digest of the body."""
        return None if self.wanted is None else body_digest(self.wanted.body)


def wanted_parts(offer: Mapping[str, Any], *, on: date, terms: DeliveryTerms) -> WantedParts:
    """The wanted parts of an offer, on a day in Paris."""
    only_seconde = tuple(offer["levels"]) == ("seconde",)
    parts = map_offer(offer, on=on, terms=terms)
    return {"lycee" if part.suffix == "l" or only_seconde else "college": part for part in parts}


def body_digest(body: Mapping[str, Any]) -> str:
    """SHA-256 of a body without its remote id; equal digests need no call."""
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()


def set_wanted_state(delivery: Delivery, wanted: WantedParts, *, sequence: int, account: str, now: int) -> Delivery:
    """The delivery with each part in its wanted state.

    Only the last change counts; intermediate changes are never sent. Idempotent for the same change.
    """
    after = delivery
    for group in GROUPS:
        after = _set_part(after, group, wanted.get(group), sequence=sequence, account=account, now=now)
    return replace(after, sequence=sequence)


def next_call(part: DeliveryPart, wanted: WantedPart | None, *, account: str) -> Due | None:
    """The due call of a pending part; None if there is none, or none before another day."""
    if part.state != "pending":
        return None
    deliverability = None if wanted is None or part.account != account else wanted.deliverability
    if is_leaving(part, deliverability):
        return Due("delete", part)
    if isinstance(deliverability, Past) and part.sequence is None and part.attempt is not None:
        return Due("create", part)
    if not isinstance(deliverability, Ready):
        return None
    return Due("create" if part.sequence is None else "update", part, deliverability)


def is_leaving(part: DeliveryPart, deliverability: Deliverability | None) -> bool:
    """Whether the part is to be deleted at the site. A deletion that was begun is completed: it may have happened. An
    offer that moved to the next school year is deleted too: its copy there names weeks that it no longer offers.
    """
    begun = part.attempt is not None and part.attempt.call == "delete"
    return part.there and (
        begun or deliverability is None or isinstance(deliverability, NotDeliverable | DeliverableLater)
    )


def _set_part(
    delivery: Delivery, group: Group, wanted: WantedPart | None, *, sequence: int, account: str, now: int
) -> Delivery:
    part = delivery.part(group)
    if part is not None and part.state == "moderated":
        return delivery  # the site's moderators took it down: only the operator may send it again
    if part is not None and part.there:
        deliverability = None if wanted is None or part.account != account else wanted.deliverability
        return delivery.with_part(_set_held(part, deliverability, sequence, delivery.sequence, now))
    if wanted is None:
        idle = part is None or part.state in {"withdrawn", "dead"}
        return delivery if part is None or idle else delivery.with_part(_in_state(part, "withdrawn", now))
    if part is not None and part.state == "refused" and part.account == account and delivery.sequence == sequence:
        return delivery  # reported to the publisher; the same body would be refused again
    delivery, part = _fresh(delivery, group, wanted.suffix, account=account, now=now)
    return delivery.with_part(_set_absent(part, wanted.deliverability, now))


def _set_held(
    part: DeliveryPart, deliverability: Deliverability | None, sequence: int, before: int, now: int
) -> DeliveryPart:
    """The new state of a part that the site holds, or may hold."""
    if is_leaving(part, deliverability):
        return _in_state(part, "pending", now, until=None)
    match deliverability:
        case Ready(body=body):
            if part.attempt is None and part.digest == body_digest(body):
                return replace(_in_state(part, "delivered", now, until=None), sequence=sequence)
            if part.state == "refused" and before == sequence:
                return part
            return _in_state(part, "pending", now, until=None)
    # Its school year is over at the site: the copy there stays unchanged.
    settled = part.state == "pending" and part.attempt is None
    return _in_state(part, "delivered", now, until=None) if settled else part


def _set_absent(part: DeliveryPart, deliverability: Deliverability, now: int) -> DeliveryPart:
    """The new state of a part that the site does not hold; its remote id was never used."""
    match deliverability:
        case Ready():
            return _in_state(part, "pending", now, until=None)
        case DeliverableLater(until=day):
            return _in_state(part, "pending", now, until=day.isoformat())
        case NotDeliverable(refusals=refusals) | Past(refusals=refusals):
            problems = tuple(refusal.to_json() for refusal in refusals)
            return replace(_in_state(part, "not-deliverable", now, until=None), problems=problems)


def _fresh(
    delivery: Delivery, group: Group, suffix: Suffix, *, account: str, now: int
) -> tuple[Delivery, DeliveryPart]:
    """The part to create: the last one if its remote id was never used, else a new generation."""
    last = delivery.part(group)
    if last is not None and last.sequence is None and last.attempt is None and last.state != "dead":
        return delivery, replace(last, account=account)
    if last is not None and last.state != "dead":
        delivery = delivery.with_part(_in_state(last, "dead", now))
    generation = 1 if last is None else last.generation + 1
    while (name := remote_id(delivery.id, suffix, generation)) in delivery.remote_ids():
        generation += 1
    return delivery, DeliveryPart(
        group=group, generation=generation, account=account, state="pending", since=now, remote_id=name
    )


def _in_state(part: DeliveryPart, state: str, now: int, **changes: Any) -> DeliveryPart:
    """The part in this state; problems and ``since`` are kept while the state is the same."""
    if part.state != state:
        changes = {"state": state, "since": now, "problems": (), **changes}
    return replace(part, **changes)
