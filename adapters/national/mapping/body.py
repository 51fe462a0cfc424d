"""Body of an offer in the site's fields: always complete, so that an update leaves no old value in place."""

from collections.abc import Mapping
from typing import Any

from adapters.national.mapping.hours import daily_hours, lunch_break

DEFAULT_SEATS = 1
_NEARLY_ZERO = 0.000001
"""Degrees, about ten centimetres: sent instead of 0, which the site treats as a missing coordinate."""


def body_of(offer: Mapping[str, Any], *, stand_in: str | None) -> dict[str, Any]:
    """All fields except remote id, levels, weeks and restrictions. ``stand_in`` is the name sent for a masked employer.

    Coordinates are the only field left out when unknown: the site then uses a point of the postcode.
    """
    employer, location, schedule = offer["employer"], offer["location"], offer.get("schedule", {})
    if is_masked(offer):
        employer = {"name": stand_in, "public": employer.get("public", False)}
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
        "daily_hours": daily_hours(schedule),
        "lunch_break": lunch_break(schedule),
    }
    if "latitude" in location:
        body["coordinates"] = {name: location[name] or _NEARLY_ZERO for name in ("latitude", "longitude")}
    return body


def is_masked(offer: Mapping[str, Any]) -> bool:
    """Whether the employer must not be identifiable to others."""
    masked: bool = offer.get("redistribution", {}).get("mask_employer", False)
    return masked
