"""Fields of an offer with their parsers: a mapping only gives the path of each value."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from adapters.formats.code import (
    read_accessibility,
    read_code,
    read_levels,
    read_naf,
    read_number,
    read_sector,
    read_siret,
    read_whole,
    read_yes_no,
)
from adapters.formats.link import read_link
from adapters.formats.moment import read_date, read_hours, read_weeks
from adapters.formats.text import clean, one_line

Read: TypeAlias = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class One:
    """A field with one value; ``read`` raises UnreadableValueError. ``text``: the value may be cut."""

    read: Read
    text: bool = False


@dataclass(frozen=True, slots=True)
class Many:
    """A field that is built from all values found."""

    read: Callable[[Sequence[str]], Any]


@dataclass(frozen=True, slots=True)
class Located:
    """A field that is resolved together with the other fields of the location, as a member of ``Written``."""

    member: str


Field: TypeAlias = One | Many | Located

_LINE, _TEXT, _CODE = One(one_line, text=True), One(clean, text=True), One(read_code)
_YES_NO, _WHOLE, _NUMBER = One(read_yes_no), One(read_whole), One(read_number)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _codes(texts: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(map(read_code, texts)))


FIELDS: Mapping[str, Field] = {
    "title": _LINE,
    "description": _TEXT,
    "employer.name": _LINE,
    "employer.description": _TEXT,
    "employer.website": One(read_link),
    "employer.siret": One(read_siret),
    "employer.naf": One(read_naf),
    "employer.public": _YES_NO,
    "location.street": _LINE,
    "location.postal_code": Located("postcode"),
    "location.city": Located("city"),
    "location.insee_commune": Located("commune"),
    "location.department": Located("department"),
    "location.country": Located("country"),
    "location.latitude": _NUMBER,
    "location.longitude": _NUMBER,
    "levels": Many(read_levels),
    "weeks": Many(read_weeks),
    "stay_weeks": _WHOLE,
    "seats": _WHOLE,
    "sector": One(read_sector),
    "rome.code": _CODE,
    "rome.version": _CODE,
    **{f"schedule.{day}": Many(read_hours) for day in _DAYS},
    "schedule.lunch_break": _TEXT,
    "accessibility": One(read_accessibility),
    "restrictions.rep": _YES_NO,
    "restrictions.qpv": _YES_NO,
    "restrictions.schools": Many(_codes),
    "apply_url": One(read_link),
    "redistribution.national": _YES_NO,
    "redistribution.regions": _YES_NO,
    "redistribution.mask_employer": _YES_NO,
    "expires_on": One(lambda text: read_date(text).isoformat()),
    "source_id": _CODE,
    "national_remote_id": _CODE,
}
"""By dotted name in the shared schema, and ``HINTS``."""

HINTS = frozenset(("location.department", "location.country"))
"""Fields without a counterpart in the shared schema; they help to resolve the locality."""
