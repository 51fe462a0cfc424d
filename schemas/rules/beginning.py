"""Fields that begin: refused until the day from which their release holds (OFR-050)."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, TypeAlias

from schemas.bilingual import Bilingual
from schemas.offer_field import beginning_fields, fields_of, has_field, with_field
from schemas.registry import schema
from schemas.rulebook import Problem, problem
from schemas.texts import day_in_words

Activations: TypeAlias = Mapping[str, date]
"""The releases of the schema (``1.1``) that were activated, each with the first day of receipt of its fields."""
NOT_ACTIVATED: Activations = MappingProxyType({})
FIELDS: Mapping[str, str] = dict(beginning_fields(schema("offer")))
"""Dotted path → release. Empty where no field waits: then nothing is looked up in an offer."""
_DEFAULTS: Mapping[str, Any] = {
    one.path: one.part["default"] for one in fields_of(schema("offer")) if one.path in FIELDS and "default" in one.part
}


def find(offer: Mapping[str, Any], on: date, activations: Activations) -> list[Problem]:
    """The fields of an offer, sound or not, that have not begun on the day of receipt."""
    return [
        problem(
            "field-not-begun",
            pointer=f"/{path.replace('.', '/')}",
            field=path,
            release=release,
            when=_in_words(activations.get(release)),
        )
        for path, release in FIELDS.items()
        if not begun(release, on, activations) and has_field(offer, path)
    ]


def filled(offer: dict[str, Any], on: date, activations: Activations) -> dict[str, Any]:
    """An accepted offer with the defaults of the fields that have begun, in objects that it has (EVO-005)."""
    for path, default in _DEFAULTS.items():
        if begun(FIELDS[path], on, activations) and not has_field(offer, path):
            offer = with_field(offer, path, default)
    return offer


def begun(release: str, on: date, activations: Activations) -> bool:
    """Whether the fields of a release hold on a day."""
    day = activations.get(release)
    return day is not None and day <= on


def _in_words(day: date | None) -> Bilingual:
    if day is None:
        return Bilingual("its day is not set yet", "son jour n’est pas encore fixé")
    return Bilingual(f"it begins on {day_in_words(day, 'en')}", f"il commence le {day_in_words(day, 'fr')}")
