"""The parts of a reading: records before mapping, items after it, their limits and their verdict.

The items of a feed end with exactly one ``FeedComplete`` or ``FeedUnusable``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

import orjson

import schemas
from adapters.formats.problem import ReadingProblem, for_item, problem, rule_pointer
from adapters.formats.sector import Fallback
from schemas import Verdict
from schemas.registry import schema

ITEM_CHARACTERS = 1024 * 1024
"""Longest item, in characters of its source."""
ITEM_NODES = 10_000
"""Most elements and attributes of an XML item."""
DEPTH = 64
"""Deepest nesting."""
FEED_ITEMS = 200_000
"""Most items of a feed; more than all offers of all Regions together."""

_PAST = frozenset(("expired",))
"""Codes of verdicts on what is past: no ``optional`` publishes it again."""
_PAIR = ("/location/latitude", "/location/longitude")
_LEFT_EARLY = {"field-not-begun": "field-left-early", "value-not-begun": "value-left-early"}
_REQUIRED = frozenset(schema("offer")["required"])

Content: TypeAlias = Mapping[str, Any]
"""JSON members; an XML element's attributes (``@name``), children and text (``#text``); a row's cells by column."""


@dataclass(frozen=True, slots=True)
class SourceItem:
    """One item of the source. With a ``problem``, ``content`` holds the part that was read before it."""

    line: int
    content: Content
    problem: ReadingProblem | None = None


@dataclass(frozen=True, slots=True)
class ItemPosition:
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
    of a sector that no value of the item names. ``optional``: the paths of each optional field, by pointer: ``judge``
    leaves out a value of it that the verdict refuses.
    """

    position: ItemPosition
    id: str
    document: dict[str, Any]
    problems: tuple[ReadingProblem, ...] = ()
    fallback: Fallback | None = None
    optional: Mapping[str, str] = field(default_factory=dict)

    @property
    def refused(self) -> bool:
        """Whether a value that the offer needs is unreadable."""
        return any(one.severity == "error" for one in self.problems)


@dataclass(frozen=True, slots=True)
class Retraction:
    """An earlier item that must not be published after all, with the reason."""

    position: ItemPosition
    problem: ReadingProblem


@dataclass(frozen=True, slots=True)
class BrokenItem:
    """An item that should be an offer and cannot be one.

    ``id`` is None if it is unreadable: the caller then does not know which offer is present, and must withdraw none for
    its absence. ``retraction`` is the first item of the same id, set on the first item that differs from it.
    """

    position: ItemPosition
    id: str | None
    problems: tuple[ReadingProblem, ...]
    retraction: Retraction | None = None


@dataclass(frozen=True, slots=True)
class RepeatedItem:
    """An item with the same id and the same offer as an ``earlier`` one: the offer counts once."""

    position: ItemPosition
    id: str
    earlier: ItemPosition


@dataclass(frozen=True, slots=True)
class PassedItem:
    """An item excluded by the mapping's conditions."""

    position: ItemPosition
    id: str | None


@dataclass(frozen=True, slots=True)
class FeedComplete:
    """The end of a feed that was read completely. ``count``: its number of items; ``problems``: warnings. ``whole``:
    what it does not have is absent; not so of one page of several.
    """

    count: int
    problems: tuple[ReadingProblem, ...] = ()
    whole: bool = True


@dataclass(frozen=True, slots=True)
class FeedUnusable:
    """The end of a feed that is cut or malformed. No item before it may be applied."""

    count: int
    problems: tuple[ReadingProblem, ...]


Item: TypeAlias = OfferItem | BrokenItem | RepeatedItem | PassedItem | FeedComplete | FeedUnusable


def judge(
    item: OfferItem, *, revision: int, on: date, activations: schemas.Activations = schemas.NOT_ACTIVATED
) -> Verdict:
    """The verdict on the offer with ``revision``. An unreadable field is not reported as missing as well. A field or
    value that waits for its day is left out until then, unless the offer would lack a field without it.
    """
    verdict, left_out = _check(item, {"id": item.id, "revision": revision, **item.document}, on, activations)
    unread = [one.pointer for one in item.problems if one.severity == "error"]
    compared = any(one.code == "city-mismatch" for one in item.problems)
    others = [
        for_item(one)
        for one in verdict.problems
        if not (one.code == "field-missing" and any(_is_within(one.pointer, pointer) for pointer in unread))
        and not (one.code == "city-unlisted" and compared)
    ]
    problems = tuple(sorted([*item.problems, *left_out, *others], key=lambda one: one.severity))
    if item.refused and verdict.accepted:
        return Verdict(accepted=False, problems=problems, id=verdict.id, revision=revision, document=verdict.document)
    return verdict._replace(problems=problems)


def _check(
    item: OfferItem, document: dict[str, Any], on: date, activations: schemas.Activations
) -> tuple[Verdict, list[ReadingProblem]]:
    """The verdict on the document, and a warning for each value of an optional field that was left out for it, and for
    each field or value that waits for its day.
    """
    left_out: list[ReadingProblem] = []
    while True:
        verdict = schemas.check(orjson.dumps(document), on=on, activations=activations)
        early = [one for one in verdict.problems if one.code in _LEFT_EARLY and _is_dispensable(document, one.pointer)]
        for one in early[-1:]:  # the last of a list first: the pointers of others stay
            document = _without(document, one.pointer)
            left_out.append(problem(_LEFT_EARLY[one.code], pointer=one.pointer, **one.args))
        if early:
            continue
        refused = {
            pointer: one
            for one in verdict.problems
            for pointer in item.optional
            if one.severity == "error"
            and one.code not in _PAST
            and (one.pointer == pointer or one.pointer.startswith(f"{pointer}/"))
            and _has(document, pointer)
        }
        if not refused:
            return verdict, left_out
        for pointer, one in refused.items():
            paired = pointer in _PAIR
            for other in _PAIR if paired else (pointer,):
                document = _without(document, other) if _has(document, other) else document
            named = {} if paired else {"source": item.optional[pointer], "rule": rule_pointer(pointer)}
            code = "coordinates-left-out" if paired else "value-left-out"
            left_out.append(problem(code, pointer=pointer, actual=one.actual, **named))


def _has(document: Mapping[str, Any], pointer: str) -> bool:
    parent, _, child = pointer[1:].partition("/")
    return parent in document and (not child or child in document[parent])


def _is_dispensable(document: Mapping[str, Any], pointer: str) -> bool:
    """Whether a document has what is at the pointer, and may be without it."""
    parent, _, child = pointer[1:].partition("/")
    if child and isinstance(listed := document.get(parent), list):
        return len(listed) > 1
    return _has(document, pointer) and (bool(child) or parent not in _REQUIRED)


def _without(document: dict[str, Any], pointer: str) -> dict[str, Any]:
    """The document without the member at the pointer, and without its parent if that is empty then."""
    parent, _, child = pointer[1:].partition("/")
    rest = {name: value for name, value in document.items() if name != parent}
    if isinstance(listed := document[parent], list) and child:
        return {**rest, parent: [value for index, value in enumerate(listed) if index != int(child)]}
    inner = {name: value for name, value in document[parent].items() if name != child} if child else {}
    return {**rest, parent: inner} if inner else rest


def _is_within(pointer: str, other: str) -> bool:
    """Whether one of the two pointers is inside the other or equal to it."""
    return other.startswith(pointer) or pointer.startswith(f"{other}/")
