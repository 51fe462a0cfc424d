"""Records: what a reader cuts out of a feed, item by item, before any mapping; and the limits of one item."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from adapters.formats.problem import ReadingProblem

ITEM_CHARACTERS = 1024 * 1024
"""How long an item may be in its source."""
ITEM_NODES = 10_000
"""How many elements or attributes an XML item may have."""
DEPTH = 64
"""How deep anything may be nested."""
FEED_ITEMS = 200_000
"""How many items a feed may have; more than all offers of all Regions together."""

Content: TypeAlias = Mapping[str, Any]
"""JSON members; an XML element's attributes (``@name``), children and text (``#text``); a row's cells by column."""


@dataclass(frozen=True, slots=True)
class Record:
    """One item as it stands in the source. With a ``problem``, ``content`` is what was read before it went wrong."""

    line: int
    content: Content
    problem: ReadingProblem | None = None
