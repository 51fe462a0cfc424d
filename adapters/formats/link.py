"""Normalise web addresses for the shared schema: https, percent-encoded, without campaign parameters."""

import re
from urllib.parse import quote, urlsplit, urlunsplit

from adapters.formats.text import one_line

_PATH = "/:@!$&'()*+,;=~%-._"
_QUERY = "/?:@!$'()*+,;=~%-._&"
_LOOSE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CAMPAIGN = "utm_"


def read_link(text: str) -> str:
    """Return the address with scheme https, its host in ASCII, the rest percent-encoded, and no ``utm_`` parameters.

    http and a missing scheme become https. A text that is not an address is returned unchanged; the verdict refuses it.
    """
    text = one_line(text)
    begin, colon, _ = text.partition(":")
    address = f"https://{text}" if not colon or "." in begin else text
    try:
        parts = urlsplit(address)
        host = (
            parts.netloc.removesuffix(":80") if parts.netloc.isascii() else parts.netloc.encode("idna").decode("ascii")
        )
    except ValueError:  # UnicodeError, from idna, is one
        return text
    if parts.scheme not in ("http", "https") or "." not in host or " " in host:
        return text
    query = "&".join(pair for pair in parts.query.split("&") if not pair.startswith(_CAMPAIGN))
    return urlunsplit(
        ("https", host, _encode(parts.path, _PATH), _encode(query, _QUERY), _encode(parts.fragment, _QUERY))
    )


def _encode(part: str, safe: str) -> str:
    return quote(_LOOSE_PERCENT.sub("%25", part), safe=safe)
