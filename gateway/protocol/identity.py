"""Offer ids and platform slugs: how they are written, and which partition holds them."""

import re
import zlib

_SLUG = r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
_LOCAL = r"[A-Za-z0-9._~-]{1,60}"
SLUG_PATTERN = re.compile(rf"(?=.{{1,40}}\Z){_SLUG}\Z")
OFFER_ID_PATTERN = re.compile(rf"(?P<platform>(?=[^:]{{1,40}}:){_SLUG}):(?P<local>{_LOCAL})\Z")

NATIONAL = "national"
"""The slug of the State's own site in the federation."""

GATEWAY = "gateway"
"""The author of the gateway's own commands (expiry, absence, moderation). No partner may have it."""


def is_slug(text: str) -> bool:
    """Whether the text may name a platform (requirement IDN-002): 1–40 of ``a-z 0-9 -``, a letter first."""
    return SLUG_PATTERN.match(text) is not None and text != GATEWAY


def is_offer_id(text: str) -> bool:
    """Whether the text is a whole offer id, ``{platform}:{local_id}`` (requirement IDN-001)."""
    return OFFER_ID_PATTERN.match(text) is not None


def platform_of(offer_id: str) -> str:
    """The slug before the first colon; the id must be well formed."""
    return offer_id.partition(":")[0]


def partition_of(offer_id: str, partitions: int) -> int:
    """The partition (0 ≤ p < partitions) that holds every record of this offer, on every topic keyed by offer id.

    CRC-32 (ISO 3309) of the UTF-8 id, modulo the partition count. The count never changes during a log's life.
    """
    return zlib.crc32(offer_id.encode()) % partitions
