"""Normalise text for the shared schema: plain text in normal form C, without invisible characters; web addresses."""

import html
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import quote, urlsplit, urlunsplit

from adapters.formats.path import Scalar
from schemas.folding import visible
from schemas.french import plain_words, unaccented

_REFUSED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_BLANK = re.compile("[\t\u1680\u2000-\u200a\u205f\u3000]")
_BLANKS = re.compile("[ \u00a0\u202f]{2,}")
_LINE_EDGES = re.compile("[ \u00a0\u202f]*\n[ \u00a0\u202f]*")
_KEPT_BLANKS = ("\u00a0", "\u202f")
"""A single one of these is kept: French typography puts it before punctuation."""

_LONELY_DASH = re.compile(r"^-\s*\n\s*", re.MULTILINE)
_MANY_LINES = re.compile(r"\n{3,}")

_TAG = re.compile(
    r"<(?:(?P<comment>!--)|[!?][^<>]*+>|(?P<closing>/?)(?P<name>[A-Za-z][A-Za-z0-9:-]*+)"
    r"(?:(?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*+|[^<>]*+)>)"
)
_CUT_TAG = re.compile(r"<[A-Za-z/!?][^<>]{0,200}\Z")
_LOOKS_LIKE_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_LOOKS_LIKE_REFERENCE = re.compile(r"&(?=(?:[A-Za-z]{2,10}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});)")
_PARAGRAPHS = frozenset(
    ("p", "div", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "blockquote")
)
_LINES = frozenset(("br", "tr", "dt", "dd"))
_HIDDEN = frozenset(("script", "style"))
_PASSES = 3
_PATH = "/:@!$&'()*+,;=~%-._"
_QUERY = "/?:@!$'()*+,;=~%-._&"
_LOOSE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CAMPAIGN = "utm_"


def spell(value: Scalar) -> str:
    """A value as text: True as ``true``, 8000.0 as ``8000``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def clean(text: str) -> str:
    """The text with at most one blank line in a row and without blanks at line ends."""
    text = _single(_visible(text))
    if "\n" in text:
        text = _MANY_LINES.sub("\n\n", _LINE_EDGES.sub("\n", text))
    return text.strip()


def one_line(text: str) -> str:
    """The text on one line."""
    return _single(_visible(text).replace("\n", " ")).strip()


def html_to_text(text: str) -> str:
    """Render HTML as plain text: paragraphs are separated by a blank line, list items begin with a dash.

    HTML that is escaped twice is unescaped twice. A tag that is cut off at the end is removed. Other text that still
    looks like markup is kept with a blank after its first character.
    """
    marked = False
    for _ in range(_PASSES):
        if not marked and _TAG.search(text):
            # Line feeds are blanks in HTML, and kept in other text.
            text, marked = one_line(text), True
        rendered = html.unescape("".join(_visible_text(text)))
        if rendered == text:
            break
        text = rendered
    # Invisible characters are removed first: without them the text may become markup.
    text = _LOOKS_LIKE_TAG.sub("< ", _CUT_TAG.sub("", _visible(text)))
    text = clean(_LOOKS_LIKE_REFERENCE.sub("& ", text))
    return _LONELY_DASH.sub("- ", text)  # a paragraph within a list item


def cut(text: str, length: int) -> str:
    """At most ``length`` characters, cut at a word boundary if one is near, with an ellipsis."""
    if len(text) <= length:
        return text
    kept = text[: length - 1]
    space = max(kept.rfind(" "), kept.rfind("\n"))
    if space > length * 3 // 4:
        kept = kept[:space]
    return kept.rstrip() + "…"


def fold(text: str) -> str:
    """The text for comparison: on one line, without accents and case."""
    return unaccented(one_line(text))


def plain(text: str) -> str:
    """The folded text without punctuation, its words separated by one blank."""
    return plain_words(one_line(text))


def _visible(text: str) -> str:
    """The text in normal form C, without characters that the schema refuses or warns about."""
    text = visible(_REFUSED.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))
    return _BLANK.sub(" ", unicodedata.normalize("NFC", text))


def _single(text: str) -> str:
    """Replace each run of blanks with one; the regular expression only runs on texts that may have one."""
    spread = "  " in text or any(blank in text for blank in _KEPT_BLANKS)
    return _BLANKS.sub(" ", text) if spread else text


def _visible_text(text: str) -> Iterator[str]:
    """The visible text of HTML, with line breaks instead of tags."""
    at, hidden = 0, None
    while match := _TAG.search(text, at):
        if hidden is None:
            yield text[at : match.start()]
        at = match.end()
        name, closing = (match["name"] or "").lower(), bool(match["closing"])
        if match["comment"]:
            end = text.find("-->", at)
            at = len(text) if end < 0 else end + 3
        elif hidden is not None:
            hidden = None if closing and name == hidden else hidden
        elif name in _HIDDEN and not closing:
            hidden = name
        else:
            yield _break(name, closing=closing)
    if hidden is None:
        yield text[at:]


def _break(name: str, *, closing: bool) -> str:
    if name == "li":
        return "" if closing else "\n- "
    if name in _PARAGRAPHS:
        return "\n\n"
    return "\n" if name in _LINES else ""


def read_link(text: str) -> str:
    """The address with scheme https, its host in ASCII, the rest percent-encoded, and no ``utm_`` parameters.

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
