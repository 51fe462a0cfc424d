"""Hints: the field or value that was probably meant."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache

LONGEST = 60
"""Maximum length of a key that is compared."""

_CLOSE = 0.6

ELSEWHERE: Mapping[str, str] = {
    "remote_id": "id",
    "employer_name": "employer.name",
    "employer_description": "employer.description",
    "employer_website": "employer.website",
    "is_public": "employer.public",
    "siret": "employer.siret",
    "naf": "employer.naf",
    "street": "location.street",
    "zipcode": "location.postal_code",
    "postal_code": "location.postal_code",
    "city": "location.city",
    "insee_commune": "location.insee_commune",
    "coordinates": "location.latitude, location.longitude",
    "latitude": "location.latitude",
    "longitude": "location.longitude",
    "sector_uuid": "sector",
    "grades": "levels",
    "period": "weeks, stay_weeks",
    "max_candidates": "seats",
    "permalink": "apply_url",
    "daily_hours": "schedule",
    "lunch_break": "schedule.lunch_break",
    "handicap_accessible": "accessibility",
    "rep": "restrictions.rep",
    "qpv": "restrictions.qpv",
    "schools": "restrictions.schools",
    "open_data": "redistribution.regions",
    "masked_data": "redistribution.mask_employer",
}
"""Paths of fields that are often misplaced, or named as in the national site's API."""


def field_meant(key: str, known: Sequence[str], *, at_top: bool) -> str | None:
    """The field probably meant by an unknown key: a dotted path from the top, or a sibling's name; None if unclear."""
    if len(key) > LONGEST:
        return None
    lower = key.lower().replace("-", "_")
    if at_top and lower in ELSEWHERE:
        return ELSEWHERE[lower]
    return _nearest(lower, tuple(known)) or ELSEWHERE.get(lower)


def value_meant(value: str, allowed: Sequence[str]) -> str | None:
    """The allowed value that is nearest to an invalid one; None if none is close."""
    lower = value[:LONGEST].lower()
    if SAID_OTHERWISE.get(lower) in allowed:
        return SAID_OTHERWISE[lower]
    return _nearest(lower, tuple(allowed))


@lru_cache(maxsize=1024)
def _nearest(word: str, words: tuple[str, ...]) -> str | None:
    """The word that is close enough, if any. Cached: a platform repeats the same mistake in every offer."""
    near = get_close_matches(word, words, n=1, cutoff=_CLOSE)
    return near[0] if near else None


SAID_OTHERWISE = {
    "4e": "quatrieme",
    "4eme": "quatrieme",
    "4ème": "quatrieme",
    "3e": "troisieme",
    "3eme": "troisieme",
    "3ème": "troisieme",
    "2de": "seconde",
    "2nde": "seconde",
    "2e": "seconde",
    "pourvu": "filled",
    "pourvue": "filled",
    "annulé": "cancelled",
    "annulée": "cancelled",
    "canceled": "cancelled",
}
"""Common spellings, with the value of this protocol."""
