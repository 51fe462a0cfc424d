"""The keywords of the schemas on the wire: a closed list whose combination is decidable."""

from copy import deepcopy
from typing import Any

import pytest

from schemas.evolution.answer import WIRE
from schemas.evolution.automaton import automaton
from schemas.evolution.pattern import PatternError
from schemas.evolution.subset import find_foreign
from schemas.registry import schema, schema_names

APART = {
    "case": "the kit's own cases, recursive; no partner writes or reads them",
    "certificate": "signed by the operator, closed, with a version of its own",
    "conformance-evidence": "written by the kit, checked by the gateway that issued its nonce",
    "conformance-report": "written by the kit for people",
    "mapping": "a file of the operator or a platform for its feed, no document of the wire",
    "partner": "a record of the federation's own topic",
    "profile": "as mapping",
    "public-offer": "an allowlist for the pages; no partner reads it as a document",
    "offer": "within submission",
    "withdrawal": "within submission",
}
"""Schemas that are not compared by themselves, and why."""


def changed(name: str, *path: str, **keywords: Any) -> dict[str, Any]:
    """Every schema, of one of which a part has further keywords."""
    known = {one: deepcopy(schema(one)) for one in schema_names()}
    part = known[name]
    for step in path:
        part = part[step]
    part.update(keywords)
    return known


def test_every_schema_is_compared_or_has_a_reason() -> None:
    remedy = "add it to WIRE in schemas/evolution/answer.py if partners read it, else to APART here with the reason"
    assert [] == [f"{name}: {remedy}" for name in sorted({*WIRE, *APART} ^ {*schema_names()})]


@pytest.mark.parametrize("name", WIRE)
def test_a_schema_of_the_wire_can_be_compared(name: str) -> None:
    assert [] == find_foreign(name, {one: schema(one) for one in schema_names()})


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"multipleOf": 2}, "change/properties/op/multipleOf: the keyword multipleOf is not in the list"),
        ({"$dynamicRef": "#x"}, "change/properties/op/$dynamicRef: the keyword $dynamicRef is not in the list"),
        ({"unevaluatedProperties": False}, "change/properties/op/unevaluatedProperties: the keyword"),
        ({"format": "date-time"}, "change/properties/op/format: date-time without a pattern beside it"),
        ({"format": "hostname"}, "change/properties/op/format: the format hostname"),
        ({"const": {"a": 1}}, "change/properties/op/const: a value that is an object or a list"),
        ({"pattern": "^(?=a)"}, "change/properties/op/pattern: "),
        ({"$ref": "#"}, "change: recursion through urn:fr:stages:schema:change:1#"),
        ({"anyOf": [{"not": {"contains": True}}]}, "change/properties/op/anyOf/0/not/contains: the keyword contains"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_be_compared_is_refused_by_name_and_pointer(keywords: dict[str, Any], message: str) -> None:
    (found,) = find_foreign("change", changed("change", "properties", "op", **keywords))
    assert found.startswith(message)


def test_recursion_through_two_schemas_is_refused() -> None:
    known = changed("receipt", "properties", "codes", **{"$ref": "urn:fr:stages:schema:change:1"})
    known["change"]["properties"]["op"] = {"$ref": "urn:fr:stages:schema:receipt:1#/properties/codes"}
    (found,) = find_foreign("change", known)
    assert found == "change: recursion through urn:fr:stages:schema:change:1#"


NOT_SHARED = r"""
(a) (?=a) (?<!a)b (?:a)\1 a.b \d \w+ \bx \p{L} a*? a++ a{2 a{,2} a{2,1} [] [z-a] [a&&b] [a--b] [[:alpha:]] a) (?:a *a
\u12 a^ $a (?:^a)* ^^ \
"""


@pytest.mark.parametrize("pattern", NOT_SHARED.split())
def test_a_pattern_that_engines_read_in_different_ways_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        automaton(pattern)
