"""An offer in the site's fields: its remote id and its body.

The site never releases a remote id: a deleted one is dead, so a republished offer takes the next generation. Its URLs
end at a dot, and its column holds 60 characters; an offer id that does not fit is replaced by its digest. Remote ids
with a colon come from offer ids and those without one from digests, and an id with a tilde is replaced by its digest
too, so that no two offers share a remote id.

A body is always complete, so that an update leaves no old value in place.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Literal, TypeAlias

Suffix: TypeAlias = Literal["", "c", "l"]
"""Levels of a part: all levels of the offer, those of collège, or seconde (lycée)."""

MAX_CHARACTERS = 60
_REACHABLE = re.compile(r"[A-Za-z0-9_~:-]{1,60}")
_PLAIN = re.compile(r"[A-Za-z0-9_:-]+")
_DIGITS = 40

DEFAULT_SEATS = 1
_NEARLY_ZERO = 0.000001
"""Degrees, about ten centimetres: sent instead of 0, which the site treats as a missing coordinate."""
_DAYS = {
    "monday": "lundi",
    "tuesday": "mardi",
    "wednesday": "mercredi",
    "thursday": "jeudi",
    "friday": "vendredi",
    "saturday": "samedi",
}
"""The site's names of days; it has no Sunday."""


def remote_id(offer_id: str, group: Suffix = "", generation: int = 1) -> str:
    """The name of one part in one generation, counted from 1."""
    suffix = (f"~{group}" if group else "") + (f"~{generation}" if generation > 1 else "")
    if _PLAIN.fullmatch(offer_id) and len(offer_id) + len(suffix) <= MAX_CHARACTERS:
        return offer_id + suffix
    return f"x-{sha256(offer_id.encode()).hexdigest()[:_DIGITS]}{suffix}"


def is_reachable(name: str) -> bool:
    """Whether PATCH and DELETE reach this name; a name given by another program may hold a dot or a slash."""
    return _REACHABLE.fullmatch(name) is not None


def body_of(offer: Mapping[str, Any], *, replacement_name: str | None) -> dict[str, Any]:
    """All fields except remote id, levels, weeks and restrictions. A masked employer is sent as ``replacement_name``.

    Coordinates are the only field left out when unknown: the site then uses a point of the postcode.
    """
    employer, location, schedule = offer["employer"], offer["location"], offer.get("schedule", {})
    if is_masked(offer):
        employer = {"name": replacement_name, "public": employer.get("public", False)}
        location = {"postal_code": location["postal_code"], "city": location["city"]}
    body = {
        "title": offer["title"],
        "description": offer["description"],
        "employer_name": employer["name"],
        "employer_description": employer.get("description", employer["name"]),
        "employer_website": employer.get("website"),
        "street": location.get("street", location["city"]),
        "zipcode": location["postal_code"],
        "city": location["city"],
        "sector_uuid": offer["sector"],
        "permalink": offer["apply_url"],
        "max_candidates": offer.get("seats", DEFAULT_SEATS),
        "is_public": employer.get("public", False),
        "handicap_accessible": offer.get("accessibility") == "yes",
        "daily_hours": _daily_hours(schedule),
        "lunch_break": schedule.get("lunch_break"),
    }
    if "latitude" in location:
        body["coordinates"] = {name: location[name] or _NEARLY_ZERO for name in ("latitude", "longitude")}
    return body


def is_masked(offer: Mapping[str, Any]) -> bool:
    """Whether the employer must not be identifiable to others."""
    masked: bool = offer.get("redistribution", {}).get("mask_employer", False)
    return masked


def _daily_hours(schedule: Mapping[str, Any]) -> dict[str, list[str]]:
    """``{"lundi": ["9:00", "16:30"], …}``. The site has no Sunday: its hours are left out."""
    return {
        french: [_unpadded(schedule[day]["start"]), _unpadded(schedule[day]["end"])]
        for day, french in _DAYS.items()
        if day in schedule
    }


def _unpadded(time: str) -> str:
    return f"{int(time[:2])}:{time[3:]}"
