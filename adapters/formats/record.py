"""Records: the items of a feed before mapping, and the limits of one item."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from adapters.formats.problem import ReadingProblem

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
