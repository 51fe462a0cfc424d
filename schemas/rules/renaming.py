"""Fields that take the place of others: until the other's end both are accepted, and stored alike (OFR-052)."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from schemas.offer_field import field_at, has_field, replacing_fields, with_field
from schemas.registry import schema
from schemas.rulebook import ENDING, Problem, problem
from schemas.rules import beginning, ending
from schemas.rules.beginning import Activations
from schemas.territory import Territory

RENAMED: Mapping[str, str] = replacing_fields(schema("offer"))
"""The path of the new field → that of the other."""
READS = tuple(f"/{path.replace('.', '/')}" for pair in RENAMED.items() for path in pair)


def find(offer: Mapping[str, Any], _on: date, _territory: Territory | None) -> list[Problem]:
    """The fields that an offer has under both names, with different values."""
    return [
        problem("field-twice", pointer=f"/{new.replace('.', '/')}", field=new, other=old)
        for new, old in RENAMED.items()
        if has_field(offer, new) and has_field(offer, old) and field_at(offer, new) != field_at(offer, old)
    ]


def with_both(offer: dict[str, Any], on: date, activations: Activations) -> dict[str, Any]:
    """An accepted offer with both fields, while both are accepted."""
    for new, old in RENAMED.items():
        waits = new in beginning.MARKS and not beginning.begun(beginning.MARKS[new], on, activations)
        if waits or ending.ended(f"{ENDING}:{old}", on, activations):
            continue
        if has_field(offer, old):
            offer = with_field(offer, new, field_at(offer, old))
        elif has_field(offer, new):
            offer = with_field(offer, old, field_at(offer, new))
    return offer


def as_sent(offer: Mapping[str, Any]) -> Mapping[str, Any]:
    """An accepted offer without the other name of a field: whether it was sent as well is not stored."""
    for new, old in RENAMED.items():
        if has_field(offer, new) and has_field(offer, old):
            offer = _without(offer, old)
    return offer


def _without(part: Mapping[str, Any], path: str) -> dict[str, Any]:
    name, _, rest = path.partition(".")
    kept = {one: value for one, value in part.items() if one != name}
    return {**kept, name: _without(part[name], rest)} if rest else kept
