"""Faults of a platform's feed, as the bytes that the gateway receives."""

from collections.abc import Sequence
from enum import Enum
from typing import Any


class Fault(Enum):
    """A fault of a feed; the simulator serves it while it is set."""

    EMPTY = "empty"
    """Status 200 with an empty body."""
    CUT = "cut"
    """Half of the feed in a complete response."""
    BROKEN_OFF = "broken-off"
    """Half of the feed, then a connection reset."""
    ERROR_PAGE = "error-page"
    """Status 200 with an HTML error page."""
    TWO_GIGABYTES = "two-gigabytes"
    """A Content-Length of 2 GB, and a body that begins."""
    ENDLESS = "endless"
    """A body without end."""
    ENTITY_BOMB = "entity-bomb"
    """XML with entities that expand to gigabytes."""
    WRONG_ENCODING = "wrong-encoding"
    """Another encoding than the declared one."""
    DUPLICATE_IDS = "duplicate-ids"
    """Every offer twice, with different titles."""
    SLOW = "slow"
    """One byte at a time, with pauses."""
    DOWN = "down"
    """Status 503."""


ERROR_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>503</title></head><body><h1>Service momentan\xc3\xa9ment indisponible</h1>"
    b"<p>Merci de r\xc3\xa9essayer plus tard.</p></body></html>\n"
)
_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
ENTITY_BOMB = f'<?xml version="1.0"?><!DOCTYPE offers [<!ENTITY l0 "ha">{_LAUGHS}]><offers>&l9;</offers>'.encode()


def mistaken(feed: bytes) -> bytes:
    """The feed in another encoding than it declares: XML in Windows-1252, other formats in UTF-16 without a BOM."""
    text = feed.decode()
    return text.encode("cp1252", "replace") if text.startswith("<?xml") else text.encode("utf-16-le")


def doubled(offers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every offer, and a duplicate of each with the same id and another title."""
    return [*offers, *({**offer, "title": f"{offer['title']} (bis)"} for offer in offers)]
