"""Offers as RSS 2.0, one item each; fields without an RSS element are in the namespace ``urn:fr:stages:offer``.

RSS readers parse ``description`` as HTML. Offers are plain text, so it is escaped twice: once as HTML, once as XML.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from email.utils import format_datetime
from html import escape as escape_html

from gateway.protocol.rendering import Document, Rendering
from schemas.offer_field import PUBLISHER_ONLY, plain_members
from schemas.registry import schema

_NAMESPACE = "urn:fr:stages:offer"
_ELEMENTS = frozenset({"id", "title", "description", "apply_url"})
"""Plain fields with an RSS element."""
_FIELDS = tuple(name for name in plain_members(schema("offer")) if name not in _ELEMENTS | PUBLISHER_ONLY)
_OF_LOCATION = plain_members(schema("offer"), "location")
_RESTRICTIONS = plain_members(schema("offer"), "restrictions")
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 excludes, even as references: parsers refuse a document that contains one."""
_MARKS = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("\r", "&#13;"))


def escape(text: str) -> str:
    """Escape a text as XML content or attribute; a character that XML excludes becomes U+FFFD."""
    if not text.isprintable():  # nearly all texts are, and the search takes ten times as long
        text = _NOT_XML.sub("\ufffd", text)
    for mark, reference in _MARKS:
        text = text.replace(mark, reference)
    return text


def rss(url: str) -> Rendering:
    """The RSS rendering; ``url`` is that of the gateway."""
    begin = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<rss version="2.0" xmlns:stage="{_NAMESPACE}">\n<channel>\n'
        f"<title>Offres de stage</title>\n<link>{escape(url)}</link>\n"
        "<description>Offres de stage d’observation de toutes les plateformes</description>\n<language>fr</language>\n"
    )
    return Rendering(
        media_type="application/rss+xml; charset=utf-8",
        extension="rss",
        begin=begin.encode(),
        item=_item,
        between=b"",
        end=b"</channel>\n</rss>\n",
    )


def _item(document: Document) -> bytes:
    elements = "".join(f"<{name}>{escape(text)}</{name}>\n" for name, text in _elements(document))
    return f'<item>\n<guid isPermaLink="false">{escape(document["id"])}</guid>\n{elements}</item>\n'.encode()


def _elements(document: Document) -> Iterator[tuple[str, str]]:
    """The name and text of each known element."""
    offer, territory = document["offer"], document["territory"]
    location, restrictions = offer["location"], offer.get("restrictions", {})
    yield "title", offer["title"]
    yield "link", offer["apply_url"]
    yield "description", escape_html(offer["description"]).replace("\n", "<br>")
    yield "pubDate", format_datetime(datetime.fromisoformat(document["at"]))
    yield "stage:sequence", str(document["sequence"])
    for name, text in offer["employer"].items():
        if isinstance(text, str):
            yield f"stage:employer_{name}", text
    for name in _OF_LOCATION:
        if name in location:
            yield f"stage:{name}", str(location[name])
    for name in ("department", "region"):
        yield f"stage:{name}", territory[name]
    for name in ("levels", "weeks"):
        yield from ((f"stage:{name.removesuffix('s')}", value) for value in offer[name])
    for name in _FIELDS:
        if name in offer:
            yield f"stage:{name}", _written(offer[name])
    yield from (("stage:restriction", name) for name in _RESTRICTIONS if restrictions.get(name))
    yield from (("stage:school", code) for code in restrictions.get("schools", ()))
    yield from (("stage:possible_duplicate", offer_id) for offer_id in document.get("possible_duplicates", ()))


def _written(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
