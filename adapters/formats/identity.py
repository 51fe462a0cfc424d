"""Ids: the part of an offer's id that a platform's own id becomes, the same in every run."""

import hashlib
import re

from schemas import redact

_SAFE = re.compile(r"[A-Za-z0-9._~-]{1,60}", re.ASCII)
_OTHERS = re.compile(r"[^A-Za-z0-9._~-]+", re.ASCII)
_KEPT = 40
_DIGEST_DIGITS = 16


def local_id(own: str) -> str:
    """The platform's own id where that is an id already (1 to 60 of ``A-Za-z0-9._~-``).

    Otherwise its first 40 safe characters, every run of others as one dash, then ``~`` and 16 hexadecimal digits of
    the SHA-256 of the whole: still readable, and different for different ids. An e-mail address does not stay in it.
    """
    if _SAFE.fullmatch(own):
        return own
    digest = hashlib.sha256(own.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_DIGITS]
    readable = _OTHERS.sub("-", redact(own)).strip("-")[:_KEPT]
    return f"{readable}~{digest}"
