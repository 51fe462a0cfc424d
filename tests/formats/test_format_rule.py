"""Rules: every way to find a value."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from adapters.formats.item import OfferItem
from tests.formats.feeds import codes, flat, items, only, row


def value(rule: Mapping[str, Any], item: Mapping[str, Any], field: str = "title") -> Any:
    """The value that a rule finds in an item, which must not be refused; the fit of the whole feed does not matter."""
    mapping = flat("json", fields={field: rule})
    offer = items(orjson.dumps({**row(), **item}), mapping)[0]
    assert isinstance(offer, OfferItem)
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
        ({"join": {"parts": [{"path": "list"}], "with": "-"}, "map": {"x-y": "les deux"}}, "les deux"),
        ({"join": {"parts": [{"path": "markup"}], "with": ""}, "html": True}, "R&D"),
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


def test_localities_left_out_by_taking_the_first_are_reported_once() -> None:
    """[FMT-010]"""
    fields = {"location.city": {"path": "places/#1/city"}, "location.postal_code": {"path": "places/#1/zip"}}
    localities = [{"city": "Rennes", "zip": "35000"}, {"city": "Brest"}, {"city": "Vannes"}]
    offer = only(orjson.dumps({**row(), "places": localities}), flat("json", fields=fields))
    assert {"city": "Rennes", "postal_code": "35000"} == offer.document["location"]
    [problem] = offer.problems
    assert ("others-left-out", 2, "places") == (problem.code, problem.actual, problem.args["source"])


def test_the_first_locality_takes_no_value_of_the_second() -> None:
    """[FMT-010]"""
    fields = {"location.city": {"path": "places/#1/city"}, "location.postal_code": {"path": "places/#1/zip"}}
    localities = [{"city": "Rennes"}, {"city": "Brest", "zip": "29200"}]
    offer = only(orjson.dumps({**row(), "places": localities}), flat("json", fields=fields))
    assert {"postal_code": "35000", "city": "Rennes", "insee_commune": "35238"} == offer.document["location"]


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


def test_a_value_that_the_table_lacks_is_reported() -> None:
    """[FMT-009]"""
    mapping = flat("json", fields={"sector": {"path": "v", "map": {"a": "s1"}}})
    offer = only(orjson.dumps({**row(), "v": "b"}), mapping)
    assert (True, ["value-unmapped"], "/sector") == (offer.refused, codes(offer), offer.problems[0].pointer)


def test_a_text_is_cut_only_where_the_mapping_asks_and_the_cut_is_reported() -> None:
    """[FMT-011]"""
    long = {"v": "mot " * 100}
    shortened = only(orjson.dumps({**row(), **long}), flat("json", fields={"description": {"path": "v", "cut": 50}}))
    assert (True, ["text-cut"]) == (len(shortened.document["description"]) <= 50, codes(shortened))
    assert shortened.document["description"].endswith("…")
    assert (50, 399) == (shortened.problems[0].expected, shortened.problems[0].actual)
    assert 399 == len(
        only(orjson.dumps({**row(), **long}), flat("json", fields={"description": {"path": "v"}})).document[
            "description"
        ]
    )
