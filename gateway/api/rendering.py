"""The port of export formats."""

from collections.abc import Mapping
from typing import Any, Protocol


class Rendering(Protocol):
    """A format for a list of offers: bytes before the first offer, between two offers, and after the last one."""

    @property
    def media_type(self) -> str:
        """The content type of the export."""

    @property
    def extension(self) -> str:
        """The file name extension, without the dot."""

    @property
    def begin(self) -> bytes:
        """The bytes before the first offer."""

    @property
    def between(self) -> bytes:
        """The bytes between two offers."""

    @property
    def end(self) -> bytes:
        """The bytes after the last offer."""

    def item(self, document: Mapping[str, Any], /) -> bytes:
        """One offer: a ``CurrentOffer`` of the OpenAPI document plus ``at``, the time when its state was accepted."""
