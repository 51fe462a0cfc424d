"""Invisible characters: removes them from a text, and detects texts that are blank without them (OFR-011, OFR-013).

The characters follow Unicode's Default_Ignorable_Code_Point (UAX 44). Direction marks and tags are refused by the
schema (``control``). Joiners and variation selectors stay where they change the rendering: within an emoji, and
in scripts that use them.
"""

import re
import unicodedata

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
