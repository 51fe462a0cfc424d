"""Remote ids: under which name an offer, or a part of it, stands at the national site.

The site never forgets a name: what was deleted is dead, so a republished offer takes the next generation. Its
addresses stop at a dot, and its column ends at 60 characters; an offer id that does not fit goes by its digest. Names
with a colon come from offer ids and names without from digests, and an id that holds a tilde goes by its digest too, so
that no two offers can meet in one name.
"""

import re
from hashlib import sha256
from typing import Literal, TypeAlias

Group: TypeAlias = Literal["", "c", "l"]
"""Which levels a part is for: all that the offer has, those of collège, or seconde (lycée)."""

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
    """Whether PATCH and DELETE reach this name; one that another program gave may hold a dot or a slash."""
    return _REACHABLE.fullmatch(name) is not None
