"""Fields that end: a warning with the day, an error from it on (OFR-049)."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from schemas.offer_field import ending_fields, has_field
from schemas.registry import schema
from schemas.rulebook import ENDING, Problem, problem
from schemas.territory import Territory

FIELDS: Mapping[str, str] = {f"/{path.replace('.', '/')}": path for path, _ in ending_fields(schema("offer"))}
"""Pointer → dotted path."""


def find(offer: Mapping[str, Any], _on: date, _territory: Territory | None) -> list[Problem]:
    """The fields of an offer that end."""
    return [problem(f"{ENDING}:{path}", pointer=pointer) for pointer, path in FIELDS.items() if has_field(offer, path)]
