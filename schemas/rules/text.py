"""Free text: its fields in an offer, and its rules beyond the schema (OFR-010 to OFR-013)."""

import re
from collections.abc import Container, Iterator, Mapping
from typing import Any
from unicodedata import is_normalized

from schemas.folding import find_invisible, is_blank, visible
from schemas.offer_field import fields_of
from schemas.registry import definition_validator, schema
from schemas.rulebook import Problem, problem
from schemas.suspicion import BREAK

_MARKUP = re.compile(schema("offer")["$defs"]["markup"]["pattern"])
_TEXTS = frozenset({"line", "text"})


def _members(kinds: Container[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The fields of an offer of these kinds, by the object that they are in; the offer itself has no name."""
    found: dict[str, list[str]] = {}
    for field in fields_of(schema("offer")):
        if field.kind in kinds:
            home, _, name = field.path.rpartition(".")
            found.setdefault(home, []).append(name)
    return tuple((home, tuple(names)) for home, names in found.items())


_FREE = _members(_TEXTS)
_SEARCHED = _members(_TEXTS | {"offer_id", "web_address", "foreign_id"})


def texts(offer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every free text of an offer with its pointer; values of other types in a malformed offer are skipped."""
    for home, names in _FREE:
        members = offer.get(home) if home else offer
        if isinstance(members, dict):
            for name in names:
                value = members.get(name)
                if isinstance(value, str):
                    yield f"/{home}/{name}" if home else f"/{name}", value


def joined(offer: Mapping[str, Any]) -> str:
    """All free texts, ids and web addresses of an offer of sound structure as one text: one search for rare findings
    instead of twelve.
    """
    found = []
    for home, names in _SEARCHED:
        members = offer.get(home) if home else offer
        if members:
            for name in names:
                if name in members:
                    found.append(members[name])  # noqa: PERF401  # a comprehension for each object takes longer
    return BREAK.join(found)


def find(offer: Mapping[str, Any]) -> list[Problem]:
    """Texts that are not in normal form C, are blank, hold markup once invisible characters are gone, or hold such
    characters. Errors first; the findings of the schema are not repeated.
    """
    found: list[Problem] = []
    for pointer, text in texts(offer):
        if not text.isascii() and not is_normalized("NFC", text):
            found.append(problem("text-not-nfc", pointer=pointer))
        clean = visible(text)
        if is_blank(clean):
            if definition_validator("not_blank").is_valid(text):
                found.append(problem("text-blank", pointer=pointer))
            continue
        if clean == text:
            continue
        if (markup := _MARKUP.search(clean)) and not _MARKUP.search(text):
            found.append(problem("text-markup", pointer=pointer, sign=markup.group(), place=markup.start() + 1))
        first = find_invisible(text)
        if first is not None:
            found.append(_invisible(pointer, *first))
    return found


def _invisible(pointer: str, sign: str, position: int) -> Problem:
    return problem("text-invisible", pointer=pointer, sign=f"U+{ord(sign):04X}", place=position)
