"""Decoding: bytes to one JSON object, stricter than JSON itself (OFR-001, OFR-002), or the problems that prevent it."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from schemas.bilingual import Bilingual, json_type
from schemas.personal import token
from schemas.rulebook import Problem, first_of, problem

MAX_OFFER_BYTES = 100_000
MAX_DEPTH = 16
SAFE_INTEGER = 2**53 - 1
"""JSON readers disagree on integers beyond it (RFC 7493)."""

_SPACED_COLON = re.compile(rb'"[ \t\n\r]+:')
_SPACES = (b" :", b"\n:", b"\t:", b"\r:")
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
"""Brackets, and texts, which may hold some."""
_NUMBER = re.compile(r"-?(?:NaN|Infinity|inf|nan)\b|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_SURROGATE = re.compile(r"surrogate")


def decode(raw: bytes) -> dict[str, Any] | list[Problem]:
    """The document, or the problems that make it unreadable; no other check applies then.

    Depth is bounded by 254 here, which all parsers in use support; ``find_too_deep`` applies the protocol's own limit.
    """
    if len(raw) > MAX_OFFER_BYTES:
        return [problem("json-too-large", expected=MAX_OFFER_BYTES, actual=len(raw))]
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return [_explain(raw, error)]
    if type(document) is not dict:
        return [problem("json-not-object", expected="object", actual=type_name(document))]
    try:
        repeated = _may_repeat(raw, document) and first_of(_repeated_keys(raw))
    except orjson.JSONEncodeError:
        return [_too_deep()]
    return repeated or document


def find_too_deep(document: dict[str, Any]) -> list[Problem]:
    """Nesting beyond the limit. A valid offer can have it only within ``extensions``."""
    return [_too_deep()] if _exceeds(document.values(), MAX_DEPTH - 1) else []


def _exceeds(members: Iterable[Any], depth: int) -> bool:
    """Whether members nest deeper than ``depth``; the recursion is bounded by it."""
    for member in members:
        kind = type(member)
        if kind is dict:
            if not depth or (member and _exceeds(member.values(), depth - 1)):
                return True
        elif kind is list and (not depth or (member and _exceeds(member, depth - 1))):
            return True
    return False


def _too_deep() -> Problem:
    return problem("json-too-deep", expected=MAX_DEPTH)


def type_name(value: Any) -> Bilingual:
    """The JSON type of a decoded value."""
    match value:
        case None:
            return json_type("null")
        case bool():
            return json_type("boolean")
        case str():
            return json_type("string")
        case int() | float():
            return json_type("number")
        case list() | tuple():
            return json_type("array")
    return json_type("object")


def _may_repeat(raw: bytes, document: dict[str, Any]) -> bool:
    """Whether an object may hold a key twice. If the document serialises to the same bytes, no key was lost. Otherwise
    the decoded keys are compared with the number of quotes followed by a colon: every key has such a pair, and a pair
    within a text can only raise the count; the slow search then decides.
    """
    return orjson.dumps(document) != raw and _count_pairs(raw) != _count_keys(document)


def _count_pairs(raw: bytes) -> int:
    pairs = raw.count(b'":')
    if any(space in raw for space in _SPACES):
        pairs += len(_SPACED_COLON.findall(raw))
    return pairs


def _count_keys(members: dict[str, Any]) -> int:
    count = len(members)
    for value in members.values():
        kind = type(value)
        if kind is dict:
            count += _count_keys(value)
        elif kind is list and value and type(value[0]) is not str:
            count += _count_in_list(value)
    return count


def _count_in_list(items: list[Any]) -> int:
    count = 0
    for item in items:
        if type(item) is dict:
            count += _count_keys(item)
        elif type(item) is list:
            count += _count_in_list(item)
    return count


def _repeated_keys(raw: bytes) -> Iterator[Problem]:
    """One problem per repeated key of an object. The caller has bounded the depth."""
    root = json.loads(raw, object_pairs_hook=_Pairs, parse_int=float)
    yield from _walk_pairs(root, "")


class _Pairs(list[tuple[str, Any]]):
    """An object's members as written, repeated keys included."""


def _walk_pairs(value: Any, pointer: str) -> Iterator[Problem]:
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for key, member in value:
            inner = f"{pointer}/{token(key)}"
            if key in seen:
                yield problem("json-duplicate-key", pointer=inner, actual=key)
            seen.add(key)
            yield from _walk_pairs(member, inner)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk_pairs(item, f"{pointer}/{index}")


def exceeds_depth(text: str, most: int) -> bool:
    """Whether a JSON text, which may be malformed, nests deeper than ``most``."""
    depth = 0
    for bracket in _BRACKETS.finditer(text) if text.count("{") + text.count("[") > most else ():
        if bracket[0] in "{[":
            depth += 1
        elif bracket[0] in "}]":
            depth -= 1
        if depth > most:
            return True
    return False


def _explain(raw: bytes, error: orjson.JSONDecodeError) -> Problem:
    """The reason why bytes are not interoperable JSON, with its position."""
    if not raw.strip():
        return problem("json-empty")
    if raw.startswith(b"\xef\xbb\xbf"):
        return problem("json-bom", offset=0)
    try:
        text = raw.decode()
    except UnicodeDecodeError as fault:
        return problem("json-not-utf8", actual=f"0x{raw[fault.start]:02x}", offset=fault.start)
    if exceeds_depth(text, MAX_DEPTH):
        return _too_deep()
    position: dict[str, Any] = {"line": error.lineno, "column": error.colno}
    if _SURROGATE.search(error.msg):
        return problem("json-surrogate", **position)
    # A sign may precede the reported position.
    start = error.pos - 1 if text[error.pos - 1 : error.pos] == "-" else error.pos
    number = _NUMBER.match(text, start)
    if number is not None and not _finite(number.group()):
        return problem("json-number", actual=number.group(), **position)
    return problem("json-syntax", actual=text[error.pos : error.pos + 1], **position)


def _finite(literal: str) -> bool:
    try:
        return abs(float(literal)) < float("inf")
    except ValueError:
        return False
