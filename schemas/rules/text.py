"""Free text: where an offer holds it, and whether it is in Unicode normal form C (OFR-012)."""

from collections.abc import Iterator, Mapping
from typing import Any
from unicodedata import is_normalized

from schemas.rulebook import Problem, problem

TOP = ("title", "description")
NESTED = (
    ("employer", ("name", "description")),
    ("location", ("street", "city")),
    ("schedule", ("lunch_break",)),
)


def texts(offer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every free text of an offer with its pointer; only strings, whatever else a malformed one holds there."""
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
    """All free texts of a valid offer as one, kept apart by a character that none may hold: to look once, not six
    times, for what is rarely there.
    """
    employer, location = offer["employer"], offer["location"]
    lunch = offer["schedule"].get("lunch_break") if "schedule" in offer else None
    return "\0".join(
        (
            offer["title"],
            offer["description"],
            employer["name"],
            employer.get("description", ""),
            location["city"],
            location.get("street", ""),
            lunch or "",
        )
    )


def is_normal(text: str) -> bool:
    """Whether a text is in normal form C."""
    return text.isascii() or is_normalized("NFC", text)


def find_denormalised(offer: Mapping[str, Any]) -> list[Problem]:
    """Texts whose accents are written apart from their letters, which compare as different though they look alike."""
    return [problem("text-not-nfc", pointer=pointer) for pointer, text in texts(offer) if not is_normal(text)]
