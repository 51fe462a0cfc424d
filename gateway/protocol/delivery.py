"""Deliveries: the state of an offer at the national site, by part and generation, as stored on the log. Pure.

An offer that mixes collège and seconde is two offers there, so its delivery has a *part* per level group. An offer
deleted there can never return under its remote id: a part that is published again begins a new *generation*, and the
old one stays in the record, dead. The last part of a group is the current one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypeAlias

import orjson

from gateway.protocol.record import Record, read_utc, utc
from gateway.protocol.value import from_members
from schemas.closed_list import closed_list

Json: TypeAlias = Mapping[str, Any]
Group: TypeAlias = Literal["college", "lycee"]
Call: TypeAlias = str
"""One of the closed list ``call``."""
State: TypeAlias = str
"""One of the closed list ``delivery``."""
STATES: tuple[State, ...] = closed_list("current_delivery")
"""Those of a current part."""

GROUPS: tuple[Group, ...] = ("college", "lycee")
CALLS: tuple[Call, ...] = closed_list("call")
QUEUE = (*CALLS, "later", "doubt")
"""The keys of the counts of due calls in a note: of each kind those due now, and the others."""


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """The due calls of an account: ``queue`` by kind of call, ``states`` of the parts, ``codes`` of their problems."""

    account: str
    queue: Mapping[str, int]
    states: Mapping[str, int]
    codes: Mapping[str, int]

    @property
    def calls(self) -> int:
        """Number of calls due now."""
        return sum(self.queue[name] for name in CALLS)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call that may have been made: it is on the log before it is sent, so that no crash loses it.

    ``sequence`` and ``digest`` are those of the change and of the body sent.
    """

    call: Call
    sequence: int
    digest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPart:
    """One offer at the national site, or one that may come to be there.

    ``sequence`` and ``digest``: the last change, and the body, that the site is known to hold; None when it never held
    any. ``answered``: the weeks and grades in the site's answer, where they differ from those sent. ``visible``:
    whether pupils can find it, None before a check. ``until``: the day before which a pending part cannot be sent.
    ``since``: when its state began, ``delivered_at``: when it was last delivered (both ms since 1970).
    """

    group: Group
    generation: int
    account: str
    state: State
    since: int
    remote_id: str | None = None
    sequence: int | None = None
    digest: str | None = None
    attempt: Attempt | None = None
    answered: Json | None = None
    visible: bool | None = None
    adopted: bool = False
    until: str | None = None
    delivered_at: int | None = None
    problems: tuple[Json, ...] = ()

    @property
    def there(self) -> bool:
        """Whether the site holds it, or may hold it, so that a withdrawal takes a call."""
        return self.state not in {"withdrawn", "dead", "moderated"} and (
            self.sequence is not None or self.attempt is not None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One record of ``deliveries``. ``sequence`` is the offer's last change that the connector has handled."""

    id: str
    sequence: int
    parts: tuple[DeliveryPart, ...] = ()

    def part(self, group: Group) -> DeliveryPart | None:
        """The current part of a group: its last generation."""
        return next((part for part in reversed(self.parts) if part.group == group), None)

    def current(self) -> tuple[DeliveryPart, ...]:
        """The current part of each group that has any."""
        return tuple(part for part in map(self.part, GROUPS) if part is not None)

    def with_part(self, part: DeliveryPart) -> "Delivery":
        """The delivery with this part, which replaces the one of its group and generation or is added."""
        identity = (part.group, part.generation)
        others = [one for one in self.parts if (one.group, one.generation) != identity]
        return replace(self, parts=tuple(sorted([*others, part], key=lambda one: (one.group, one.generation))))

    def remote_ids(self) -> frozenset[str]:
        """Every remote id that the offer ever had, dead ones included: none may be assigned again."""
        return frozenset(part.remote_id for part in self.parts if part.remote_id is not None)


def is_delivery(key: bytes) -> bool:
    """Whether a record of ``deliveries`` is a delivery: keys with a slash are the connector's own notes and orders."""
    return b"/" not in key


def delivery_record(delivery: Delivery) -> Record:
    """A record of ``deliveries``: key the offer id, value its document (schema ``delivery``)."""
    return Record(delivery.id.encode(), orjson.dumps(delivery_document(delivery)))


def delivery_document(delivery: Delivery) -> dict[str, Any]:
    """The delivery as JSON: unset members are left out, instants are in UTC."""
    parts = [_part_document(part) for part in delivery.parts]
    return {"id": delivery.id, "sequence": delivery.sequence, "parts": parts}


def read_delivery(key: bytes, value: bytes) -> Delivery:
    """The inverse of ``delivery_record``. Raises ValueError or KeyError on anything that the gateway did not write."""
    body = orjson.loads(value)
    parts = tuple(_read_part(part) for part in body["parts"])
    return Delivery(id=key.decode(), sequence=body["sequence"], parts=parts)


_INSTANTS = ("since", "delivered_at")


def _part_document(part: DeliveryPart) -> dict[str, Any]:
    document = _set_fields(part)
    document.update((name, utc(document[name])) for name in _INSTANTS if name in document)
    if part.problems:
        document["problems"] = list(part.problems)
    if part.attempt is not None:
        document["attempt"] = _set_fields(part.attempt)
    return document


def _set_fields(value: DeliveryPart | Attempt) -> dict[str, Any]:
    """The fields with a value. A False ``visible`` is a value; a False ``adopted`` is not."""
    items = ((spec.name, getattr(value, spec.name)) for spec in fields(value))
    return {name: item for name, item in items if item not in (None, ()) and (item or name != "adopted")}


def _read_part(body: dict[str, Any]) -> DeliveryPart:
    body.update((name, read_utc(body[name])) for name in _INSTANTS if name in body)
    if "attempt" in body:
        body["attempt"] = from_members(Attempt, body["attempt"])
    body["problems"] = tuple(body.get("problems", ()))
    return from_members(DeliveryPart, body)
