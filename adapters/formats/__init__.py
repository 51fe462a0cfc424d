"""Formats: convert the bytes of a partner's feed to offers of the shared schema and problems. Pure, streaming, bounded.

    mapping = load_mapping("cleverconnect", {"fields": {"levels": {"constant": ["seconde"]}}})
    for item in read(blocks, mapping, platform="bretagne", on=day): …

A mapping is data, checked by ``schemas/json/mapping.schema.json``; ``docs/formats/`` explains it to partners.
"""

from adapters.formats.item import (
    BrokenItem,
    FeedComplete,
    FeedUnusable,
    Item,
    ItemPosition,
    OfferItem,
    PassedItem,
    RepeatedItem,
    Retraction,
    judge,
)
from adapters.formats.mapping import FeedMapping, load_mapping
from adapters.formats.mapping_document import FORMATS
from adapters.formats.paging import Paging
from adapters.formats.problem import ProblemGroups, ReadingProblem, rules
from adapters.formats.reading import MISFITS, FeedPage, look_at, read, read_pages

__all__ = [
    "FORMATS",
    "MISFITS",
    "BrokenItem",
    "FeedComplete",
    "FeedMapping",
    "FeedPage",
    "FeedUnusable",
    "Item",
    "ItemPosition",
    "OfferItem",
    "Paging",
    "PassedItem",
    "ProblemGroups",
    "ReadingProblem",
    "RepeatedItem",
    "Retraction",
    "judge",
    "load_mapping",
    "look_at",
    "read",
    "read_pages",
    "rules",
]
