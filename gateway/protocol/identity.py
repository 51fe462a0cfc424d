"""Ids: platform slugs, offer ids with their partition, and the ids of batches and snapshots."""

import re
import zlib
from base64 import urlsafe_b64encode
from hashlib import blake2b

_SLUG = r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
_LOCAL = r"[A-Za-z0-9._~-]{1,60}"
SLUG_PATTERN = re.compile(rf"(?=.{{1,40}}\Z){_SLUG}\Z")
OFFER_ID_PATTERN = re.compile(rf"(?P<platform>(?=[^:]{{1,40}}:){_SLUG}):(?P<local>{_LOCAL})\Z")

NATIONAL = "national"
"""The slug of the State's own site in the federation."""

GATEWAY = "gateway"
"""The author of the gateway's own commands (expiry, absence, moderation). No partner may have it."""
BATCH, SNAPSHOT = "batch", "snapshot"
NONCE_BYTES = 12
_UPLOAD_ID = re.compile("[bs][A-Za-z0-9_-]{16}")
_KINDS = {kind[0]: kind for kind in (BATCH, SNAPSHOT)}


def is_slug(text: str) -> bool:
    """Whether the text may name a platform (requirement IDN-002): 1–40 of ``a-z 0-9 -``, a letter first."""
    return SLUG_PATTERN.match(text) is not None and text != GATEWAY


def is_offer_id(text: str) -> bool:
    """Whether the text is a whole offer id, ``{platform}:{local_id}`` (requirements IDN-001, IDN-002)."""
    return OFFER_ID_PATTERN.match(text) is not None and platform_of(text) != GATEWAY


def platform_of(offer_id: str) -> str:
    """The slug before the first colon; the id must be well formed."""
    return offer_id.partition(":")[0]


def partition_of(offer_id: str, partitions: int) -> int:
    """The partition (0 ≤ p < partitions) that holds every record of this offer, on every topic keyed by offer id.

    CRC-32 (ISO 3309) of the UTF-8 id, modulo the partition count. The count never changes during a log's life.
    """
    return zlib.crc32(offer_id.encode()) % partitions


def batch_id(nonce: bytes) -> str:
    """The id of a batch; ``nonce`` is 12 random bytes. Every receipt of an upload carries the upload's id."""
    return _upload_id(BATCH, nonce[:NONCE_BYTES])


def snapshot_id(mark: str) -> str:
    """The id of the snapshot with this mark: the same for every attempt to send it."""
    return _upload_id(SNAPSHOT, blake2b(mark.encode(), digest_size=NONCE_BYTES).digest())


def is_upload_id(text: str, kind: str) -> bool:
    """Whether a text has the form of an id of this kind."""
    return _UPLOAD_ID.fullmatch(text) is not None and text[0] == kind[0]


def kind_of(upload: str) -> str:
    """``batch`` or ``snapshot``, the member of a receipt that holds the id."""
    return _KINDS[upload[0]]


def _upload_id(kind: str, content: bytes) -> str:
    return kind[0] + urlsafe_b64encode(content).decode()
