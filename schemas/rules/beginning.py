"""Fields and values of lists that begin: refused until the day from which their release holds (OFR-050)."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, TypeAlias

from schemas import offer_field
from schemas.bilingual import Bilingual
from schemas.offer_field import fields_of, has_field, pointer_of, with_field
from schemas.registry import schema
from schemas.rulebook import Problem, problem
from schemas.texts import day_in_words

Activations: TypeAlias = Mapping[str, date]
"""The releases of the schema (``1.1``) that were activated, each with the first day of receipt of its fields; and the
codes of ends, each with the day on which it comes.
"""
NOT_ACTIVATED: Activations = MappingProxyType({})
MARKS: Mapping[str, str] = offer_field.beginning(schema("offer"))
"""Dotted path of a field, or path and value (``levels:premiere``) → release. Empty where nothing waits: then nothing is
looked up in an offer.
"""
_DEFAULTS: Mapping[str, Any] = {
    one.path: one.part["default"] for one in fields_of(schema("offer")) if one.path in MARKS and "default" in one.part
}


def find(offer: Mapping[str, Any], on: date, activations: Activations) -> list[Problem]:
    """The fields and values of an offer, sound or not, that have not begun on the day of receipt."""
    found = []
    for mark, release in MARKS.items():
        pointer = None if begun(release, on, activations) else pointer_of(offer, mark)
        if pointer is not None:
            path, _, value = mark.partition(":")
            code, named = ("value-not-begun", {"value": value}) if value else ("field-not-begun", {})
            when = _in_words(activations.get(release))
            found.append(problem(code, pointer=pointer, field=path, release=release, when=when, **named))
    return found


def waiting(on: date, activations: Activations) -> frozenset[str]:
    """The marks of what has not begun on a day."""
    return frozenset(mark for mark, release in MARKS.items() if not begun(release, on, activations))


def filled(offer: dict[str, Any], on: date, activations: Activations) -> dict[str, Any]:
    """An accepted offer with the defaults of the fields that have begun, in objects that it has (EVO-005)."""
    for path, default in _DEFAULTS.items():
        if begun(MARKS[path], on, activations) and not has_field(offer, path):
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
