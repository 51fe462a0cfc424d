"""What a reading consists of: records before mapping, items after it, their limits and their verdict.

The items of a feed end with exactly one ``FeedComplete`` or ``FeedUnusable``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

import orjson

import schemas
from adapters.formats.problem import ReadingProblem, for_item
from adapters.formats.sector import Fallback
from schemas import Verdict

ITEM_CHARACTERS = 1024 * 1024
"""Longest item, in characters of its source."""
ITEM_NODES = 10_000
"""Most elements and attributes of an XML item."""
DEPTH = 64
"""Deepest nesting."""
FEED_ITEMS = 200_000
"""Most items of a feed; more than all offers of all Regions together."""

Content: TypeAlias = Mapping[str, Any]
"""JSON members; an XML element's attributes (``@name``), children and text (``#text``); a row's cells by column."""


@dataclass(frozen=True, slots=True)
class Record:
    """One item of the source. With a ``problem``, ``content`` holds the part that was read before it."""

    line: int
    content: Content
    problem: ReadingProblem | None = None


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


def judge(item: OfferItem, *, revision: int, on: date) -> Verdict:
    """The verdict on the offer with ``revision``. An unreadable field is not reported as missing as well."""
    document = {"id": item.id, "revision": revision, **item.document}
    verdict = schemas.check(orjson.dumps(document), on=on)
    unread = [trouble.pointer for trouble in item.problems if trouble.severity == "error"]
    compared = any(trouble.code == "city-mismatch" for trouble in item.problems)
    others = [
        for_item(trouble)
        for trouble in verdict.problems
        if not (trouble.code == "field-missing" and any(_is_within(trouble.pointer, pointer) for pointer in unread))
        and not (trouble.code == "city-unlisted" and compared)
    ]
    problems = tuple(sorted([*item.problems, *others], key=lambda trouble: trouble.severity))
    if item.refused and verdict.accepted:
        return Verdict(accepted=False, problems=problems, id=verdict.id, revision=revision, document=verdict.document)
    return verdict._replace(problems=problems)


def _is_within(pointer: str, other: str) -> bool:
    """Whether one of the two pointers is inside the other or equal to it."""
    return other.startswith(pointer) or pointer.startswith(f"{other}/")
