"""Progress of an operator's order, on ``deliveries`` under own keys. Pure.

An order that takes minutes cannot be one transaction. Its plan is written first (``Progress``); each step is then
marked as done together with its effect, or right after it if the effect is a call to the site. The next owner resumes
at the first step that is not marked. Only the interrupted call can thus be made twice, and each of those calls is
idempotent.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import orjson

from gateway.protocol.delivery_order import Placed
from gateway.protocol.record import Record

_PROGRESS = "progress"
_CHUNK = 500
"""Steps per record: well below the log's maximum record size."""

Step: TypeAlias = tuple[str, ...]
"""A step and its arguments: ``("delete", remote id)``."""
Write: TypeAlias = Callable[[Record], None]
"""Writes a record of the account's own, in a unit of work."""


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

    def plan(self, write: Write, steps: Iterable[Step], *, answer: Mapping[str, Any]) -> None:
        """Write the plan, and the answer as far as it is known."""
        planned = list(steps)
        chunks = [planned[first : first + _CHUNK] for first in range(0, len(planned), _CHUNK)]
        self.chunks = dict(enumerate(chunks))
        for number, chunk in self.chunks.items():
            write(Record(self._key(number), orjson.dumps(chunk)))
        self.note(write, done=0, chunks=len(chunks), answer=answer)

    def note(self, write: Write, **state: Any) -> None:
        """Update and write the state."""
        self.state |= state
        write(Record(self._key(), orjson.dumps(self.state)))

    def done(self, write: Write, number: int = 1, **state: Any) -> None:
        """Mark the next ``number`` steps as done."""
        self.note(write, done=self.state.get("done", 0) + number, **state)

    def end(self, write: Write) -> None:
        """Delete the progress, in the transaction that answers the order."""
        if self.begun:
            for key in (self._key(), *(self._key(number) for number in range(self.state.get("chunks", 0)))):
                write(Record(key, None))

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
