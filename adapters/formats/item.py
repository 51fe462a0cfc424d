"""What a reading gives: items one after another, and at the end, always, whether the feed was whole."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from adapters.formats.problem import ReadingProblem
from adapters.formats.sector_rule import Fallback


@dataclass(frozen=True, slots=True)
class Position:
    """Where an item stands in its source: its number, from 0, and the line on which it begins, from 1."""

    index: int
    line: int

    def __str__(self) -> str:
        return f"{self.index} (l. {self.line})"


@dataclass(frozen=True, slots=True)
class OfferItem:
    """An offer of the shared schema, but for its revision, which the caller sets. ``schemas.check`` has not seen it.

    ``problems`` is what reading it met. With an error among them (``refused``) the offer is known to exist but must not
    be published; the document then shows what could be read. ``judge`` joins both verdicts. ``fallback`` says how the
    sector was given where no value of the item names it.
    """

    position: Position
    id: str
    document: dict[str, Any]
    problems: tuple[ReadingProblem, ...] = ()
    fallback: Fallback | None = None

    @property
    def refused(self) -> bool:
        """Whether a value could not be read that the offer must not go without."""
        return any(trouble.severity == "error" for trouble in self.problems)


@dataclass(frozen=True, slots=True)
class Retraction:
    """An earlier item that must not be published after all, and why."""

    position: Position
    problem: ReadingProblem


@dataclass(frozen=True, slots=True)
class BrokenItem:
    """Something that should have been an offer. ``id`` is None where it could not be read: then the caller cannot know
    which offer is still there, and must withdraw none for being absent. ``retraction`` is the first item of the same
    id, where this one is the first that differs from it.
    """

    position: Position
    id: str | None
    problems: tuple[ReadingProblem, ...]
    retraction: Retraction | None = None


@dataclass(frozen=True, slots=True)
class RepeatedItem:
    """An item that comes to the same offer as an ``earlier`` one of its id: the offer counts once."""

    position: Position
    id: str
    earlier: Position


@dataclass(frozen=True, slots=True)
class PassedItem:
    """An item that the mapping's conditions leave out on purpose."""

    position: Position
    id: str | None


@dataclass(frozen=True, slots=True)
class FeedComplete:
    """The end of a feed that was read whole. ``count`` is how many items came before; ``problems`` are warnings."""

    count: int
    problems: tuple[ReadingProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedUnusable:
    """The end of a feed that is cut, or is not what it should be. Nothing may be changed, whatever came before."""

    count: int
    problems: tuple[ReadingProblem, ...]


Item: TypeAlias = OfferItem | BrokenItem | RepeatedItem | PassedItem | FeedComplete | FeedUnusable
