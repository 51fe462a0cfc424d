"""The shape of an export format; ``adapters.rendering`` has the formats, the API writes exports in them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Document: TypeAlias = Mapping[str, Any]
"""An offer masked for one subscriber (``CurrentOffer`` of the OpenAPI document), with ``at``: the time this state was
accepted (RFC 3339, UTC).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """One format of offers: bytes before the first offer, between two, and after the last one, so that a list can be
    streamed. ``extension`` is that of file names, without the dot.
    """

    media_type: str
    extension: str
    begin: bytes
    item: Callable[[Document], bytes]
    between: bytes
    end: bytes
