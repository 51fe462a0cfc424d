"""Personal data in free text: e-mail addresses and phone numbers, found and replaced by a neutral mark (OFR-034)."""

import re
from collections.abc import Iterator
from typing import Any

MARK = "[…]"
"""Shorter than anything it replaces, so that a redacted text never exceeds a limit that the original kept."""

TOKEN_CHARACTERS = 60

_LOCAL = r"[^\s@＠<>()\[\],;:\"«»]{1,64}"
_DOMAIN = r"[^\W_](?:[\w-]{0,62}\.)+[^\W\d_]{2,24}"
_EMAIL = re.compile(rf"{_LOCAL}\s?[@＠]\s?{_DOMAIN}")
_HIDDEN_AT = r"[(\[]\s?(?:at|arobase|arrobase|@)\s?[)\]]"
_HINT_OF_HIDDEN = re.compile(_HIDDEN_AT, re.IGNORECASE)
_HIDDEN_EMAIL = re.compile(rf"{_LOCAL}\s?{_HIDDEN_AT}\s?{_DOMAIN}", re.IGNORECASE)

# Between the digits of a phone number: blanks of all kinds, dots, dashes, slashes, brackets, but no colon or letter.
_GAP = r"[\s.\-‐-–/_()]{0,3}"
_REST = rf"{_GAP}[1-9](?:{_GAP}\d){{8}}"
# Each pattern begins with a plain character, which the engine seeks fast; what must not stand before it is said after.
_NATIONAL = re.compile(
    rf"0(?<!\d0)(?<!(?:19|20)\d\d[./-]0)(?!\d[./\- ][01]\d[./\- ](?:19|20)\d\d(?!\d))"
    rf"(?!\d[./\- ](?:19|20)\d\d(?!\d)){_REST}(?!\d)"
)
_PLUS = re.compile(rf"\+{_REST}(?:{_GAP}\d){{0,5}}(?!\d)")
_ZEROS = re.compile(rf"00(?<!\d00){_REST}(?:{_GAP}\d){{0,5}}(?!\d)")
_BLUNT = re.compile(rf"[+0]{_REST}")
_PASSES = 3


def redact(text: str) -> str:
    """The text without its e-mail addresses and phone numbers. Never longer than it was; doing it again changes
    nothing.
    """
    for _ in range(_PASSES):
        clean = _redact_once(text)
        if clean == text:
            return text
        # what was replaced may have hidden what stood right beside it: look again
        text = clean
    return _BLUNT.sub(MARK, text)


def _redact_once(text: str) -> str:
    if "@" in text or "＠" in text:
        text = _EMAIL.sub(MARK, text)
    if ("(" in text or "[" in text) and _HINT_OF_HIDDEN.search(text):
        text = _HIDDEN_EMAIL.sub(MARK, text)
    if "+" in text:
        text = _PLUS.sub(MARK, text)
    if "0" in text:
        text = _NATIONAL.sub(MARK, _ZEROS.sub(MARK, text))
    return text


def holds_email(text: str) -> bool:
    """Whether there is an e-mail address in the text."""
    return _EMAIL.search(text) is not None


def token(key: str) -> str:
    """A key of a document as one token of a JSON Pointer (RFC 6901): without personal data, and cut when very long."""
    return redact(key)[:TOKEN_CHARACTERS].replace("~", "~0").replace("/", "~1")


def redact_tree(value: Any, pointer: str) -> tuple[Any, list[str]]:
    """A JSON value without personal data in its strings and keys, and the pointers of what was replaced. What needs
    no change is shared with the original.
    """
    found: list[str] = []
    return (_redact_tree(value, pointer, found) if _is_personal(value) else value), found


def _is_personal(value: Any) -> bool:
    """Whether there is anything to replace, which is rare."""
    kind = type(value)
    if kind is str:
        return bool(redact(value) != value)
    if kind is list:
        return any(map(_is_personal, value))
    if kind is dict:
        return any(map(_is_personal, value)) or any(map(_is_personal, value.values()))
    return False


def _redact_tree(value: Any, pointer: str, found: list[str]) -> Any:
    if isinstance(value, str):
        clean = redact(value)
        if clean != value:
            found.append(pointer)
            return clean
        return value
    if isinstance(value, list):
        items = [_redact_tree(item, f"{pointer}/{index}", found) for index, item in enumerate(value)]
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
        yield clean, key, _redact_tree(item, f"{pointer}/{token(clean)}", found)


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
