"""What one schema takes and another does not: proved, or with the shortest witness."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from schemas.evolution.answer import WIRE
from schemas.evolution.automaton import automaton
from schemas.evolution.difference import gaps
from schemas.evolution.language import accepts, shortest
from schemas.evolution.literal import Literal
from schemas.evolution.solve import NOTHING, UndecidedError, solve
from schemas.evolution.subset import format_pattern, resolved
from tests.schemas.evolution.brute import Engine
from tests.schemas.evolution.mutation import PRESENT

STRING = {"type": "string"}
OBJECT = {"type": "object"}
SIGNS = "aEzZ059-_.~/:?#@%&<;\n\r\té \u2028\u0301\U000e0001\U0001f600"


def patterns(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        found = part.get("pattern")
        yield from [found] if isinstance(found, str) else []
        for inner in part.values():
            yield from patterns(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from patterns(inner)


PATTERNS = sorted({one for name in WIRE for one in patterns(resolved(name, PRESENT))})


def engine(schema: Any) -> Any:
    return Engine({"x": {"$id": "urn:x", **schema}}).validator("x")


def edited(text: str, dice: random.Random) -> str:
    signs = [*text]
    for _ in range(dice.randrange(4)):
        at = dice.randrange(len(signs) + 1)
        signs[at : at + dice.randrange(2)] = dice.choice(SIGNS) * dice.randrange(2)
    return "".join(signs)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_an_automaton_finds_a_pattern_where_the_engine_does(pattern: str) -> None:
    dice, machine, judge = random.Random(1), automaton(pattern), engine({"pattern": pattern})
    words = [shortest([machine], [], 0, None), shortest([], [machine], 0, None), shortest([machine], [], 30, None)]
    for _ in range(400):
        text = edited(dice.choice([one for one in words if one is not None]), dice)
        assert judge.is_valid(text) == accepts(machine, text), repr(text)


@pytest.mark.parametrize("year", ["0000", "0004", "1900", "2000", "2023", "2024", "2100"])
def test_a_date_is_one_where_the_engine_says_so(year: str) -> None:
    machine, judge = automaton(format_pattern("date")), engine({"format": "date"})
    days = [f"{year}-{month:02}-{day:02}" for month in range(14) for day in range(33)]
    texts = [*days, *(f"{one}\n" for one in days[:50]), f"{year}-1-1", f"{year}0101", f"{year}-01-01T00:00:00Z"]
    assert [judge.is_valid(one) for one in texts] == [accepts(machine, one) for one in texts]


def test_a_moment_is_one_where_the_engine_says_so() -> None:
    machine, judge = automaton(format_pattern("date-time")), engine({"format": "date-time"})
    times = [
        f"{hour:02}:{minute:02}:{second:02}" for hour in (0, 23, 24) for minute in (0, 59, 60) for second in (0, 59, 60)
    ]
    ends = ("Z", "z", "", ".1Z", ".Z", ".123456789Z", "\n")
    texts = [f"2026-02-{day}{mark}{time}{end}" for day in (28, 29) for mark in "Tt " for time in times for end in ends]
    assert [judge.is_valid(one) for one in texts] == [accepts(machine, one) for one in texts]


@pytest.mark.parametrize("name", WIRE)
def test_nothing_is_valid_and_not_valid(name: str) -> None:
    """Without the shortcut for equal texts."""
    whole = resolved(name, PRESENT)
    assert NOTHING is solve(Literal(whole), Literal({"not": {"not": whole}}, holds=False))


@pytest.mark.parametrize("name", WIRE)
def test_a_small_document_of_a_schema_is_valid(name: str) -> None:
    assert Engine(PRESENT).validator(name).is_valid(solve(Literal(resolved(name, PRESENT))))


SHORTEST: list[tuple[Any, Any, Any]] = [
    ({"type": "string", "maxLength": 200}, {"maxLength": 150}, "a" * 151),
    ({"type": "string", "pattern": "^[0-9]{5}$"}, {"pattern": "^[0-8]"}, "90000"),
    ({"type": "string", "pattern": "^a*$"}, {"pattern": "^(?:aa)*$"}, "a"),
    ({"type": "string", "pattern": "a"}, {"pattern": "^a"}, "ea"),
    ({"type": "string", "pattern": "^é{2}$"}, {"maxLength": 1}, "éé"),
    ({"type": "string", "minLength": 1}, {"not": {"pattern": "\\n"}}, "\n"),
    ({"type": "integer", "minimum": 1, "maximum": 7}, {"maximum": 6}, 7),
    ({"type": "integer"}, {"type": "number"}, NOTHING),
    ({"type": "number", "minimum": 0.5, "maximum": 0.5}, {"type": "integer"}, 0.5),
    ({"const": 2.0}, {"type": "integer"}, NOTHING),
    ({"enum": [1, True]}, {"const": 1.0}, True),
    ({"enum": [0, False]}, {"type": "boolean"}, 0),
    ({"type": "array", "items": {"enum": ["a", "b"]}, "uniqueItems": True}, {"maxItems": 2}, NOTHING),
    ({"type": "array", "items": {"enum": ["a", "b"]}}, {"maxItems": 2}, ["a", "a", "a"]),
    ({"type": "array", "items": {"type": "null"}}, {"uniqueItems": True}, [None, None]),
    ({"type": "array", "items": {"type": ["null", "boolean"]}, "minItems": 1}, {"items": {"type": "null"}}, [False]),
    ({**OBJECT, "required": ["a"]}, {"dependentRequired": {"a": ["b"]}}, {"a": 0}),
    (
        {**OBJECT, "dependentRequired": {"a": ["b"]}},
        {"anyOf": [{"not": {"required": ["a"]}}, {"required": ["b"]}]},
        NOTHING,
    ),
    ({**OBJECT, "propertyNames": {"pattern": "^[ab]$"}}, {"maxProperties": 2}, NOTHING),
    ({**OBJECT, "propertyNames": {"pattern": "^[ab]$"}}, {"maxProperties": 1}, {"a": 0, "b": 0}),
    ({**OBJECT, "properties": {"a": STRING}}, {"additionalProperties": False}, {"": 0}),
    ({**OBJECT, "properties": {"a": False}, "additionalProperties": False}, {"maxProperties": 0}, NOTHING),
    (OBJECT, {"propertyNames": {"maxLength": 1}}, {"aa": 0}),
    ({"if": {"type": "string"}, "then": {"maxLength": 1}, "else": False}, {"enum": ["", "a"]}, "e"),
    ({"if": STRING, "else": {"type": "null"}}, {"type": ["string", "null"]}, NOTHING),
    (True, False, 0),
    (False, True, NOTHING),
]


@pytest.mark.parametrize(("taken", "refusing", "witness"), SHORTEST)
def test_the_witness_is_the_shortest_value_that_only_one_takes(taken: Any, refusing: Any, witness: Any) -> None:
    found = [gap.document for gap in gaps(taken, refusing)]
    if witness is NOTHING:
        assert [] == found
    else:
        assert (witness, type(witness)) == (min(found, key=lambda one: len(str(one))), type(found[0]))


@pytest.mark.parametrize(
    ("taken", "refusing"),
    [
        ({"const": True}, {"const": 1}),
        ({"const": 1}, {"const": True}),
        ({**OBJECT, "properties": {"a": {"enum": [False]}}}, {**OBJECT, "properties": {"a": {"enum": [0]}}}),
        ({**OBJECT, "not": {"additionalProperties": STRING}}, {"additionalProperties": {"not": STRING}}),
    ],
)
def test_values_that_python_takes_for_equal_and_two_unnamed_members_hide_no_gap(taken: Any, refusing: Any) -> None:
    found = [one.document for one in gaps(taken, refusing)]
    assert found
    for document in found:
        assert engine(taken).is_valid(document)
        assert not engine(refusing).is_valid(document)


def test_each_path_and_value_has_a_witness_of_its_own() -> None:
    taken = {
        **OBJECT,
        "properties": {"a": {"enum": ["x", "y", "z"]}, "b": {"type": "array", "items": STRING}, "c": True},
    }
    refusing = {
        **OBJECT,
        "properties": {"a": {"enum": ["y"]}, "b": {"items": {"maxLength": 1}}},
        "additionalProperties": False,
    }
    found = [(gap.failure.pointer, gap.failure.keyword, gap.document) for gap in gaps(taken, refusing)]
    assert [
        ("/a", "enum", {"a": "x"}),
        ("/a", "enum", {"a": "z"}),
        ("/b/0", "maxLength", {"b": ["aa"]}),
        ("/c", "additionalProperties", {"c": 0}),
        ("/*", "additionalProperties", {"": 0}),
    ] == found


def test_what_cannot_be_searched_is_undecided_and_never_a_proof() -> None:
    two = {"type": "array", "allOf": [{"not": {"items": STRING}}, {"not": {"items": {"type": "null"}}}]}
    with pytest.raises(UndecidedError):
        solve(Literal(two))
