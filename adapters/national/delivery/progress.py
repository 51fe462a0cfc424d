"""Progress of an order: its remaining steps and what was done, on ``deliveries`` under the order's number.

An order that takes minutes cannot be one transaction. It is planned first, and the plan is written down; each step is
then marked as done together with its effect, or, where the effect is a call to the site, right after it. The next owner
goes on with the first step that is not marked, so that only the call that was cut off can be made twice, and each of
those calls changes nothing the second time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import orjson

from adapters.national.delivery.order import Placed
from gateway.protocol.record import Record

_PROGRESS = "progress"
_CHUNK = 500
"""Steps in one record: well below what a log takes."""

Step: TypeAlias = tuple[str, ...]
"""What to do, and with what: ``("delete", remote id)``."""


class Writes(Protocol):
    """The unit of work that progress is written in."""

    def write_home(self, record: Record) -> None:
        """Write a record of the account's own."""


@dataclass(slots=True)
class Progress:
    """``steps`` is the plan, in chunks as they are on the log; ``state`` holds how many steps are done, and counts."""

    placed: Placed
    state: dict[str, Any] = field(default_factory=dict)
    chunks: dict[int, Sequence[Step]] = field(default_factory=dict)

    @property
    def begun(self) -> bool:
        """Whether anything of the order was done or planned."""
        return bool(self.state)

    @property
    def steps(self) -> list[Step]:
        """The steps that are not done yet, in order."""
        planned = [step for number in sorted(self.chunks) for step in self.chunks[number]]
        return planned[self.state.get("done", 0) :]

    def plan(self, turn: Writes, steps: Iterable[Step], *, answer: Mapping[str, Any]) -> None:
        """Write down what is to be done, and the answer as far as it is known."""
        planned = list(steps)
        chunks = [planned[first : first + _CHUNK] for first in range(0, len(planned), _CHUNK)]
        self.chunks = dict(enumerate(chunks))
        for number, chunk in self.chunks.items():
            turn.write_home(Record(self._key(number), orjson.dumps(chunk)))
        self.note(turn, done=0, chunks=len(chunks), answer=answer)

    def note(self, turn: Writes, **state: Any) -> None:
        """Write down how far the order is."""
        self.state |= state
        turn.write_home(Record(self._key(), orjson.dumps(self.state)))

    def done(self, turn: Writes, number: int = 1, **state: Any) -> None:
        """Write down that the next steps are done."""
        self.note(turn, done=self.state.get("done", 0) + number, **state)

    def end(self, turn: Writes) -> None:
        """Forget the progress, in the transaction that answers the order."""
        if self.begun:
            for key in (self._key(), *(self._key(number) for number in range(self.state.get("chunks", 0)))):
                turn.write_home(Record(key, None))

    def _key(self, chunk: int | None = None) -> bytes:
        key = f"{_PROGRESS}/{self.placed.account}/{self.placed.number}"
        return (key if chunk is None else f"{key}/{chunk}").encode()


class ProgressReader:
    """Collects the progress of an account's orders from the records of ``deliveries``, in the log's order."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._states: dict[str, dict[str, Any]] = {}
        self._chunks: dict[str, dict[int, Sequence[Step]]] = {}

    def hear(self, key: bytes, value: bytes | None) -> bool:
        """Take in a record; whether it was one of progress."""
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
        """How far an order is."""
        return Progress(placed, dict(self._states.get(placed.number, {})), dict(self._chunks.get(placed.number, {})))
