"""Case: one test of a requirement, as a document with its verdict or as a script of steps."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeAlias

from conformance.model.step import Step
from conformance.words import Texts

Role: TypeAlias = Literal["gateway", "publisher", "subscriber", "national"]
ROLES: tuple[Role, ...] = ("gateway", "publisher", "subscriber", "national")
Kind: TypeAlias = Literal["offer", "withdrawal", "submission"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict that every judge must reach: code and JSON Pointer of each problem."""

    accepted: bool
    problems: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document to judge. ``template`` is its JSON value, or its text or bytes where JSON cannot hold it; ``size``
    pads it with blanks to so many bytes. ``on`` is the day that it was written for; ``live`` is False where the
    expected verdict holds only on that day or under that name.
    """

    kind: Kind
    template: Any
    on: date
    live: bool
    size: int | None
    expected: Verdict


@dataclass(frozen=True, slots=True)
class Script:
    """Steps in order, each with its expectation."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case. ``feature`` names an optional feature; ``unsupported`` cases are for partners without it."""

    id: str
    requirements: tuple[str, ...]
    roles: frozenset[Role]
    title: Texts
    explanation: Texts
    mend: Texts
    subject: Document | Script
    feature: str | None = None
    unsupported: bool = False

    @property
    def family(self) -> str:
        """The folder of the case, its subject."""
        return self.id.partition("/")[0]
