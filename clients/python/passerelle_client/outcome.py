"""Outcomes of documents, one by one and in sum."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from passerelle_client.errors import Language, say

VERDICTS = ("accepted", "duplicate", "stale", "rejected", "refused", "pending", "valid")
"""``refused``: by the schema or a rule, nothing is stored; ``rejected``: by its state, as a revision that was used for
other content; ``pending``: not decided in time; ``valid``: a dry run.
"""
LETTERS = {"a": "accepted", "d": "duplicate", "s": "stale", "j": "rejected", "r": "refused", "v": "valid"}
"""The verdict of each letter in ``statuses``; any other is pending."""
_GOOD = frozenset({"accepted", "duplicate", "valid"})
_MAX_WRONG = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of one document. ``index``: its place in a batch or snapshot, None where the gateway does not say it.
    ``current``: the revision that the gateway has where the document's is stale.
    """

    verdict: str
    id: str = ""
    index: int | None = None
    revision: int | None = None
    receipt: str = ""
    problems: Sequence[Mapping[str, Any]] = ()
    current: int | None = None

    @property
    def ok(self) -> bool:
        """Whether the gateway has, or would take, this content."""
        return self.verdict in _GOOD

    @classmethod
    def read(cls, result: Mapping[str, Any]) -> "Outcome":
        """A receipt, or an item of a batch with its verdict."""
        return cls(
            verdict=result["verdict"],
            id=result.get("id") or "",
            index=result.get("index"),
            revision=result.get("revision"),
            receipt=result.get("receipt") or "",
            problems=result.get("problems") or (),
            current=(result.get("current") or {}).get("revision"),
        )


@dataclass(slots=True)
class Summary:
    """The outcome of a batch or snapshot: documents by verdict, the first thousand outcomes that are not good or have
    warnings, problems by code, how many refused ones came without their problems (``omitted``), and how many of a
    snapshot's absent offers are withdrawn.
    """

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[Outcome] = field(default_factory=list)
    rules: Counter[str] = field(default_factory=Counter)
    omitted: int = 0
    withdrawn: int = 0
    receipts: list[str] = field(default_factory=list)
    """The addresses of the decisions that were not waited for."""

    @property
    def ok(self) -> bool:
        """Whether the gateway has all the content that was sent."""
        return all(verdict in _GOOD for verdict, number in self.counts.items() if number)

    def add(self, outcome: Outcome) -> None:
        """Count one more document."""
        self.counts[outcome.verdict] += 1
        if outcome.problems and len(self.wrong) < _MAX_WRONG:
            self.wrong.append(outcome)

    def note(self, answer: Mapping[str, Any]) -> None:
        """Add what the answer to a batch or snapshot counts."""
        self.rules.update(answer["rules"])
        self.rules.update(answer["warnings"])
        self.omitted += answer.get("omitted", {}).get("items", 0)

    def leave(self, number: int, receipts: str) -> None:
        """Count documents as pending, whose decisions will be at this address."""
        if number:
            self.counts["pending"] += number
            self.receipts.append(receipts)

    def note_decision(self, outcome: Outcome) -> None:
        """Add the problem of a document that was decided after the answer."""
        if not outcome.ok and outcome.problems:
            self.rules[outcome.problems[0]["code"]] += 1

    def text(self, language: Language) -> str:
        """The counts as a sentence."""
        parts = [f"{self.counts[one]} {say(f'verdict-{one}', language)}" for one in VERDICTS if self.counts[one]]
        if self.withdrawn:
            parts.append(say("withdrawn", language, number=self.withdrawn))
        return say("summary", language, items=self.counts.total(), text=", ".join(parts))
