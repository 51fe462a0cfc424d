"""Remote ids: the name of an offer, or of a part of it, at the national site.

The site never releases a name: a deleted one is dead, so a republished offer takes the next generation. Its URLs end at
a dot, and its column holds 60 characters; an offer id that does not fit is replaced by its digest. Names with a colon
come from offer ids and names without one from digests, and an id with a tilde is replaced by its digest too, so that no
two offers share a name.
"""

import re
from hashlib import sha256
from typing import Literal, TypeAlias

Group: TypeAlias = Literal["", "c", "l"]
"""Levels of a part: all levels of the offer, those of collège, or seconde (lycée)."""

MAX_CHARACTERS = 60
_REACHABLE = re.compile(r"[A-Za-z0-9_~:-]{1,60}")
_PLAIN = re.compile(r"[A-Za-z0-9_:-]+")
_DIGITS = 40


def remote_id(offer_id: str, group: Group = "", generation: int = 1) -> str:
    """The name of one part in one generation, counted from 1."""
    suffix = (f"~{group}" if group else "") + (f"~{generation}" if generation > 1 else "")
    if _PLAIN.fullmatch(offer_id) and len(offer_id) + len(suffix) <= MAX_CHARACTERS:
        return offer_id + suffix
    return f"x-{sha256(offer_id.encode()).hexdigest()[:_DIGITS]}{suffix}"


def is_reachable(name: str) -> bool:
    """Whether PATCH and DELETE reach this name; a name given by another program may hold a dot or a slash."""
    return _REACHABLE.fullmatch(name) is not None
