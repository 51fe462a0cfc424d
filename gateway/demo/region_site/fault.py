"""What can be wrong with a platform's feed, each as the bytes that the gateway then meets."""

from collections.abc import Sequence
from enum import Enum
from typing import Any


class Fault(Enum):
    """One way in which a feed goes wrong; the simulator serves it for as long as it is switched on."""

    EMPTY = "empty"
    """Not a byte, with status 200."""
    CUT = "cut"
    """Half of the feed, in a response that is whole."""
    BROKEN_OFF = "broken-off"
    """Half of the feed, then the connection ends."""
    ERROR_PAGE = "error-page"
    """An HTML page that says sorry, with status 200."""
    TWO_GIGABYTES = "two-gigabytes"
    """A feed that announces 2 GB and begins to send them."""
    ENDLESS = "endless"
    """A feed that never stops."""
    ENTITY_BOMB = "entity-bomb"
    """XML whose entities unfold to gigabytes."""
    WRONG_ENCODING = "wrong-encoding"
    """Bytes that are not what the feed says they are."""
    DUPLICATE_IDS = "duplicate-ids"
    """Every offer twice, with different contents."""
    SLOW = "slow"
    """A byte now and then."""
    DOWN = "down"
    """Status 503."""


ERROR_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>503</title></head><body><h1>Service momentan\xc3\xa9ment indisponible</h1>"
    b"<p>Merci de r\xc3\xa9essayer plus tard.</p></body></html>\n"
)
_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
ENTITY_BOMB = f'<?xml version="1.0"?><!DOCTYPE offers [<!ENTITY l0 "ha">{_LAUGHS}]><offers>&l9;</offers>'.encode()


def mistaken(feed: bytes) -> bytes:
    """The feed in another encoding than it declares: XML in Windows-1252, anything else in UTF-16 without a mark."""
    text = feed.decode()
    return text.encode("cp1252", "replace") if text.startswith("<?xml") else text.encode("utf-16-le")


def doubled(offers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every offer, and each once more under the same id with another title."""
    return [*offers, *({**offer, "title": f"{offer['title']} (bis)"} for offer in offers)]
