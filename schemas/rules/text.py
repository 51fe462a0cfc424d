"""Free text: its fields in an offer, and its rules beyond the schema (OFR-010 to OFR-013)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from unicodedata import is_normalized

from schemas.folding import find_invisible, is_blank, visible
from schemas.registry import definition_validator, schema
from schemas.rulebook import Problem, problem
from schemas.suspicion import BREAK

_MARKUP = re.compile(schema("offer")["$defs"]["markup"]["pattern"])
TOP = ("title", "description")
_OPTIONAL = ("apply_url", "source_id", "national_remote_id")
NESTED = (
    ("employer", ("name", "description")),
    ("location", ("street", "city")),
    ("schedule", ("lunch_break",)),
)


def texts(offer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every free text of an offer with its pointer; values of other types in a malformed offer are skipped."""
    for name in TOP:
        value = offer.get(name)
        if isinstance(value, str):
            yield f"/{name}", value
    for parent, fields in NESTED:
        members = offer.get(parent)
        if isinstance(members, dict):
            for name in fields:
                value = members.get(name)
                if isinstance(value, str):
                    yield f"/{parent}/{name}", value


def joined(offer: Mapping[str, Any]) -> str:
    """All free texts, ids and web addresses of an offer of sound structure as one text: one search for rare findings
    instead of twelve.
    """
    employer, location = offer["employer"], offer["location"]
    found = [offer["title"], offer["description"], employer["name"], location["city"], offer["id"]]
    found += [offer[name] for name in _OPTIONAL if name in offer]
    if "description" in employer:
        found.append(employer["description"])
    if "website" in employer:
        found.append(employer["website"])
    if "street" in location:
        found.append(location["street"])
    if "schedule" in offer and "lunch_break" in offer["schedule"]:
        found.append(offer["schedule"]["lunch_break"])
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
