"""What a rendering is: how a list of offers begins, how each one is written, and how it ends."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Document: TypeAlias = Mapping[str, Any]
"""An offer as one reader may see it, masked already (``CurrentOffer`` of the OpenAPI document), and ``at``: when this
state of it was accepted (RFC 3339, UTC).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """One way to write offers. ``between`` stands between two of them, so that a list is written as it comes."""

    media_type: str
    extension: str
    begin: bytes
    item: Callable[[Document], bytes]
    between: bytes
    end: bytes
