"""Mappings: data that is checked before it is used, and every way in which a rule finds its value."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

import schemas
from adapters.formats import FORMATS, FeedMapping, load_mapping
from adapters.formats.field import FIELDS
from adapters.formats.mapping import READY_MADE
from adapters.formats.problem import ReadingProblem
from tests.formats.feeds import codes, flat, load, only, row

SOUND: Mapping[str, Any] = {"id": {"path": "id"}, "fields": {"title": {"path": "title"}}}


def troubles(document: object, form: str = "json") -> list[tuple[str, str]]:
    found = load_mapping(form, document)
    assert isinstance(found, tuple), "the mapping is sound"
    return [(trouble.code, trouble.pointer) for trouble in found]


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
        ({**SOUND, "only": [{"path": "a"}]}, [("field-missing", "/only/0/in")]),
    ],
)
def test_a_mapping_that_is_not_sound_says_where_and_why(document: object, found: list[tuple[str, str]] | None) -> None:
    """[FMT-012]"""
    listed = troubles(document)
    assert listed
    if found is not None:
        assert found == listed


def test_all_that_is_wrong_with_a_mapping_is_said_at_once() -> None:
    """[FMT-012]"""
    document = {**SOUND, "fields": {"titel": {"path": "t"}, "seats": {"path": "s", "cut": "x"}, "weeks": {}}}
    assert {"/fields/titel", "/fields/seats/cut", "/fields/weeks"} == {pointer for _, pointer in troubles(document)}


def test_problems_of_mappings_have_words_in_both_languages() -> None:
    """[FMT-012]"""
    found = load_mapping("csv", {**SOUND, "source": {"items": "a"}, "fields": {"title": {"path": "a"}}})
    assert isinstance(found, tuple)
    [trouble] = found
    assert isinstance(trouble, ReadingProblem)
    assert "items" in trouble.to_json()["message"]["fr"]


def test_xml_needs_one_path_of_its_items() -> None:
    """[FMT-012]"""
    assert [("field-missing", "/items")] == troubles(SOUND, "xml")
    assert [("wrong-type", "/source/items")] == troubles({**SOUND, "source": {"items": ["a", "b"]}}, "xml")


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
    """[FMT-012]: but for what the caller sets, and extensions, which have rules of their own."""
    assert {"id", "revision", "extensions"} == leaves(schemas.schema("offer")) - set(FIELDS)
    assert set() == set(FIELDS) - leaves(schemas.schema("offer"))


def value(rule: Mapping[str, Any], item: Mapping[str, Any], field: str = "title") -> Any:
    """What a rule finds in an item, which must not be refused."""
    mapping = flat("json", fields={field: rule})
    offer = only(orjson.dumps({**row(), **item}), mapping)
    assert not offer.refused, codes(offer)
    found: Any = offer.document
    for name in field.split("."):
        found = found.get(name) if found else None
    return found


ITEM: Mapping[str, Any] = {
    "a": {"b": [{"c": "un"}, {"c": "deux"}, {"d": None}], "x/y": 3, "t~u": True},
    "list": ["x", "y"],
    "blank": " ",
    "text": "un; deux ;;trois",
    "markup": "<b>R&amp;D</b>",
    "periods": [{"from": "14/06/2027", "to": "18/06/2027"}, {"from": "21/06/2027", "to": "25/06/2027"}],
}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"path": "text"}, "un; deux ;;trois"),
        ({"path": "a/b/#1/c"}, "un"),
        ({"path": "a/x~1y"}, "3"),
        ({"path": "a/t~0u"}, "true"),
        ({"path": ["none", "blank", "a/b/d", "text"]}, "un; deux ;;trois"),
        ({"path": "none"}, None),
        ({"path": "a"}, None),
        ({"path": "a/b/c/e"}, None),
        ({"path": "none", "default": "rien"}, "rien"),
        ({"constant": "fixe"}, "fixe"),
        ({"path": "markup"}, "<b>R&amp;D</b>"),
        ({"path": "markup", "html": True}, "R&D"),
        ({"path": "text", "split": ";"}, "un"),
        ({"path": "list", "map": {"X": "ix", "*": None}}, "ix"),
        ({"path": "list/#1", "map": {"y": "no", "*": "autre"}}, "autre"),
        ({"join": {"parts": [{"path": "a/b/c"}, {"path": "none"}, {"constant": "!"}], "with": " + "}}, "un + deux + !"),
        ({"join": {"parts": [{"path": "none"}, {"constant": "!"}], "with": " "}}, None),
        (
            {"join": {"parts": [{"path": "markup", "html": True}, {"path": "text", "split": ";"}], "with": "|"}},
            "R&D|un| deux |trois",
        ),
        ({"each": "a/b", "path": "c"}, "un"),
        ({"each": "a", "join": {"parts": [{"path": "b/#1/c"}, {"path": "x~1y"}], "with": "-"}}, "un-3"),
    ],
)
def test_a_rule_finds_its_value(rule: Mapping[str, Any], expected: Any) -> None:
    """[FMT-001]"""
    assert expected == value(rule, ITEM)


def test_lists_are_made_of_all_values_and_single_fields_of_the_first() -> None:
    """[FMT-010]"""
    assert ["0750655E", "0351234F"] == value({"path": "s"}, {"s": ["0750655E", "0351234F"]}, "restrictions.schools")
    assert ["0750655E"] == value({"path": "s"}, {"s": "0750655E"}, "restrictions.schools")
    offer = only(orjson.dumps({**row(), "t": ["x", "y", "x"]}), flat("json", fields={"title": {"path": "t"}}))
    assert ("x", ["others-left-out"], 1) == (offer.document["title"], codes(offer), offer.problems[0].actual)


def test_places_left_out_by_taking_the_first_are_told_once() -> None:
    """[FMT-010]"""
    fields = {"location.city": {"path": "places/#1/city"}, "location.postal_code": {"path": "places/#1/zip"}}
    places = [{"city": "Rennes", "zip": "35000"}, {"city": "Brest"}, {"city": "Vannes"}]
    offer = only(orjson.dumps({**row(), "places": places}), flat("json", fields=fields))
    assert {"city": "Rennes", "postal_code": "35000"} == offer.document["location"]
    [trouble] = offer.problems
    assert ("others-left-out", 2, "places") == (trouble.code, trouble.actual, trouble.args["source"])


def test_the_first_place_never_borrows_from_the_second() -> None:
    """[FMT-010]"""
    fields = {"location.city": {"path": "places/#1/city"}, "location.postal_code": {"path": "places/#1/zip"}}
    places = [{"city": "Rennes"}, {"city": "Brest", "zip": "29200"}]
    offer = only(orjson.dumps({**row(), "places": places}), flat("json", fields=fields))
    assert {"city": "Rennes"} == offer.document["location"]


def test_periods_in_a_list_give_the_weeks_of_each() -> None:
    """[FMT-008]"""
    rule = {"each": "periods", "join": {"parts": [{"path": "from"}, {"path": "to"}], "with": " - "}}
    assert ["2027-W24", "2027-W25"] == value(rule, ITEM, "weeks")


def test_dates_and_times_may_have_a_form_of_their_own() -> None:
    """[FMT-008]"""
    parts = [{"path": "from", "date": "MMDDYYYY"}, {"path": "to", "date": "MMDDYYYY"}]
    rule = {"join": {"parts": parts, "with": " - "}}
    assert ["2027-W24", "2027-W25"] == value(rule, {"from": "06142027", "to": "06252027"}, "weeks")
    assert {"start": "09:00", "end": "17:30"} == value(
        {"path": "h", "split": "/", "time": "HHmm"}, {"h": "0900/1730"}, "schedule.monday"
    )


@pytest.mark.parametrize(
    ("field", "given", "rule", "expected"),
    [
        ("levels", "Lycée", {"map": {"lycee": "seconde", "college": ["quatrieme", "troisieme"]}}, ["seconde"]),
        ("levels", "COLLÈGE", {"map": {"college": ["quatrieme", "troisieme"]}}, ["quatrieme", "troisieme"]),
        ("employer.public", "mairie", {"map": {"mairie": True, "*": False}}, True),
        ("seats", "une classe", {"map": {"une classe": 30}}, 30),
        ("sector", "Numérique", {"map": {"numerique": "s36"}}, "s36"),
        ("stay_weeks", 2.0, {}, 2),
        ("location.latitude", "48,11", {}, 48.11),
        ("rome.code", " M1805", {}, "M1805"),
        ("accessibility", True, {}, "yes"),
        ("redistribution.national", "non", {}, False),
        ("employer.naf", "6201Z", {}, "62.01Z"),
        ("source_id", 12, {}, "12"),
        ("expires_on", "27/06/2027", {}, "2027-06-27"),
        ("schedule.lunch_break", "Repas\tau réfectoire", {}, "Repas au réfectoire"),
    ],
)
def test_each_field_reads_what_feeds_write(field: str, given: Any, rule: Mapping[str, Any], expected: Any) -> None:
    """[FMT-008]"""
    more = {"location.longitude": {"constant": 1.0}} if field == "location.latitude" else {}
    mapping = flat("json", fields={field: {"path": "v", **rule}, **more})
    offer = only(orjson.dumps({**row(), "v": given}), mapping)
    assert [] == codes(offer)
    parent, _, child = field.rpartition(".")
    assert expected == (offer.document[parent] if parent else offer.document)[child]


def test_a_value_that_the_table_does_not_name_is_told() -> None:
    """[FMT-009]"""
    mapping = flat("json", fields={"sector": {"path": "v", "map": {"a": "s1"}}})
    offer = only(orjson.dumps({**row(), "v": "b"}), mapping)
    assert (True, ["value-unmapped"], "/sector") == (offer.refused, codes(offer), offer.problems[0].pointer)


def test_a_text_is_cut_only_where_the_mapping_asks_and_that_is_told() -> None:
    """[FMT-011]"""
    long = {"v": "mot " * 100}
    asked = only(orjson.dumps({**row(), **long}), flat("json", fields={"description": {"path": "v", "cut": 50}}))
    assert (True, ["text-cut"]) == (len(asked.document["description"]) <= 50, codes(asked))
    assert asked.document["description"].endswith("…")
    assert (50, 399) == (asked.problems[0].expected, asked.problems[0].actual)
    assert 399 == len(
        only(orjson.dumps({**row(), **long}), flat("json", fields={"description": {"path": "v"}})).document[
            "description"
        ]
    )


@pytest.mark.parametrize(
    ("latitude", "longitude", "codes_"),
    [(0, 0, ["coordinates-left-out"]), ("0,0", 0.0, ["coordinates-left-out"]), (48.1, None, ["coordinates-left-out"]),
     ("inconnue", -1.6, ["field-left-out", "coordinates-left-out"]), (None, None, [])],
)  # fmt: skip
def test_coordinates_that_say_nothing_are_left_out_together(latitude: Any, longitude: Any, codes_: list[str]) -> None:
    """[FMT-008]"""
    fields = {f"location.{name}": {"path": name, "optional": True} for name in ("latitude", "longitude")}
    item = {**row(), "latitude": latitude, "longitude": longitude}
    offer = only(orjson.dumps(item), flat("json", fields=fields))
    assert ({"postal_code", "city"}, codes_) == (set(offer.document["location"]), codes(offer))


def test_a_version_of_rome_without_a_code_is_left_out() -> None:
    """[FMT-008]"""
    fields = {"rome.code": {"path": "rome"}, "rome.version": {"constant": "4"}}
    assert "rome" not in only(orjson.dumps(row()), flat("json", fields=fields)).document
    with_code = only(orjson.dumps({**row(), "rome": "M1805"}), flat("json", fields=fields))
    assert {"code": "M1805", "version": "4"} == with_code.document["rome"]


def test_what_the_schema_has_no_field_for_goes_below_the_platforms_name() -> None:
    """[FMT-001]"""
    extensions = {"ref": {"path": "r"}, "tags": {"path": "t"}, "none": {"path": "n"}, "fixed": {"constant": 3}}
    mapping = flat("json", extensions=extensions)
    document = only(orjson.dumps({**row(), "r": " A  1", "t": ["x", 2]}), mapping).document
    assert {"bretagne": {"ref": "A 1", "tags": ["x", 2], "fixed": 3}} == document["extensions"]


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
