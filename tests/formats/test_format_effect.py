"""Keys without effect: over all pairs of keys, a key is reported exactly where no feed shows an effect of it."""

from collections.abc import Mapping
from datetime import date
from itertools import combinations
from typing import Any

import orjson
import pytest

import schemas
from adapters.formats.item import FeedComplete, OfferItem
from adapters.formats.mapping import FeedMapping, load_mapping
from adapters.formats.mapping_document import SOURCES
from adapters.formats.problem import ReadingProblem
from adapters.formats.reading import read
from tests.formats.feeds import FIELDS, ON, PLATFORM, codes, items, row

pytestmark = pytest.mark.slow

VALUES = (
    "<b>x</b>",
    "<b>x;y</b>",
    "x",
    "x;y",
    "06142027",
    "<b>06142027</b>",
    "06142027;06152027",
    "0900",
    "<b>0900</b>",
    "0900;1000",
    "un texte de plusieurs mots",
    "beaucoup",
    "3",
    "3;4",
    "<b>3</b>",
    "É;x",
)
ITEMS: list[tuple[dict[str, Any], date]] = [
    *(({"v": value, "o": [{"v": f"{value} "}, {"v": "<b>un texte</b>;y"}]}, ON) for value in VALUES),
    ({}, ON),
    ({"o": [{"v": "w"}]}, ON),
    ({}, date(2060, 1, 4)),
]

MAPPED = {"x": "un très long mot", "2027-06-14": "ce jour-là", "09:00": "le matin", "3": "5", "z": "8", "*": None}
FIELD_VALUES: Mapping[str, Any] = {"title": "une constante", "seats": 7, "weeks": ["2027-W24"]}
KEYS: Mapping[str, Any] = {
    "each": "o",
    "html": True,
    "take": {"before": "x"},
    "split": ";",
    "date": "MMDDYYYY",
    "time": "HHmm",
    "map": MAPPED,
    "unmatched": "keep",
    "cut": 4,
    "default": None,
    "optional": True,
}


def source(name: str, field: str) -> dict[str, Any]:
    match name:
        case "path":
            return {"path": "v"}
        case "join":
            return {"join": {"parts": [{"path": "v"}, {"path": "none"}], "with": ""}}
        case "constant":
            return {"constant": FIELD_VALUES[field]}
    return {"school_weeks": True}


def document(field: str, rule: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": {"path": "id"}, "fields": {**FIELDS, field: rule}}


def outcomes(field: str, rule: Mapping[str, Any]) -> list[Any]:
    """The result of a rule for every item."""
    mapping = load_mapping("json", document(field, rule), stored=True)
    assert isinstance(mapping, FeedMapping), mapping
    found = []
    for item, on in ITEMS:
        feed = orjson.dumps({**row(), **item})
        first, end = read([feed], mapping, platform=PLATFORM, on=on)
        assert isinstance(first, OfferItem)
        found.append((first.document.get(field), [one.code for one in first.problems], type(end)))
    return found


def idle(field: str, rule: Mapping[str, Any], form: str = "json") -> dict[str, str]:
    """The keys of a rule that are reported, each with the reason."""
    found = load_mapping(form, document(field, rule))
    if isinstance(found, FeedMapping):
        return {}
    assert {"mapping-key-without-effect"} == {one.code for one in found}
    assert all(one.pointer.startswith(f"/fields/{field}/") for one in found)
    return {one.pointer.rpartition("/")[2]: one.to_json()["message"]["fr"] for one in found}


def test_the_keys_of_the_schema_are_all_here() -> None:
    assert set(schemas.schema("mapping")["$defs"]["rule"]["properties"]) == {*KEYS, *SOURCES}


def fields_of(name: str) -> list[str]:
    return ["weeks"] if name == "school_weeks" else ["title", "seats"]


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("pair", list(combinations(KEYS, 2)), ids="-".join)
def test_of_each_pair_of_keys_those_without_effect_are_reported_and_no_other(name: str, pair: tuple[str, str]) -> None:
    """[FMT-012]"""
    for key in pair:
        shows, reported = False, set()
        for field in fields_of(name):
            values = {**KEYS, "default": FIELD_VALUES[field]}
            rule = {**source(name, field), **{one: values[one] for one in pair}}
            if key in idle(field, rule):
                reported.add(field)
            else:
                without = {one: value for one, value in rule.items() if one != key}
                shows = shows or outcomes(field, rule) != outcomes(field, without)
        if len(reported) == len(fields_of(name)):
            for field in reported:
                values = {**KEYS, "default": FIELD_VALUES[field]}
                rule = {**source(name, field), **{one: values[one] for one in pair}}
                without = {one: value for one, value in rule.items() if one != key}
                assert outcomes(field, rule) == outcomes(field, without), (key, field)
        else:
            assert shows, key


@pytest.mark.parametrize(
    "pair", list(combinations(("html", "take", "split", "date", "time", "map", "cut"), 2)), ids="-".join
)
@pytest.mark.parametrize("part", [{"path": "v"}, {"constant": "x"}])
def test_in_a_part_of_a_join_the_same_holds(part: Mapping[str, Any], pair: tuple[str, str]) -> None:
    """[FMT-012]"""
    whole = {**part, **{key: KEYS[key] for key in pair}}
    rule = {"join": {"parts": [whole], "with": ""}}
    expected = set(pair) if "constant" in part else {"time"} & set(pair) if "date" in pair else set()
    assert expected == set(idle("title", rule))
    for key in set(pair) - expected:
        without = {one: value for one, value in whole.items() if one != key}
        assert outcomes("title", rule) != outcomes("title", {"join": {"parts": [without], "with": ""}}), key


@pytest.mark.parametrize(
    ("form", "changes", "pointer"),
    [
        ("json", {"id": {"path": "id", "default": "1"}}, "/id/default"),
        ("json", {"id": {"path": "id", "optional": True}}, "/id/optional"),
        ("json", {"id": {"path": "id", "cut": 5}}, "/id/cut"),
        ("json", {"id": {"constant": "id", "map": {}}}, "/id/map"),
        ("json", {"source": {"lines": True, "items": "a"}}, "/source/items"),
        ("json", {"extensions": {"n": {"path": "a", "cut": 5}}}, "/extensions/n/cut"),
        ("json", {"extensions": {"n": {"constant": 1, "html": True}}}, "/extensions/n/html"),
        ("csv", {"fields": {"title": {"each": "a", "path": "b"}}}, "/fields/title/each"),
        ("json", {"fields": {"sector": {"path": "s", "map": {"Bois": "s1", "bois": "s2"}}}}, "/fields/sector/map/Bois"),
        ("json", {"fields": {"sector": {"path": "s", "map": {" ": "s1"}}}}, "/fields/sector/map/ "),
        ("json", {"fields": {"sector": {"path": "s", "cut": 9}}}, "/fields/sector/cut"),
        ("json", {"fields": {"weeks": {"path": "s", "cut": 9}}}, "/fields/weeks/cut"),
        (
            "xml",
            {"source": {"items": "a/b"}, "fields": {"seats": {"constant": 1, "default": 2}}},
            "/fields/seats/default",
        ),
    ],
)
def test_a_key_without_effect_is_named_with_its_pointer_and_reason(
    form: str, changes: Mapping[str, Any], pointer: str
) -> None:
    """[FMT-012]"""
    found = load_mapping(form, {"id": {"path": "id"}, "fields": {"title": {"path": "title"}}, **changes})
    assert isinstance(found, tuple)
    [problem] = found
    assert isinstance(problem, ReadingProblem)
    assert ("mapping-key-without-effect", pointer) == (problem.code, problem.pointer)
    body = problem.to_json()
    assert "error" == body["severity"]
    assert pointer.rpartition("/")[2] in body["message"]["en"]
    assert body["message"]["fr"] != body["message"]["en"]


@pytest.mark.parametrize("key", ["html", "optional"])
def test_a_key_that_is_false_asks_for_nothing(key: str) -> None:
    """[FMT-012]"""
    rule = {"constant": "fixe", key: False}
    assert {} == idle("title", rule)


def test_weeks_need_a_calendar_or_a_path() -> None:
    """[FMT-012]"""
    found = load_mapping("json", document("weeks", {"school_weeks": False}))
    assert isinstance(found, tuple)
    assert [("mapping-rule-source", "/fields/weeks")] == [(one.code, one.pointer) for one in found]


def test_in_a_mapping_that_is_in_use_such_a_key_is_a_warning_of_each_reading() -> None:
    """[FMT-012]: an update of the gateway must not stop a feed that it read before."""
    mapping = load_mapping("json", document("title", {"constant": "Fixe", "html": True}), stored=True)
    assert isinstance(mapping, FeedMapping)
    first, end = items(orjson.dumps([row()]), mapping)
    assert isinstance(first, OfferItem)
    assert ("Fixe", ["mapping-key-ignored"]) == (first.document["title"], codes(end))
    assert isinstance(end, FeedComplete)
    assert "/mapping/fields/title/html" == end.problems[0].pointer
