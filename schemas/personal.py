"""Personal data in free text: e-mail addresses and phone numbers, found and replaced by a neutral mark (OFR-034).

The search runs on a folded form of the text (``schemas.folding``) and maps its findings back. A few fast tests skip it
for texts of ordinary French that cannot hold personal data.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from schemas.email_address import find_emails, find_replaced
from schemas.folding import fold
from schemas.phone import find_digits, find_phones, find_spelled
from schemas.suspicion import is_suspect, may_hold_email, may_hold_spelled

MARK = "[…]"
"""Shorter than any replaced part, so that a redacted text never exceeds a limit that the original meets."""

TOKEN_CHARACTERS = 60

_PASSES = 3
_SHORTEST = 6
_PHONE_KEY = re.compile(
    r"(?:^|[^a-z])(?:t[eé]l|phone|mobile|portable|gsm|fax|fixe|sms|whatsapp)s?(?:[^a-z]|$)|t[eé]l[eé]phone|phone",
    re.IGNORECASE,
)
_NEXT_WORD = re.compile(r"(?<=[a-zé])(?=[A-Z])")
_MAX_PIECE, _MAX_PIECES = 4, 12
_BARE_NUMBERS = (
    (33_100_000_000, 33_999_999_999),
    (262_200_000_000, 262_799_999_999),
    (590_500_000_000, 590_799_999_999),
    (594_500_000_000, 594_799_999_999),
    (596_500_000_000, 596_799_999_999),
)
_LABELLED = re.compile(r"(?:t[eé]l|phone|mobile|portable|gsm|fax|sms)\Z", re.IGNORECASE)
_LABEL = 12
_CONTEXT = "tel: "
_SHORT_DIGITS = 9
_SHORT_NUMBERS = (100_000_000, 999_999_999)
_SPREADSHEET_NUMBERS = (600_000_000.0, 799_999_999.0)
"""Mobile numbers that a spreadsheet has read as numbers: their 0 is lost, and a decimal point or an exponent is there.
Integers of nine digits are also company numbers and ids.
"""
_ROUND = 1_000
_NUMBER_KEY = re.compile(
    r"siren|siret|(?:^|[^a-z])(?:id|ref|reference|code|num|numero|number|rcs|naf|montant|budget|prix|price|amount|total"
    r"|surface|capital)s?(?:[^a-z]|$)",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """The text without its e-mail addresses and phone numbers. Never longer than the original; idempotent."""
    if len(text) < _SHORTEST or not is_suspect(text):
        return text
    for _ in range(_PASSES):
        clean = _without(text, _find)
        if clean == text or not is_suspect(clean):
            return clean
        # A replaced part may have hidden an adjacent one: search again.
        text = clean
    return _without(text, _find_bluntly)


def _find(plain: str) -> Iterator[tuple[int, int]]:
    if may_hold_email(plain):
        yield from find_emails(plain)
        yield from find_replaced(plain)
    yield from find_phones(plain)
    if may_hold_spelled(plain):
        yield from find_spelled(plain)


def _find_bluntly(plain: str) -> Iterator[tuple[int, int]]:
    """All candidates, without the rules of ``numbering``: after several passes one number may still hide the next."""
    yield from find_emails(plain)
    yield from find_replaced(plain)
    yield from find_digits(plain)
    yield from find_spelled(plain)


def _without(text: str, find: Callable[[str], Iterator[tuple[int, int]]]) -> str:
    """The text with a mark for each found span; overlapping spans are merged."""
    folded = fold(text)
    pieces: list[str] = []
    at = covered = 0
    for start, end in sorted(folded.span(*found) for found in find(folded.text)):
        if start >= covered:
            pieces += text[at:start], MARK
        covered = at = max(covered, end)
    return "".join([*pieces, text[at:]]) if pieces else text


def holds_email(text: str) -> bool:
    """Whether the text holds an e-mail address."""
    return any(True for _ in find_emails(fold(text).text))


def holds_phone(code: str) -> bool:
    """Whether a web address or an id holds a phone number. Digits next to a letter are part of a random name there,
    unless the letters are a word for phones.
    """
    plain = fold(code).text
    return any(
        not plain[end : end + 1].isalpha()
        and (not plain[start - 1 : start].isalpha() or _LABELLED.search(plain, max(0, start - _LABEL), start))
        for start, end in find_phones(plain)
    )


def token(key: str) -> str:
    """A key of a document as one token of a JSON Pointer (RFC 6901): without personal data, and cut when very long."""
    return redact(key)[:TOKEN_CHARACTERS].replace("~", "~0").replace("/", "~1")


def redact_tree(value: Any, pointer: str) -> tuple[Any, list[str]]:
    """A JSON value without personal data in its strings and keys, and the pointers of the replaced parts. Unchanged
    parts are shared with the original.
    """
    found: list[str] = []
    return (_redact_tree(value, pointer, found) if _is_personal(value) else value), found


def _is_personal(value: Any, *, phone: bool = False) -> bool:
    """Whether a value holds personal data, which is rare. ``phone``: a parent key is a word for phones."""
    kind = type(value)
    if kind is str or kind is int or kind is float:
        return bool(_redact_leaf(value, phone=phone) != value)
    if kind is list:
        return (phone and _is_in_pieces(value)) or any(_is_personal(item, phone=phone) for item in value)
    if kind is dict:
        return any(map(_is_personal, value)) or any(
            _is_personal(item, phone=phone or _is_phone_key(name))
            for name, item in value.items()
            if phone or not _is_counted(name, item)
        )
    return False


def _is_counted(key: str, value: Any) -> bool:
    """Whether a value is a number with decimals under a key that names its unit or its list."""
    return type(value) is float and not _is_phone_key(key) and _NUMBER_KEY.search(_NEXT_WORD.sub("_", key)) is not None


def _is_phone_key(key: str) -> bool:
    """Whether a key is a word for phones, such as ``tel`` or ``numTel``."""
    return _PHONE_KEY.search(_NEXT_WORD.sub("_", key)) is not None


def _is_in_pieces(items: list[Any]) -> bool:
    """Whether the items of a list are the groups of digits of one phone number."""
    if not 1 < len(items) <= _MAX_PIECES:
        return False
    pieces = [f"{item:02}" if type(item) is int else item for item in items]
    if not all(type(piece) is str and len(piece) <= _MAX_PIECE for piece in pieces):
        return False
    return redact(_CONTEXT + " ".join(pieces)) == _CONTEXT + MARK


def _redact_leaf(value: Any, *, phone: bool) -> Any:
    """A string without personal data, or a number that is no phone number."""
    if type(value) is str:
        clean = redact(value)
        if clean != value or len(value) < _SHORT_DIGITS or not phone:
            return clean
        return redact(_CONTEXT + value).removeprefix(_CONTEXT)
    if type(value) not in (int, float) or value < _SHORT_NUMBERS[0] or value != value // 1:
        return value
    low, high = _SPREADSHEET_NUMBERS
    if type(value) is float and low <= value <= high and value % _ROUND:
        return MARK
    ranges = (*_BARE_NUMBERS, _SHORT_NUMBERS) if phone else _BARE_NUMBERS
    return MARK if any(low <= value <= high for low, high in ranges) else value


def _redact_tree(value: Any, pointer: str, found: list[str], *, phone: bool = False) -> Any:
    if isinstance(value, str | int | float):
        clean = _redact_leaf(value, phone=phone)
        if clean != value:
            found.append(pointer)
            return clean
        return value
    if isinstance(value, list):
        if phone and _is_in_pieces(value):
            found.append(pointer)
            return [MARK]
        items = [_redact_tree(item, f"{pointer}/{index}", found, phone=phone) for index, item in enumerate(value)]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    if isinstance(value, dict):
        members = list(_redact_members(value, pointer, found, phone=phone))
        unchanged = all(new == old and item is value[old] for new, old, item in members)
        return value if unchanged else _named(members)
    return value


def _redact_members(
    value: dict[str, Any], pointer: str, found: list[str], *, phone: bool
) -> Iterator[tuple[str, str, Any]]:
    for key, item in value.items():
        clean = redact(key)
        if clean != key:
            found.append(pointer)
        below = phone or _is_phone_key(key)
        known = not phone and _is_counted(key, item)
        yield clean, key, item if known else _redact_tree(item, f"{pointer}/{token(clean)}", found, phone=below)


def _named(members: list[tuple[str, str, Any]]) -> dict[str, Any]:
    """Members under their redacted keys; a number distinguishes keys that became equal."""
    named: dict[str, Any] = {}
    numbers: dict[str, int] = {}
    for clean, _, item in members:
        key = clean
        while key in named:
            numbers[clean] = numbers.get(clean, 1) + 1
            key = f"{clean}{numbers[clean]}"
        named[key] = item
    return named
