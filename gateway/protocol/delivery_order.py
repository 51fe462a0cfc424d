"""Orders of the operator to the owner of an account at the national site, their answers, and the owner's notes: records
of ``deliveries`` under own keys. Pure.

An operator's command or request does not own the account and must not call the site alongside the owner. It writes an
order, and reads the answer that the owner writes under the same key once all steps are done.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeAlias

import orjson

from gateway.protocol.record import Record
from gateway.protocol.value import from_members

ANY_PLATFORM = "*"
"""Among the platforms of a note: the account delivers for each platform that no other account names."""
_ORDER = "order"
_NOTE = "account"


@dataclass(frozen=True, slots=True)
class Replay:
    """Retry refused, given-up or moderated parts: those of the named offers, else every dead letter of the account."""

    offers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Adopt:
    """Take over the offers that a platform pushed by itself. Without ``apply``, only report the plan."""

    platform: str
    apply: bool = False
    confirm: int | None = None


@dataclass(frozen=True, slots=True)
class Reconcile:
    """Compare the site's index with the offers; ``repair`` also repairs the differences."""

    repair: bool = False
    confirm: int | None = None


@dataclass(frozen=True, slots=True)
class Erase:
    """Overwrite the content that the site keeps of a deleted offer."""

    offer: str


Order: TypeAlias = Replay | Adopt | Reconcile | Erase

NAMES: Mapping[type[Order], str] = {Replay: "replay", Adopt: "adopt", Reconcile: "reconcile", Erase: "erase"}


@dataclass(frozen=True, slots=True)
class Placed:
    """An order on the log, with its answer once there is one."""

    account: str
    number: str
    order: Order
    answer: Mapping[str, Any] | None = None

    @property
    def key(self) -> bytes:
        """The record key of both order and answer."""
        return f"{_ORDER}/{self.account}/{self.number}".encode()


def order_record(placed: Placed) -> Record:
    """An order, with its answer once there is one."""
    fields = {"order": NAMES[type(placed.order)], **asdict(placed.order)}
    body = fields if placed.answer is None else {**fields, "answer": placed.answer}
    return Record(placed.key, orjson.dumps(body))


def answer_record(placed: Placed, answer: Mapping[str, Any]) -> Record:
    """The order with its answer, under the key of the order."""
    return order_record(replace(placed, answer=answer))


def read_order(key: bytes, value: bytes) -> Placed | None:
    """The order that a record of ``deliveries`` holds; None when it holds something else."""
    kind, _, rest = key.decode(errors="replace").partition("/")
    account, _, number = rest.partition("/")
    if kind != _ORDER or not number:
        return None
    body = orjson.loads(value)
    return Placed(account, number, _order(body), body.get("answer"))


def _order(body: dict[str, Any]) -> Order:
    for kind, name in NAMES.items():
        if body["order"] == name:
            return from_members(kind, {**body, "offers": tuple(body.get("offers", ()))})
    raise ValueError(f"unknown order: {body['order']!r}")


def note_key(account: str) -> bytes:
    """The key of an account's note: state of its queue, and the site's last answers."""
    return f"{_NOTE}/{account}".encode()


def note_record(account: str, note: Mapping[str, Any]) -> Record:
    """An account's note."""
    return Record(note_key(account), orjson.dumps(note))


def read_note(key: bytes, value: bytes) -> tuple[str, Mapping[str, Any]] | None:
    """Account and note that a record of ``deliveries`` holds; None when it holds something else."""
    kind, _, account = key.decode(errors="replace").partition("/")
    return (account, orjson.loads(value)) if kind == _NOTE else None
