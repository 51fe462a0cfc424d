"""The history of a run: requests with their answers, changes read by subscribers, the log's final content.

Instants are seconds of one monotonic clock, the harness's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["publish", "withdraw"]
Outcome: TypeAlias = Literal["decided", "queued", "delivered", "unknown", "refused", "wrong"]
"""``decided`` and ``queued`` are acknowledgements with a receipt, ``delivered`` one of the broker, on an inbox;
``refused`` is certainly not written; ``unknown`` may be; ``wrong`` is an answer that no fault excuses.
"""
ACKNOWLEDGED: frozenset[Outcome] = frozenset({"decided", "queued", "delivered"})
GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sending of one revision of one offer. A revision has the same content each time."""

    id: str
    revision: int
    kind: Kind
    sent_at: float
    answered_at: float
    outcome: Outcome
    receipt: str | None = None
    verdict: str | None = None
    sequence: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """One change as a subscriber read it. ``revision`` is that of an upsert's document."""

    op: Literal["upsert", "removal"]
    id: str
    sequence: int
    revision: int | None = None


@dataclass(slots=True)
class Reading:
    """The changes that one subscriber read from one start on. ``standing`` is off once it had to begin again; ``quiet``
    means that it began after the last change, so that it must get each live offer once, and nothing else.
    """

    name: str
    seen: list[Seen] = field(default_factory=list)
    standing: bool = True
    quiet: bool = False

    @property
    def held(self) -> dict[str, int]:
        """The subscriber's copy: id → sequence."""
        held: dict[str, int] = {}
        for change in self.seen:
            if change.op == "upsert":
                held[change.id] = change.sequence
            else:
                held.pop(change.id, None)
        return held


@dataclass(frozen=True, slots=True)
class Receipt:
    """One record of ``receipts``; ``position`` is partition and offset of its submission."""

    receipt: str
    id: str
    publisher: str
    verdict: str
    revision: int
    sequence: int | None
    position: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Standing:
    """The last record of ``offers`` for one offer."""

    revision: int
    sequence: int
    live: bool


@dataclass(slots=True)
class History:
    """All external observations."""

    attempts: list[Attempt] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Ending:
    """The log's content after the last change. ``visible`` gives, per name of a reading, the live offers that
    it may see: id → sequence.
    """

    receipts: Sequence[Receipt]
    offers: Mapping[str, Standing]
    visible: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
