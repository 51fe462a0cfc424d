"""Orders of the operator to an account's owner, and their answers, on ``deliveries`` under own keys. Pure.

The command line does not own the account and must not call the site alongside the owner. It writes an order, and reads
the answer that the owner writes under the same key once all steps are done.

An order that takes minutes cannot be one transaction. Its plan is written first (``Progress``); each step is then
marked as done together with its effect, or right after it if the effect is a call to the site. The next owner resumes
at the first step that is not marked. Only the interrupted call can thus be made twice, and each of those calls is
idempotent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol, TypeAlias

import orjson

from gateway.protocol.record import Record

_ORDER = "order"
_NOTE = "account"
_PROGRESS = "progress"
_CHUNK = 500
"""Steps per record: well below the log's maximum record size."""

Step: TypeAlias = tuple[str, ...]
"""A step and its arguments: ``("delete", remote id)``."""


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

_NAMES: Mapping[type, str] = {Replay: "replay", Adopt: "adopt", Reconcile: "reconcile", Erase: "erase"}


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
    fields = {"order": _NAMES[type(placed.order)], **asdict(placed.order)}
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


def _order(body: Mapping[str, Any]) -> Order:
    match body["order"]:
        case "replay":
            return Replay(tuple(body["offers"]))
        case "adopt":
            return Adopt(body["platform"], body["apply"], body["confirm"])
        case "reconcile":
            return Reconcile(body["repair"], body["confirm"])
        case "erase":
            return Erase(body["offer"])
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


class Writes(Protocol):
    """The unit of work in which progress is written."""

    def write_home(self, record: Record) -> None:
        """Write a record of the account's own."""


@dataclass(slots=True)
class Progress:
    """``chunks`` is the plan, as records of the log; ``state`` holds the number of done steps, and counts."""

    placed: Placed
    state: dict[str, Any] = field(default_factory=dict)
    chunks: dict[int, Sequence[Step]] = field(default_factory=dict)

    @property
    def begun(self) -> bool:
        """Whether anything of the order was done or planned."""
        return bool(self.state)

    @property
    def steps(self) -> list[Step]:
        """The remaining steps, in order."""
        planned = [step for number in sorted(self.chunks) for step in self.chunks[number]]
        return planned[self.state.get("done", 0) :]

    def plan(self, unit: Writes, steps: Iterable[Step], *, answer: Mapping[str, Any]) -> None:
        """Write the plan, and the answer as far as it is known."""
        planned = list(steps)
        chunks = [planned[first : first + _CHUNK] for first in range(0, len(planned), _CHUNK)]
        self.chunks = dict(enumerate(chunks))
        for number, chunk in self.chunks.items():
            unit.write_home(Record(self._key(number), orjson.dumps(chunk)))
        self.note(unit, done=0, chunks=len(chunks), answer=answer)

    def note(self, unit: Writes, **state: Any) -> None:
        """Update and write the state."""
        self.state |= state
        unit.write_home(Record(self._key(), orjson.dumps(self.state)))

    def done(self, unit: Writes, number: int = 1, **state: Any) -> None:
        """Mark the next ``number`` steps as done."""
        self.note(unit, done=self.state.get("done", 0) + number, **state)

    def end(self, unit: Writes) -> None:
        """Delete the progress, in the transaction that answers the order."""
        if self.begun:
            for key in (self._key(), *(self._key(number) for number in range(self.state.get("chunks", 0)))):
                unit.write_home(Record(key, None))

    def _key(self, chunk: int | None = None) -> bytes:
        key = f"{_PROGRESS}/{self.placed.account}/{self.placed.number}"
        return (key if chunk is None else f"{key}/{chunk}").encode()


class ProgressReader:
    """Collects the progress of an account's orders from the records of ``deliveries``, in the log's order."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._states: dict[str, dict[str, Any]] = {}
        self._chunks: dict[str, dict[int, Sequence[Step]]] = {}

    def apply(self, key: bytes, value: bytes | None) -> bool:
        """Apply a record; returns whether it holds progress."""
        kind, _, rest = key.decode(errors="replace").partition("/")
        if kind != _PROGRESS:
            return False
        account, _, name = rest.partition("/")
        number, _, chunk = name.partition("/")
        if account != self._account:
            return True
        if value is None:
            self._states.pop(number, None)
            self._chunks.pop(number, None)
        elif chunk:
            self._chunks.setdefault(number, {})[int(chunk)] = [tuple(step) for step in orjson.loads(value)]
        else:
            self._states[number] = orjson.loads(value)
        return True

    def of(self, placed: Placed) -> Progress:
        """The progress of an order."""
        return Progress(placed, dict(self._states.get(placed.number, {})), dict(self._chunks.get(placed.number, {})))
