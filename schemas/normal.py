"""The normal form of an accepted offer: redacted, whole numbers as integers, defaults filled in (OFR-034, OFR-039)."""

from collections.abc import Iterator
from typing import Any

from schemas.personal import redact, redact_tree
from schemas.rulebook import Problem, problem
from schemas.rules.text import NESTED, TOP
from schemas.rules.week import default_end, default_stay

_MOST_PLACES = 50
"""Beyond so many, extensions are named as one place: their warnings go into every receipt."""
_INTEGERS = ("revision", "seats", "stay_weeks")


def normalise(document: dict[str, Any], text: str) -> tuple[dict[str, Any], list[Problem]]:
    """A copy of a valid document in its normal form, and the warnings that redaction gives. Parts that need no change
    are shared with the document, which is not touched. ``text`` is all its free text, joined.
    """
    problems: list[Problem] = []
    if redact(text) != text:
        offer, problems = redacted(document)
    else:
        offer = dict(document)
        if "extensions" in offer:
            problems = _redact_extensions(offer)
    for name in _INTEGERS:
        if type(offer.get(name)) is float:
            offer[name] = int(offer[name])
    if "schedule" in offer:
        offer["schedule"] = _whole_breaks(offer["schedule"])
    if "stay_weeks" not in offer:
        offer["stay_weeks"] = default_stay(offer["levels"], offer["weeks"])
    if "expires_on" not in offer:
        offer["expires_on"] = default_end(offer["weeks"])
    return offer, problems


def redacted(document: dict[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """A shallow copy without personal data, and one warning per place; the document may be malformed."""
    offer = dict(document)
    found: list[str] = []
    for name in TOP:
        value = offer.get(name)
        if type(value) is str and (clean := redact(value)) != value:
            offer[name] = clean
            found.append(f"/{name}")
    for parent, fields in NESTED:
        members = offer.get(parent)
        if type(members) is dict:
            changed = dict(_redact_members(members, fields))
            if changed:
                offer[parent] = {**members, **changed}
                found.extend(f"/{parent}/{name}" for name in changed)
    problems = [problem("personal-data", pointer=pointer) for pointer in found]
    return offer, [*problems, *_redact_extensions(offer)]


def _redact_extensions(offer: dict[str, Any]) -> list[Problem]:
    """Put clean extensions in place of the offer's own; the warnings."""
    extensions = offer.get("extensions")
    if type(extensions) is not dict:
        return []
    offer["extensions"], found = redact_tree(extensions, "/extensions")
    named = found if len(found) <= _MOST_PLACES else ["/extensions"]
    return [problem("personal-data", pointer=pointer) for pointer in named]


def _redact_members(members: dict[str, Any], fields: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name in fields:
        value = members.get(name)
        if type(value) is str and (clean := redact(value)) != value:
            yield name, clean


def _whole_breaks(schedule: dict[str, Any]) -> dict[str, Any]:
    """The same schedule, or a copy in which breaks written as 45.0 are 45."""
    whole = schedule
    for day, hours in schedule.items():
        if type(hours) is dict and type(hours.get("break_minutes")) is float:
            whole = {**whole, day: {**hours, "break_minutes": int(hours["break_minutes"])}}
    return whole
