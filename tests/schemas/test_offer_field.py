"""Marks of fields that begin, take the place of others, or end: contradictions are found when the schema is read."""

from collections.abc import Callable
from typing import Any

import pytest

from schemas.offer_field import beginning, replacing_fields, retired_values

END = {"type": "string", "x-ends": "2028-09-01"}
LIST = {"type": "string", "enum": ["a", "b"]}


@pytest.mark.parametrize(
    ("read", "required", "fields", "says"),
    [
        (beginning, ["new"], {"new": {"type": "string", "x-begins": "1.1"}}, "new begins on a day"),
        (beginning, [], {"one": {**LIST, "x-begins": {"c": "1.1"}}}, "c is not in the list"),
        (replacing_fields, [], {"new": {"type": "string", "x-replaces": "old"}}, "new replaces old"),
        (
            replacing_fields,
            [],
            {"new": {"type": "string", "x-replaces": "old"}, "old": {"type": "string"}},
            "the latter has x-ends",
        ),
        (replacing_fields, ["old"], {"new": {"type": "string", "x-replaces": "old"}, "old": END}, "both are optional"),
        (replacing_fields, ["new"], {"new": {"type": "string", "x-replaces": "old"}, "old": END}, "both are optional"),
        (
            retired_values,
            [],
            {"one": {**LIST, "x-retires": {"a": {"successor": "c", "error_from": "2028-09-01"}}}},
            "a or c is not in the list",
        ),
        (
            retired_values,
            [],
            {"one": {**LIST, "x-retires": {"d": {"successor": "a", "error_from": "2028-09-01"}}}},
            "d or a is not in the list",
        ),
    ],
    ids=[
        "required",
        "not listed",
        "no other",
        "no end",
        "other required",
        "new required",
        "no successor",
        "no value",
    ],
)
def test_contradictory_marks_are_refused(
    read: Callable[[Any], Any], required: list[str], fields: dict[str, Any], says: str
) -> None:
    """OFR-050, OFR-051, OFR-052"""
    with pytest.raises(ValueError, match=says):
        list(read({"required": required, "properties": fields, "$defs": {}}))
