"""The shape of a rendering: beginning, items, separator and end of a list of offers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Document: TypeAlias = Mapping[str, Any]
"""An offer masked for one subscriber (``CurrentOffer`` of the OpenAPI document), with ``at``: the time this state was
accepted (RFC 3339, UTC).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """One format of offers. ``between`` separates two of them, so that a list can be streamed."""

    media_type: str
    extension: str
    begin: bytes
    item: Callable[[Document], bytes]
    between: bytes
    end: bytes
