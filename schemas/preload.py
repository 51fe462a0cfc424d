"""Preloads packaged files, so that a service without free file descriptors can still give verdicts."""

from datetime import date

import orjson

from schemas.checking import check, check_withdrawal
from schemas.codelist import reference
from schemas.registry import schema_names, validator
from schemas.rulebook import catalogue

_LISTS = ("sectors", "regions", "departments", "academies", "rules", "calendar")
_REFUSED = {
    "id": "example:1",
    "revision": 1,
    "title": "",
    "employer": {"name": "A", "siret": "1"},
    "location": {"postal_code": "75001", "city": "Paris", "latitude": 48.86, "longitude": 2.34},
    "levels": ["seconde"],
    "weeks": ["2027-W24"],
    "sector": "s5",
    "apply_url": "https://example.org/",
}


def preload() -> None:
    """Read every packaged file needed for a verdict or a refusal. Takes about a second."""
    catalogue()
    validator("offer")
    for name in schema_names():
        validator(name)
    for name in _LISTS:
        reference(name)
    for document in (_REFUSED, {**_REFUSED, "title": "Title", "description": "Text", "employer": {"name": "A"}}):
        check(orjson.dumps(document), on=date(2026, 11, 1))
    check_withdrawal(orjson.dumps({"id": "example:1", "revision": 0}), on=date(2026, 11, 1))
