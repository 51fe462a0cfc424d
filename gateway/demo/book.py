"""Books: what each platform sent, what it expects to stand, and what it was told."""

from collections import Counter
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any, Literal, TypeAlias

Outcome: TypeAlias = Literal["accepted", "duplicate", "stale", "refused"]


@dataclass(frozen=True, slots=True)
class Sending:
    """One document to send, and what must become of it. ``codes`` are all its problems; ``document`` is None for a
    withdrawal.
    """

    id: str
    revision: int
    raw: bytes
    expected: Outcome
    codes: frozenset[str] = frozenset()
    document: dict[str, Any] | None = None


@dataclass(slots=True)
class Book:
    """One platform's account. ``live`` holds what stands after everything sent: revision, department, raw document."""

    platform: str
    name: str
    sent: int = 0
    accepted: int = 0
    warned: int = 0
    refused: int = 0
    updated: int = 0
    withdrawn: int = 0
    duplicate: int = 0
    stale: int = 0
    live: dict[str, int] = field(default_factory=dict)
    raw: dict[str, bytes] = field(default_factory=dict)
    departments: dict[str, str] = field(default_factory=dict)
    open: dict[str, Sending] = field(default_factory=dict)
    """Receipt id → what is not decided yet."""
    surprises: list[str] = field(default_factory=list)
    """Whatever was not answered as it must be."""

    def surprise(self, sentence: str) -> None:
        """Note an answer that is wrong."""
        self.surprises.append(f"{self.platform}: {sentence}")


@dataclass(slots=True)
class Reasons:
    """Why offers were refused or warned about: how often each code, and the first message in French."""

    counts: Counter[str] = field(default_factory=Counter)
    severities: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)

    def add(self, problem: dict[str, Any]) -> None:
        """Count one problem of an answer."""
        code = problem["code"]
        self.counts[code] += 1
        self.severities.setdefault(code, problem["severity"])
        self.messages.setdefault(code, problem["message"])


@dataclass(slots=True)
class Stopwatch:
    """From sending a revision to seeing it at the national subscriber, in seconds."""

    begun: dict[tuple[str, int], float] = field(default_factory=dict)
    taken: list[float] = field(default_factory=list)

    def begin(self, offer_id: str, revision: int, now: float) -> None:
        """The document leaves its publisher."""
        self.begun[offer_id, revision] = now

    def end(self, offer_id: str, revision: int, now: float) -> None:
        """The subscriber sees it, for the first time or again."""
        began = self.begun.pop((offer_id, revision), None)
        if began is not None:
            self.taken.append(now - began)

    def percentiles(self) -> tuple[float, float] | None:
        """Median and 99th percentile, or None for too few."""
        if len(self.taken) < 2:
            return None
        cuts = quantiles(self.taken, n=100, method="inclusive")
        return cuts[49], cuts[98]
