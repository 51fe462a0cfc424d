"""Personal data in free text: e-mail addresses and phone numbers, found and replaced by a neutral mark (OFR-034).

The search runs on a folded form of the text (``schemas.folding``) and maps what it finds back. A few fast tests spare
it on texts of ordinary French that cannot hold anything.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from schemas.email_address import find_emails
from schemas.folding import fold, narrow
from schemas.phone import find_digits, find_phones
from schemas.spelled import find_spelled

MARK = "[…]"
"""Shorter than anything it replaces, so that a redacted text never exceeds a limit that the original kept."""

TOKEN_CHARACTERS = 60

_PASSES = 3
_MOST_DIGITS_OF_NONE = 8
_SHORTEST = 6
_SEARCHED = {
    **{sign: ord("0") for sign in b"0123456789"},
    **{sign: ord("@") for sign in b"@%&\\"},
    **{sign: sign | 32 for sign in range(65, 91)},
    **{sign: sign for sign in range(97, 123)},
    **{sign: ord("e") for sign in b"\xe9\xc9"},
    **{sign: ord("a") for sign in b"zZ"},
}
_WORDS = bytes(_SEARCHED.get(sign, sign if sign > 191 else 32) for sign in range(256))
"""What a text is looked through as: words in lower case between blanks, every digit as 0, signs of addresses and
encodings as @, é as e, and z as a, so that one prefix begins all the words that are searched, which is fast.
"""

_SUSPECT_WORD = re.compile(rb" a(?:t |rr?obas| commercial |ero )")
_MIXED = re.compile(
    rb"0[1-9](?:[\s.-]\d\d){0,3}[\s,.-]{1,3}(?:vingt|trente|quarante|cinquante|soixante|quatre|d|onze|treize|quinze|seize|un|"
    rb"trois|cinq|six|sept|huit|neuf|nonante)"
)
_PHONE_KEY = re.compile(
    r"(?:^|[^a-z])(?:t[eé]l|phone|mobile|portable|gsm|fax|fixe|sms|whatsapp)(?:[^a-z]|$)|t[eé]l[eé]phone|phone",
    re.IGNORECASE,
)
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


def redact(text: str) -> str:
    """The text without its e-mail addresses and phone numbers. Never longer than it was; doing it again changes
    nothing.
    """
    if len(text) < _SHORTEST or not is_suspect(narrow(text)):
        return text
    for _ in range(_PASSES):
        clean = _without(text, _find)
        if clean == text:
            return text
        # A replaced part may have hidden what was right beside it: search again.
        text = clean
    return _without(text, _find_bluntly)


def is_suspect(raw: bytes | None) -> bool:
    """Whether a text, as ``narrow`` gives it, can hold anything. False for most texts of ordinary French, fast."""
    if raw is None:
        return True
    words = raw.translate(_WORDS)
    if b"@" in words:
        return True
    digits = words.count(b"0")
    if digits > _MOST_DIGITS_OF_NONE or (digits and _MIXED.search(raw)):
        return True
    return words.startswith(b"aero ") or _SUSPECT_WORD.search(words) is not None


def _find(plain: str) -> Iterator[tuple[int, int]]:
    yield from find_emails(plain)
    yield from find_phones(plain)
    yield from find_spelled(plain)


def _find_bluntly(plain: str) -> Iterator[tuple[int, int]]:
    """Whatever may be left where one number hides the next, several times over."""
    yield from find_emails(plain)
    yield from find_digits(plain)
    yield from find_spelled(plain)


def _without(text: str, find: Callable[[str], Iterator[tuple[int, int]]]) -> str:
    """The text with a mark for each span that is found; spans that overlap are one."""
    folded = fold(text)
    pieces: list[str] = []
    at = covered = 0
    for start, end in sorted(folded.span(*found) for found in find(folded.text)):
        if start >= covered:
            pieces += text[at:start], MARK
        covered = at = max(covered, end)
    return "".join([*pieces, text[at:]]) if pieces else text


def holds_email(text: str) -> bool:
    """Whether there is an e-mail address in the text."""
    return any(True for _ in find_emails(fold(text).text))


def holds_phone(code: str) -> bool:
    """Whether there is a phone number in a web address or an id. Digits next to a letter are part of a random name
    there, unless the letters say what they are.
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
    """A JSON value without personal data in its strings and keys, and the pointers of what was replaced. What needs
    no change is shared with the original.
    """
    found: list[str] = []
    return (_redact_tree(value, pointer, found) if _is_personal(value) else value), found


def _is_personal(value: Any, key: str = "") -> bool:
    """Whether there is anything to replace, which is rare. ``key`` is the nearest key above."""
    kind = type(value)
    if kind is str or kind is int or kind is float:
        return bool(_redact_leaf(value, key) != value)
    if kind is list:
        return any(_is_personal(item, key) for item in value)
    if kind is dict:
        return any(map(_is_personal, value)) or any(_is_personal(item, name) for name, item in value.items())
    return False


def _redact_leaf(value: Any, key: str) -> Any:
    """A string without personal data, or a number that is none. A key such as ``tel`` says what digits mean."""
    if type(value) is str:
        clean = redact(value)
        if clean != value or len(value) < _SHORT_DIGITS or not _PHONE_KEY.search(key):
            return clean
        return redact(_CONTEXT + value).removeprefix(_CONTEXT)
    if type(value) not in (int, float) or value < _SHORT_NUMBERS[0] or value != value // 1:
        return value
    ranges = (*_BARE_NUMBERS, _SHORT_NUMBERS) if _PHONE_KEY.search(key) else _BARE_NUMBERS
    return MARK if any(low <= value <= high for low, high in ranges) else value


def _redact_tree(value: Any, pointer: str, found: list[str], key: str = "") -> Any:
    if isinstance(value, str | int | float):
        clean = _redact_leaf(value, key)
        if clean != value:
            found.append(pointer)
            return clean
        return value
    if isinstance(value, list):
        items = [_redact_tree(item, f"{pointer}/{index}", found, key) for index, item in enumerate(value)]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    if isinstance(value, dict):
        members = list(_redact_members(value, pointer, found))
        unchanged = all(new == old and item is value[old] for new, old, item in members)
        return value if unchanged else _named(members)
    return value


def _redact_members(value: dict[str, Any], pointer: str, found: list[str]) -> Iterator[tuple[str, str, Any]]:
    for key, item in value.items():
        clean = redact(key)
        if clean != key:
            found.append(pointer)
        yield clean, key, _redact_tree(item, f"{pointer}/{token(clean)}", found, key)


def _named(members: list[tuple[str, str, Any]]) -> dict[str, Any]:
    """Members under their clean keys; keys that became the same are told apart by a number."""
    named: dict[str, Any] = {}
    numbers: dict[str, int] = {}
    for clean, _, item in members:
        key = clean
        while key in named:
            numbers[clean] = numbers.get(clean, 1) + 1
            key = f"{clean}{numbers[clean]}"
        named[key] = item
    return named
