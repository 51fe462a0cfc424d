"""Web addresses as the shared schema wants them: https, percent-encoded, without the marks of somebody's campaign."""

import re
from urllib.parse import quote, urlsplit, urlunsplit

from adapters.formats.text import one_line

_PATH = "/:@!$&'()*+,;=~%-._"
_QUERY = "/?:@!$'()*+,;=~%-._&"
_LOOSE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CAMPAIGN = "utm_"


def read_link(text: str) -> str:
    """The address with https for http or where no scheme is given, its host in ASCII, everything else that is not
    percent-encoded, and no ``utm_`` parameters. What is no address stays as it is, for the verdict to refuse.
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
