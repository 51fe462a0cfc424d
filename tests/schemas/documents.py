"""Documents for tests: one sound offer, and ways to change it."""

from collections.abc import Mapping
from copy import deepcopy
from datetime import date
from typing import Any

import orjson

import schemas

ON = date(2026, 11, 24)
"""The day of receipt: school year 2026-2027, whose mandatory weeks are 2027-W24 and 2027-W25."""

SOUND: dict[str, Any] = {
    "id": "bretagne:S-2027-000123",
    "revision": 1764000000000,
    "title": "Découverte des métiers de la menuiserie",
    "description": "Lecture de plans, choix du bois, traçage, découpe, assemblage, finitions.\nPose sur un chantier.",
    "employer": {
        "name": "Menuiserie des Abers",
        "description": "Entreprise artisanale de douze personnes, spécialisée dans l'escalier.",
        "website": "https://www.menuiserie-abers.example/",
        "siret": "73282932000074",
        "naf": "43.32A",
        "public": False,
    },
    "location": {
        "street": "12 rue du Port",
        "postal_code": "29870",
        "city": "Lannilis",
        "insee_commune": "29117",
        "latitude": 48.5712,
        "longitude": -4.5231,
    },
    "levels": ["seconde"],
    "weeks": ["2027-W24", "2027-W25"],
    "stay_weeks": 2,
    "seats": 2,
    "sector": "s24",
    "accessibility": "unknown",
    "apply_url": "https://stages.ideo.bretagne.example/offres/S-2027-000123",
    "redistribution": {"national": True, "regions": True},
}
GONE = object()
"""A field to remove."""


def changed(changes: Mapping[str, Any] | None = None, /, **fields: Any) -> dict[str, Any]:
    """The sound offer with some fields changed, named by dotted path or, at the top, by keyword."""
    document = deepcopy(SOUND)
    for path, value in {**(changes or {}), **fields}.items():
        *parents, name = path.split(".")
        inner = document
        for parent in parents:
            inner = inner.setdefault(parent, {})
        if value is GONE:
            inner.pop(name, None)
        else:
            inner[name] = value
    return document


WHOLE = changed(
    {
        "rome": {"code": "H2206", "version": "4"},
        "schedule.monday": {"start": "09:00", "end": "17:00", "break_minutes": 60},
        "schedule.lunch_break": "Repas au réfectoire.",
        "restrictions": {"rep": False, "qpv": True, "schools": ["0750655E"]},
        "redistribution.mask_employer": False,
        "source_id": "grand-est:7",
        "national_remote_id": "gre-7",
        "extensions": {"bretagne": {"ref": [1, "a", {"b": None}]}},
    },
    expires_on="2027-06-20",
)
"""An offer with every field there is."""


def check(document: Any, *, on: date = ON) -> schemas.Verdict:
    """The verdict on a document given as JSON value or as bytes."""
    raw = document if isinstance(document, bytes) else orjson.dumps(document)
    return schemas.check(raw, on=on)


def found(verdict: schemas.Verdict) -> list[tuple[str, str]]:
    """Code and pointer of each problem, in the verdict's order."""
    return [(problem.code, problem.pointer) for problem in verdict.problems]


def pointer(field: str) -> str:
    """The JSON pointer of a field named by dotted path."""
    return "/" + field.replace(".", "/")


def codes(verdict: schemas.Verdict) -> set[str]:
    """The codes of the problems."""
    return {problem.code for problem in verdict.problems}


def errors(verdict: schemas.Verdict) -> list[tuple[str, str]]:
    """Code and pointer of the problems that refuse the document."""
    return [(problem.code, problem.pointer) for problem in verdict.problems if problem.severity == "error"]
