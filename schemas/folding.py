"""Characters of a text: invisible ones (OFR-011, OFR-013), and one spelling for similar ones (OFR-034).

Invisible characters follow Unicode's Default_Ignorable_Code_Point (UAX 44); they are removed, and a text that is blank
without them is detected. Direction marks and tags are refused by the schema (``control``). Joiners and variation
selectors stay where they change the rendering: within an emoji, and in scripts that use them.

The folded form serves the search for personal data and maps back to the text. In it invisible characters and combining
marks are dropped; compatibility forms, digits of other scripts and circled digits are plain; dashes, dots, bars and
quotation marks are one of each; character references and percent-encoding are decoded. Time is linear in the length.
"""

import html
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_RUN = (
    "\u00ad\u034f\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\ufe00-\ufe0f\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0080-\U000e0fff"
)
_INVISIBLE = re.compile(f"[{_RUN}]+")
_JOINERS = "\u200c\u200d"
_JOINED_SCRIPTS = re.compile("[\u0600-\u08ff\u0900-\u109f\u1780-\u18af\ua840-\ua87f\ua8e0-\ua8ff\U00010d00-\U00011fff]")
_EMOJI = re.compile("[\u203c-\u3299\U0001f000-\U0001faff]")
_HAN = re.compile("[\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_MONGOLIAN = re.compile("[\u1800-\u18af]")
_KEYCAPS = frozenset("0123456789#*\u00a9\u00ae")

_BLANK_SIGNS = frozenset("\u115f\u1160\u2800\u3164\uffa0\ufffc\U0001d159\U00016fe4\U00013441\U00013442")
"""Letters and symbols by category that render as a blank, or not at all."""


def visible(text: str) -> str:
    """The text without the invisible characters that OFR-011 warns of, in normal form C. Never longer; idempotent."""
    clean = _INVISIBLE.sub(_kept, text)
    return text if clean == text else unicodedata.normalize("NFC", clean)


def find_invisible(text: str) -> tuple[str, int] | None:
    """The first invisible character that does not stay, and its position (from 1)."""
    for run in _INVISIBLE.finditer(text):
        kept = _kept(run)
        if kept != run.group():
            # The characters that stay come first in their run.
            at = next((i for i, sign in enumerate(run.group()) if not kept.startswith(sign, i)), len(kept))
            return run.group()[at], run.start() + at + 1
    return None


def is_blank(text: str) -> bool:
    """Whether a text holds no visible letter, digit, punctuation or symbol."""
    return not any(unicodedata.category(sign)[0] in "LNPS" and sign not in _BLANK_SIGNS for sign in text)


def is_ignorable(sign: str) -> bool:
    """Whether a character is invisible, or a mark that only modifies the one before it."""
    return unicodedata.category(sign) in ("Mn", "Me", "Cf") or _INVISIBLE.match(sign) is not None


def _kept(run: re.Match[str]) -> str:
    """The kept part of a run: one variation selector, then one joiner, each only if it has an effect."""
    text = run.string
    before = text[run.start() - 1] if run.start() else ""
    after = text[run.end()] if run.end() < len(text) else ""
    kept = ""
    for sign in run.group():
        if sign in _JOINERS:
            if kept[-1:] not in _JOINERS or not kept:
                kept += sign if _joins(before, after) else ""
        elif not kept and _selects(before, sign):
            kept = sign
    return kept


def _joins(before: str, after: str) -> bool:
    if not before or not after:
        return False
    return bool(
        (_EMOJI.match(before) and _EMOJI.match(after))
        or (_JOINED_SCRIPTS.match(before) and (_JOINED_SCRIPTS.match(after) or not after.isalnum()))
    )


def _selects(before: str, sign: str) -> bool:
    """Whether a variation selector follows a base character that has variants."""
    if "\ufe00" <= sign <= "\ufe0f":
        return bool(_EMOJI.match(before) or _HAN.match(before) or _MONGOLIAN.match(before) or before in _KEYCAPS)
    if "\U000e0100" <= sign <= "\U000e01ef":
        return bool(_HAN.match(before))
    return "\u180b" <= sign <= "\u180f" and sign != "\u180e" and bool(_MONGOLIAN.match(before))


_TYPOGRAPHIC = {
    "\u2019": "'", "\u2013": "-", "\u0153": "o", "\u202f": " ", "\u2026": "\u00a4", "\u2014": "\u00af",
    "\u201c": '"', "\u201d": '"', "\u20ac": "\u00a3",
}  # fmt: skip
"""Characters of ordinary French beyond Latin-1, and their folded forms. The ellipsis of ``[…]`` becomes a sign that no
pattern accepts.
"""
_SIMILAR = {
    **_TYPOGRAPHIC,
    **dict.fromkeys("\u2010\u2011\u2012\ufe58\ufe63\uff0d\u02d7\u2043", "-"),
    **dict.fromkeys("\u2015\u2212\u2e3a\u2e3b\u2500\u30fc", "\u00af"),
    **dict.fromkeys(
        "\u2022\u2219\u22c5\u2027\u30fb\u25cf\u25aa\u25e6\u2023\u25cb\u26ab\u2b24\u318d\u16eb\ua78f\u1427\u0701",
        "\u00b7",
    ),
    **dict.fromkeys("\u00a6\u2502\u2503\u01c0\u2223\u23d0\u2758", "|"),
    **dict.fromkeys("\u2044\u2215\u29f8", "/"),
    **dict.fromkeys("\u2236\ua789\u02d0", ":"),
    **dict.fromkeys("\u3002\u2024\u06d4", "."),
    **dict.fromkeys("\u201a\u3001\u060c", ","),
    **dict.fromkeys("\u2795\ufe62", "+"),
    **dict.fromkeys("\u2018\u201b\u2039\u203a\u02bc", "'"),
    **dict.fromkeys("\u201e\u201f", '"'),
    **dict.fromkeys("\u3010\u2772\u27e6\u3014", "["),
    **dict.fromkeys("\u3011\u2773\u27e7\u3015", "]"),
    **dict.fromkeys("\u2800\u3164\uffa0\u115f\u1160", " "),
    "\U0001f170": "a",
}
_FOREIGN = re.compile("[^\x00-\x7f\u00a0-\u00a5\u00a7-\u00ac\u00ae-\u00b1\u00b4-\u00b8\u00bb-\u00ff]")
_OCTET = r"%(?:25){0,3}"
_ENCODED = re.compile(
    rf"(?P<utf8>{_OCTET}[C-Fc-f][0-9A-Fa-f](?:{_OCTET}[89ABab][0-9A-Fa-f]){{1,3}})"
    rf"|{_OCTET}(?P<octet>[0-9A-Fa-f]{{2}})"
    r"|&(?:\#[0-9]{1,7}|\#[xX][0-9A-Fa-f]{1,6}|commat|period|plus|lpar|rpar|nbsp|colon);"
    r"|\\u00(?P<unit>[0-9A-Fa-f]{2})"
)
_LETTERED = "\u24b6-\u24e9"
_CIRCLED_A = re.compile(rf"(?<![{_LETTERED}])[\u24b6\u24d0](?![{_LETTERED}])")


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text. ``starts`` holds the position in the original of each of its characters and of its end; None if
    the positions are the same.
    """

    text: str
    starts: list[int] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original for a span of the folded text."""
        return (start, end) if self.starts is None else (self.starts[start], self.starts[end])


def narrow(text: str) -> bytes | None:
    """The text in Latin-1, one byte per character; None if it holds more than ordinary French, or a soft hyphen."""
    text = text.replace("\u2019", "'")  # by far the most frequent one
    while True:
        try:
            raw = text.encode("latin-1")
        except UnicodeEncodeError as error:
            sign = text[error.start]
            if sign not in _TYPOGRAPHIC:
                return None
            text = text.replace(sign, _TYPOGRAPHIC[sign])
        else:
            return None if b"\xad" in raw else raw


def fold(text: str) -> Folded:
    """The folded form of any text."""
    if "\u24d0" in text or "\u24b6" in text:
        text = _CIRCLED_A.sub("@", text)
    encoded = "%" in text or "&" in text or "\\u" in text
    if not encoded and not _FOREIGN.search(text):
        return Folded(text)
    pieces: list[str] = []
    starts: list[int] = []
    at = 0
    for start, end, plain in _changes(text, encoded=encoded):
        pieces += text[at:start], plain
        starts.extend(range(at, start))
        starts.extend([start] * len(plain))
        at = end
    pieces.append(text[at:])
    starts.extend(range(at, len(text) + 1))
    return Folded("".join(pieces), starts)


def _changes(text: str, *, encoded: bool) -> list[tuple[int, int, str]]:
    """The parts that are folded: start, end, folded form."""
    found = [(match.start(), match.end(), _plain(match.group())) for match in _FOREIGN.finditer(text)]
    if encoded:
        decoded = [(match.start(), match.end(), _decoded(match)) for match in _ENCODED.finditer(text)]
        found = sorted([*found, *decoded])  # they never overlap: encoded parts are ASCII
    return found


@lru_cache(maxsize=4096)
def _plain(sign: str) -> str:
    similar = _SIMILAR.get(sign)
    if similar is not None:
        return similar
    if is_ignorable(sign):
        return ""
    digit = unicodedata.digit(sign, None)
    if digit is not None:
        return str(digit)
    folded = unicodedata.normalize("NFKC", sign)
    return "".join(_SIMILAR.get(part, part) for part in folded if not is_ignorable(part))


def _decoded(match: re.Match[str]) -> str:
    if match["utf8"]:
        octets = bytes(int(octet[-2:], 16) for octet in match["utf8"].split("%")[1:])
        return "".join(map(_plain, octets.decode(errors="replace")))
    code = match["octet"] or match["unit"]
    plain = chr(int(code, 16)) if code else html.unescape(match.group())
    return plain if len(plain) == 1 and (" " <= plain <= "~" or plain == "\u00a0") else match.group()
