"""Fields that end, and values of lists: a warning with the day, an error from it on (OFR-049, OFR-051)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from schemas.offer_field import RetiredValue, ending_fields, has_field, pointer_of, retired_values
from schemas.registry import schema
from schemas.rulebook import ENDING, Problem, problem
from schemas.territory import Territory

FIELDS: Mapping[str, str] = {f"/{path.replace('.', '/')}": path for path, _ in ending_fields(schema("offer"))}
"""Pointer → dotted path."""

VALUES: Sequence[RetiredValue] = tuple(retired_values(schema("offer")))
READS = tuple(dict.fromkeys([*FIELDS, *(f"/{one.path.replace('.', '/')}" for one in VALUES)]))
"""Empty where nothing ends: then nothing is looked up."""


def find(offer: Mapping[str, Any], _on: date, _territory: Territory | None) -> list[Problem]:
    """The fields and values of an offer that end."""
    return [*_fields(offer), *_values(offer)]


def _fields(offer: Mapping[str, Any]) -> list[Problem]:
    return [problem(f"{ENDING}:{path}", pointer=pointer) for pointer, path in FIELDS.items() if has_field(offer, path)]


def _values(offer: Mapping[str, Any]) -> Iterator[Problem]:
    for one in VALUES:
        if (pointer := pointer_of(offer, f"{one.path}:{one.value}")) is not None:
            yield problem(one.code, pointer=pointer, actual=one.value, expected=one.successor)
