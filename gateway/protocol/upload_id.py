"""Ids of uploads: every receipt of a batch or snapshot carries its id and can be searched by it."""

import re
from base64 import urlsafe_b64encode
from hashlib import blake2b

BATCH, SNAPSHOT = "batch", "snapshot"
NONCE_BYTES = 12
_FORM = {BATCH: re.compile("b[A-Za-z0-9_-]{16}"), SNAPSHOT: re.compile("s[A-Za-z0-9_-]{16}")}
_KINDS = {form.pattern[0]: kind for kind, form in _FORM.items()}


def batch_id(nonce: bytes) -> str:
    """The id of a batch; ``nonce`` is 12 random bytes."""
    return _KIND_LETTER[BATCH] + _text(nonce[:NONCE_BYTES])


def snapshot_id(mark: str) -> str:
    """The id of the snapshot with this mark: the same for every attempt to send it."""
    return _KIND_LETTER[SNAPSHOT] + _text(blake2b(mark.encode(), digest_size=NONCE_BYTES).digest())


def is_upload_id(text: str, kind: str) -> bool:
    """Whether a text has the form of an id of this kind."""
    return _FORM[kind].fullmatch(text) is not None


def kind_of(upload: str) -> str:
    """``batch`` or ``snapshot``, the member of a receipt that holds the id."""
    return _KINDS[upload[0]]


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).decode()


_KIND_LETTER = {kind: letter for letter, kind in _KINDS.items()}
