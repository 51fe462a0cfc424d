"""Renderings: offers written for platforms that cannot read the shared schema. Pure: documents in, bytes out."""

from collections.abc import Mapping

from adapters.rendering.posting import POSTINGS
from adapters.rendering.rendering import Rendering
from adapters.rendering.rss import rss
from adapters.rendering.table import TABLE

__all__ = ["Rendering", "renderings"]


def renderings(url: str) -> Mapping[str, Rendering]:
    """Every rendering by the name that ``/v1/exports/{format}`` knows it by; ``url`` is where the gateway is."""
    return {"csv": TABLE, "jobposting": POSTINGS, "rss": rss(url)}
