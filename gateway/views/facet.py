"""Facets: the words under which an offer is found, and the words that a reader's filter asks for. Pure.

They are taken from the offer as an outsider sees it, so that a masked employer's coordinates can find nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor
from typing import Any

from gateway.protocol.record import Outline
from gateway.protocol.routing import Filter, Reader, audiences

OUTSIDER = Reader("")
"""Someone who is no offer's publisher."""

CELL = "tenth"
"""The finest grid, in tenths of a degree: thousands of facets with a few offers each."""

_MOST_CELLS = 64
_LOCATED = "located"


def facets_of(outline: Outline, shown: Mapping[str, Any], *, publisher: str) -> list[str]:
    """The facets of a live offer; ``shown`` is the offer as an outsider sees it."""
    territory = outline.territory
    if territory is None:
        return []
    facets = [
        f"department:{territory['department']}",
        f"region:{territory['region']}",
        f"sector:{shown['sector']}",
        f"platform:{publisher}",
    ]
    facets += [f"level:{level}" for level in shown["levels"]]
    facets += [f"week:{week}" for week in shown["weeks"]]
    facets += [f"audience:{audience}" for audience in audiences(shown)]
    facets += [f"passed:{slug}" for slug in outline.provenance]
    location = shown["location"]
    latitude, longitude = location.get("latitude"), location.get("longitude")
    if latitude is not None and longitude is not None:
        facets += [
            _LOCATED,
            f"degree:{floor(latitude)}:{floor(longitude)}",
            f"{CELL}:{floor(latitude * 10)}:{floor(longitude * 10)}",
        ]
    return facets


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for: at least one facet of every group; and either ``audience`` without ``passed``, or ``own``.

    It finds all that the filter matches and the reader may see, and with a bounding box some more around it.
    """

    groups: tuple[tuple[str, ...], ...]
    audience: str
    passed: str
    own: str | None

    @property
    def facets(self) -> tuple[str, ...]:
        """Every facet named, once."""
        named = [facet for group in self.groups for facet in group] + [self.audience, self.passed]
        return tuple(dict.fromkeys(named if self.own is None else [*named, self.own]))


def search_for(asked: Filter, *, reader: Reader, own: bool) -> Search:
    """The search behind a reader's filter; ``own`` adds what the reader itself publishes."""
    groups = [
        tuple(f"{name}:{value}" for value in sorted(getattr(asked, name)))
        for name in ("sector", "department", "region", "platform", "week", "level")
    ]
    if asked.bbox is not None:
        groups.append(_cells(asked.bbox))
    return Search(
        groups=tuple(group for group in groups if group),
        audience=f"audience:{reader.audience}",
        passed=f"passed:{reader.platform}",
        own=f"platform:{reader.platform}" if own else None,
    )


def _cells(bbox: tuple[float, float, float, float]) -> tuple[str, ...]:
    """The finest grid that covers the box in a few cells; else all that has coordinates."""
    west, south, east, north = bbox
    for name, scale in ((CELL, 10), ("degree", 1)):
        rows = range(floor(south * scale), floor(north * scale) + 1)
        columns = range(floor(west * scale), floor(east * scale) + 1)
        if len(rows) * len(columns) <= _MOST_CELLS:
            return tuple(f"{name}:{row}:{column}" for row in rows for column in columns)
    return (_LOCATED,)
