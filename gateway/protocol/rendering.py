"""Export formats: a list of offers as bytes before the first, for each, between two and after the last."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Document: TypeAlias = Mapping[str, Any]
"""An offer masked for one subscriber (``CurrentOffer`` of the OpenAPI document), with ``at``: the time this state was
accepted (RFC 3339, UTC).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """One export format, which can be streamed. ``extension`` is that of the file's name, without the dot."""

    media_type: str
    extension: str
    begin: bytes
    item: Callable[[Document], bytes]
    between: bytes
    end: bytes
