"""Deliveries: what became of an offer at the national site, every part and generation of it, as the log keeps it. Pure.

An offer that mixes collège and seconde is two offers there, so its delivery has a *part* per level group. What was
deleted there can never come back under its remote id: a part that is published again begins a new *generation*, and the
old one stays in the record, dead. The last part of a group is the one that counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypeAlias

import orjson

from gateway.protocol.record import Record, read_utc, utc
from gateway.protocol.value import from_members

Json: TypeAlias = Mapping[str, Any]
Group: TypeAlias = Literal["college", "lycee"]
Call: TypeAlias = Literal["create", "update", "delete"]
State: TypeAlias = Literal["pending", "delivered", "refused", "withdrawn", "moderated", "not-deliverable", "dead"]

GROUPS: tuple[Group, ...] = ("college", "lycee")


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call that may have been made: it is on the log before it is sent, so that no crash can forget it.

    ``sequence`` and ``digest`` say of which change and with which body.
    """

    call: Call
    sequence: int
    digest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One offer at the national site, or one that may come to be there.

    ``sequence`` and ``digest``: the last change, and the body, that the site is known to hold; None when it never held
    any. ``answered``: the weeks and grades that it says it holds, where they differ from those sent. ``visible``:
    whether pupils can find it, None while nobody looked. ``until``: the day before which a pending part cannot go out.
    ``since``: when its state began, ``delivered_at``: when it last was delivered (both ms since 1970).
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
        """Whether the site holds it, or may hold it: withdrawing it then takes a call."""
        return self.state not in {"withdrawn", "dead", "moderated"} and (
            self.sequence is not None or self.attempt is not None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One record of ``deliveries``. ``sequence`` is the offer's last change that the connector has looked at."""

    id: str
    sequence: int
    parts: tuple[Part, ...] = ()

    def part(self, group: Group) -> Part | None:
        """The part of a group that counts: its last generation."""
        return next((part for part in reversed(self.parts) if part.group == group), None)

    def current(self) -> tuple[Part, ...]:
        """The part that counts, of each group that has any."""
        return tuple(part for part in map(self.part, GROUPS) if part is not None)

    def with_part(self, part: Part) -> "Delivery":
        """The same with this part in the place of the one of its group and generation, or added to them."""
        place = (part.group, part.generation)
        others = [one for one in self.parts if (one.group, one.generation) != place]
        return replace(self, parts=tuple(sorted([*others, part], key=lambda one: (one.group, one.generation))))

    def remote_ids(self) -> frozenset[str]:
        """Every remote id that it ever had, dead ones included: none of them may be given out again."""
        return frozenset(part.remote_id for part in self.parts if part.remote_id is not None)


def is_delivery(key: bytes) -> bool:
    """Whether a record of ``deliveries`` is a delivery: keys with a slash are the connector's own notes and orders."""
    return b"/" not in key


def delivery_record(delivery: Delivery) -> Record:
    """A record of ``deliveries``: key the offer id, value its document (schema ``delivery``)."""
    return Record(delivery.id.encode(), orjson.dumps(delivery_document(delivery)))


def delivery_document(delivery: Delivery) -> dict[str, Any]:
    """The delivery as JSON: what is unset is left out, instants in UTC."""
    parts = [_part_document(part) for part in delivery.parts]
    return {"id": delivery.id, "sequence": delivery.sequence, "parts": parts}


def read_delivery(key: bytes, value: bytes) -> Delivery:
    """The inverse of ``delivery_record``. ValueError or KeyError on anything that the gateway did not write."""
    body = orjson.loads(value)
    parts = tuple(_read_part(part) for part in body["parts"])
    return Delivery(id=key.decode(), sequence=body["sequence"], parts=parts)


_INSTANTS = ("since", "delivered_at")


def _part_document(part: Part) -> dict[str, Any]:
    document = _set_fields(part)
    document.update((name, utc(document[name])) for name in _INSTANTS if name in document)
    if part.problems:
        document["problems"] = list(part.problems)
    if part.attempt is not None:
        document["attempt"] = _set_fields(part.attempt)
    return document


def _set_fields(value: Part | Attempt) -> dict[str, Any]:
    """The fields that say something; ``visible`` says something when it is False."""
    items = ((spec.name, getattr(value, spec.name)) for spec in fields(value))
    return {name: item for name, item in items if item not in (None, ()) and (item or name != "adopted")}


def _read_part(body: dict[str, Any]) -> Part:
    body.update((name, read_utc(body[name])) for name in _INSTANTS if name in body)
    if "attempt" in body:
        body["attempt"] = from_members(Attempt, body["attempt"])
    body["problems"] = tuple(body.get("problems", ()))
    return from_members(Part, body)
