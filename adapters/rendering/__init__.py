"""Renderings: write offers for platforms that cannot read the shared schema. Pure: documents in, bytes out."""

from collections.abc import Mapping

from adapters.rendering.posting import POSTINGS
from adapters.rendering.rss import rss
from adapters.rendering.table import TABLE
from gateway.protocol.visibility import Rendering

__all__ = ["Rendering", "renderings"]


def renderings(url: str) -> Mapping[str, Rendering]:
    """Return the renderings by their ``{format}`` in ``/v1/exports/{format}``; ``url`` is that of the gateway."""
    return {"csv": TABLE, "jobposting": POSTINGS, "rss": rss(url)}
