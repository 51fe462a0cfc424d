"""Results of reading a feed: its items, then exactly one ``FeedComplete`` or ``FeedUnusable``."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from adapters.formats.problem import ReadingProblem
from adapters.formats.sector_rule import Fallback


@dataclass(frozen=True, slots=True)
class Position:
    """Position of an item in its source: its number, from 0, and its first line, from 1."""

    index: int
    line: int

    def __str__(self) -> str:
        return f"{self.index} (l. {self.line})"


@dataclass(frozen=True, slots=True)
class OfferItem:
    """An offer of the shared schema without its revision, which the caller sets. ``schemas.check`` has not run on it.

    ``problems`` are those of reading. With an error among them (``refused``) the offer exists but must not be
    published, and ``document`` holds its readable fields. ``judge`` joins both verdicts. ``fallback`` gives the origin
    of a sector that no value of the item names.
    """

    position: Position
    id: str
    document: dict[str, Any]
    problems: tuple[ReadingProblem, ...] = ()
    fallback: Fallback | None = None

    @property
    def refused(self) -> bool:
        """Whether a value that the offer needs is unreadable."""
        return any(trouble.severity == "error" for trouble in self.problems)


@dataclass(frozen=True, slots=True)
class Retraction:
    """An earlier item that must not be published after all, with the reason."""

    position: Position
    problem: ReadingProblem


@dataclass(frozen=True, slots=True)
class BrokenItem:
    """An item that should be an offer and cannot be one.

    ``id`` is None if it is unreadable: the caller then does not know which offer is present, and must withdraw none for
    its absence. ``retraction`` is the first item of the same id, set on the first item that differs from it.
    """

    position: Position
    id: str | None
    problems: tuple[ReadingProblem, ...]
    retraction: Retraction | None = None


@dataclass(frozen=True, slots=True)
class RepeatedItem:
    """An item with the same id and the same offer as an ``earlier`` one: the offer counts once."""

    position: Position
    id: str
    earlier: Position


@dataclass(frozen=True, slots=True)
class PassedItem:
    """An item excluded by the mapping's conditions."""

    position: Position
    id: str | None


@dataclass(frozen=True, slots=True)
class FeedComplete:
    """The end of a feed that was read completely. ``count``: its number of items; ``problems``: warnings."""

    count: int
    problems: tuple[ReadingProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedUnusable:
    """The end of a feed that is cut or malformed. No item before it may be applied."""

    count: int
    problems: tuple[ReadingProblem, ...]


Item: TypeAlias = OfferItem | BrokenItem | RepeatedItem | PassedItem | FeedComplete | FeedUnusable
