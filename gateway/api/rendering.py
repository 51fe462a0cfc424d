"""What exports need of a rendering: the port behind which the ways to write offers lie."""

from collections.abc import Mapping
from typing import Any, Protocol


class Rendering(Protocol):
    """One way to write a list of offers: what stands before them, between two of them, and after them."""

    @property
    def media_type(self) -> str:
        """The content type of the whole."""

    @property
    def extension(self) -> str:
        """How the name of a file of it ends, without the dot."""

    @property
    def begin(self) -> bytes:
        """Before the first offer."""

    @property
    def between(self) -> bytes:
        """Between two offers."""

    @property
    def end(self) -> bytes:
        """After the last offer."""

    def item(self, document: Mapping[str, Any], /) -> bytes:
        """One offer: a ``CurrentOffer`` of the OpenAPI document, and ``at``, when this state of it was accepted."""
