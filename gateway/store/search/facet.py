"""Facets: the terms under which the search index holds an offer, and those of a reader's filter. Pure.

Facets come from the offer as an outsider sees it, so that a masked employer's coordinates match nothing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import floor
from typing import Any

from gateway.protocol.record import Outline
from gateway.protocol.visibility import Filter, Reader

OUTSIDER = Reader("")
"""A reader that is the publisher of no offer."""

_LOCATED = "located"
_SCALE = 10
_MOST_BANDS = 128


def facets_of(outline: Outline, visible: Mapping[str, Any], *, publisher: str, allowed: Collection[str]) -> list[str]:
    """The facets of a live offer; ``visible`` is the offer as an outsider sees it, ``allowed`` its audiences."""
    territory = outline.territory
    if territory is None:
        return []
    facets = [
        f"department:{territory['department']}",
        f"region:{territory['region']}",
        f"sector:{visible['sector']}",
        f"platform:{publisher}",
    ]
    facets += ["level:" + level for level in visible["levels"]]
    facets += ["week:" + week for week in visible["weeks"]]
    facets += ["audience:" + audience for audience in allowed]
    facets += ["passed:" + slug for slug in outline.provenance]
    location = visible["location"]
    latitude, longitude = location.get("latitude"), location.get("longitude")
    if latitude is not None and longitude is not None:
        facets += [
            _LOCATED,
            f"latitude:{floor(latitude * _SCALE)}",
            f"longitude:{floor(longitude * _SCALE)}",
        ]
    return facets


@dataclass(frozen=True, slots=True)
class Search:
    """A search: at least one facet of every group; and either ``audience`` without ``passed``, or ``own``.

    It finds all offers that the filter matches and the reader may see, and with a bounding box some more around it.
    """

    groups: tuple[tuple[str, ...], ...]
    audience: str
    passed: str
    own: str | None


def search_for(asked: Filter, *, reader: Reader, own: bool) -> Search:
    """The search behind a reader's filter; ``own`` adds the reader's own offers."""
    groups = [
        tuple(f"{name}:{value}" for value in sorted(getattr(asked, name)))
        for name in ("sector", "department", "region", "platform", "week", "level")
    ]
    if asked.bbox is not None:
        west, south, east, north = asked.bbox
        groups += [_bands("latitude", south, north), _bands("longitude", west, east)]
    return Search(
        groups=tuple(group for group in groups if group),
        audience=f"audience:{reader.audience}",
        passed=f"passed:{reader.platform}",
        own=f"platform:{reader.platform}" if own else None,
    )


def _bands(axis: str, low: float, high: float) -> tuple[str, ...]:
    """The bands of a tenth of a degree between two coordinates; the facet of all located offers for too many."""
    bands = range(floor(low * _SCALE), floor(high * _SCALE) + 1)
    return tuple(f"{axis}:{band}" for band in bands) if len(bands) <= _MOST_BANDS else (_LOCATED,)
