"""Mappings: data that is checked before it is used."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

import schemas
from adapters.formats.field import FIELDS, HINTS
from adapters.formats.mapping import FeedMapping, load_mapping
from adapters.formats.mapping_document import FORMATS, READY_MADE
from adapters.formats.problem import ReadingProblem
from tests.formats.feeds import load

SOUND: Mapping[str, Any] = {"id": {"path": "id"}, "fields": {"title": {"path": "title"}}}


def problems(document: object, form: str = "json") -> list[tuple[str, str]]:
    found = load_mapping(form, document)
    assert isinstance(found, tuple), "the mapping is sound"
    return [(problem.code, problem.pointer) for problem in found]


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ([], [("wrong-type", "")]),
        ({**SOUND, "feilds": {}}, [("field-misnamed", "/feilds")]),
        ({"id": {"path": "id"}}, [("field-missing", "/fields")]),
        ({"fields": {}}, [("field-missing", "/id")]),
        ({**SOUND, "fields": {"titel": {"path": "t"}}}, [("field-misnamed", "/fields/titel")]),
        ({**SOUND, "fields": {"qqqq": {"path": "t"}}}, [("field-unknown", "/fields/qqqq")]),
        ({**SOUND, "fields": {"title": {"pth": "t"}}}, None),
        ({**SOUND, "fields": {"title": {}}}, [("mapping-rule-source", "/fields/title")]),
        ({**SOUND, "id": {"path": "a", "constant": "b"}}, [("mapping-rule-source", "/id")]),
        ({**SOUND, "fields": {"title": {"path": 3}}}, [("wrong-type", "/fields/title/path")]),
        ({**SOUND, "fields": {"title": {"path": "a//b"}}}, [("invalid", "/fields/title/path")]),
        ({**SOUND, "fields": {"title": {"path": ["a", "/b"]}}}, [("invalid", "/fields/title/path/1")]),
        ({**SOUND, "fields": {"levels": {"constant": ["secunde"]}}}, [("not-in-list", "/fields/levels/constant/0")]),
        ({**SOUND, "fields": {"sector": {"path": "s", "default": "s52"}}}, [("not-in-list", "/fields/sector/default")]),
        ({**SOUND, "fields": {"title": {"path": "t", "cut": 1}}}, [("out-of-range", "/fields/title/cut")]),
        (
            {**SOUND, "fields": {"expires_on": {"path": "t", "date": "jj/mm"}}},
            [("mapping-pattern", "/fields/expires_on/date")],
        ),
        (
            {**SOUND, "fields": {"weeks": {"join": {"parts": [{"path": "t", "time": "YYYY"}], "with": ""}}}},
            [("mapping-pattern", "/fields/weeks/join/parts/0/time")],
        ),
        ({**SOUND, "fields": {"title": {"school_weeks": True}}}, [("mapping-rule-source", "/fields/title")]),
        ({**SOUND, "source": {"separator": ";"}}, [("mapping-key-idle", "/source/separator")]),
        ({**SOUND, "source": {"separator": "x"}}, [("not-in-list", "/source/separator")]),
        ({**SOUND, "only": [{"path": "a"}]}, [("mapping-condition-source", "/only/0")]),
        ({**SOUND, "extensions": {"n": {"constant": 10**30}}}, [("out-of-range", "/extensions/n/constant")]),
    ],
)
def test_a_mapping_that_is_not_sound_says_where_and_why(document: object, found: list[tuple[str, str]] | None) -> None:
    """[FMT-012]"""
    listed = problems(document)
    assert listed
    if found is not None:
        assert found == listed


def test_all_faults_of_a_mapping_are_reported_at_once() -> None:
    """[FMT-012]"""
    document = {**SOUND, "fields": {"titel": {"path": "t"}, "seats": {"path": "s", "cut": "x"}, "weeks": {}}}
    assert {"/fields/titel", "/fields/seats/cut", "/fields/weeks"} == {pointer for _, pointer in problems(document)}


def test_problems_of_mappings_have_texts_in_both_languages() -> None:
    """[FMT-012]"""
    found = load_mapping("csv", {**SOUND, "source": {"items": "a"}, "fields": {"title": {"path": "a"}}})
    assert isinstance(found, tuple)
    [problem] = found
    assert isinstance(problem, ReadingProblem)
    assert "items" in problem.to_json()["message"]["fr"]


def test_xml_needs_one_path_of_its_items() -> None:
    """[FMT-012]"""
    assert [("field-missing", "/source/items")] == problems(SOUND, "xml")
    assert [("wrong-type", "/source/items")] == problems({**SOUND, "source": {"items": ["a", "b"]}}, "xml")


@pytest.mark.parametrize("form", READY_MADE)
def test_a_ready_made_mapping_needs_nothing_and_follows_the_schema_itself(form: str) -> None:
    """[FMT-012] [FMT-013]"""
    assert isinstance(load_mapping(form), FeedMapping)
    assert isinstance(load_mapping(form, {}), FeedMapping)
    assert load(form).fields


@pytest.mark.parametrize("form", READY_MADE)
def test_ready_made_mappings_are_sound_documents(form: str) -> None:
    """[FMT-012]"""
    from importlib.resources import files  # noqa: PLC0415

    document = orjson.loads(files("adapters.formats").joinpath("mappings", f"{form}.json").read_bytes())
    assert [] == list(schemas.validator("mapping").iter_errors(document))


def test_a_format_that_does_not_exist_is_our_own_fault() -> None:
    with pytest.raises(KeyError):
        load_mapping("rss")
    assert ("cleverconnect", "jobposting", "csv", "json", "xml") == FORMATS


def test_the_schema_of_mappings_names_the_fields_that_can_be_read() -> None:
    """[FMT-012]"""
    assert set(FIELDS) == set(schemas.schema("mapping")["properties"]["fields"]["properties"])


def leaves(schema: Mapping[str, Any]) -> set[str]:
    """The dotted names of the offer schema's fields."""
    nested = {"employer", "location", "schedule", "rome", "restrictions", "redistribution"}
    found = set()
    for name, part in schema["properties"].items():
        inner = schema["$defs"].get(name, part) if name in nested else None
        found |= {name} if inner is None else {f"{name}.{child}" for child in inner["properties"]}
    return found


def test_every_field_of_an_offer_can_be_mapped() -> None:
    """[FMT-012]: except those that the caller sets, and extensions, which have rules of their own."""
    assert {"id", "revision", "extensions"} == leaves(schemas.schema("offer")) - set(FIELDS)
    assert HINTS == set(FIELDS) - leaves(schemas.schema("offer"))


def test_a_mapping_on_top_of_a_ready_made_one_keeps_the_rest() -> None:
    """[FMT-012]"""
    mapping = load(
        "cleverconnect", {"fields": {"weeks": {"school_weeks": True}}, "source": {"encoding": "windows-1252"}}
    )
    base = load("cleverconnect")
    assert mapping.fields["weeks"].school_weeks
    assert {name: rule for name, rule in base.fields.items() if name != "weeks"} == {
        name: rule for name, rule in mapping.fields.items() if name != "weeks"
    }
    assert ("windows-1252", base.source) == (mapping.encoding, mapping.source)
