"""Whatever a target returns is compared and becomes a finding; it is never a failure of the kit itself."""

from datetime import date
from typing import Any

import pytest

from conformance.model.case import ExpectedVerdict
from conformance.role.gateway import compare_problems
from conformance.script.template import InAddress, Names, UnknownNameError, fill
from conformance.words import plain

WRONG = ExpectedVerdict(accepted=False, problems=frozenset({("field-missing", "/title"), ("seats-range", "/seats")}))
X = plain("x")
PROBLEMS: list[Any] = [{"code": "field-missing", "pointer": "/title"}, {"code": "seats-range", "pointer": "/seats"}]


def test_the_problems_expected_are_right_in_any_order() -> None:
    assert [] == compare_problems(WRONG, PROBLEMS[::-1], X)


@pytest.mark.parametrize(
    "odd",
    [
        {"code": "field-missing", "pointer": None},
        {"code": ["x"], "pointer": "/title"},
        {"code": {}, "pointer": {}},
        {"code": 1, "pointer": 2},
        {"pointer": "/title"},
        "field-missing",
        None,
        [],
    ],
)
def test_a_code_or_pointer_that_is_not_a_string_is_a_finding(odd: Any) -> None:
    [finding] = compare_problems(WRONG, [*PROBLEMS, odd], X)
    assert "problems with a code and a pointer that are texts" == finding.expected["en"]


def test_missing_and_unexpected_problems_are_reported_beside_malformed_ones() -> None:
    found = compare_problems(WRONG, [PROBLEMS[0], {"code": "other"}, None], X)
    assert ["null", "not reported: seats-range at /seats", "reported: other on the whole document"] == [
        each.actual["en"] for each in found
    ]


def verdict(
    *problems: tuple[str, str], accepted: bool = False, left_open: tuple[str, str] | None = None
) -> ExpectedVerdict:
    return ExpectedVerdict(accepted, frozenset(problems), frozenset({left_open} if left_open else ()))


def reported(code: str, pointer: str) -> dict[str, str]:
    return {"code": code, "pointer": pointer}


@pytest.mark.parametrize(
    ("expected", "right"),
    [
        (("field-misnamed", "/titel"), ("field-unknown", "/titel")),
        (("repeated-item", "/weeks"), ("repeated-item", "/weeks/2")),
        (("json-surrogate", ""), ("json-surrogate", "/title")),
    ],
)
def test_what_the_protocol_leaves_open_is_right_in_each_form(expected: tuple[str, str], right: tuple[str, str]) -> None:
    assert [] == compare_problems(verdict(expected), [reported(*right)], X)
    elsewhere = reported(right[0].replace("json", "text"), "/elsewhere")
    assert 2 == len(compare_problems(verdict(expected), [elsewhere], X))


def test_a_further_problem_is_right_at_the_location_of_an_error_only() -> None:
    foreign = ("postal-code-foreign", "/location/postal_code")
    further = reported("not-deliverable:postal-code", "/location/postal_code")
    assert [] == compare_problems(verdict(foreign), [reported(*foreign), further], X)
    assert [] == compare_problems(
        verdict(("uai-malformed", "/a/b/0")), [reported("uai-malformed", "/a/b/0"), reported("x", "/a/b")], X
    )
    [finding] = compare_problems(verdict(foreign), [reported(*foreign), reported("text-markup", "/title")], X)
    assert "reported: text-markup at /title" == finding.actual["en"]
    [finding] = compare_problems(verdict(foreign, accepted=True), [reported(*foreign), further], X)
    assert "reported: not-deliverable:postal-code at /location/postal_code" == finding.actual["en"]


def test_a_problem_that_is_left_open_may_be_reported_or_not() -> None:
    apart = ("text-not-nfc", "/location/city")
    unlisted = ("city-unlisted", "/location/city")
    expected = verdict(apart, unlisted, left_open=unlisted)
    assert [] == compare_problems(expected, [reported(*apart)], X)
    assert [] == compare_problems(expected, [reported(*apart), reported(*unlisted)], X)


@pytest.mark.parametrize("problems", [None, {}, "x", 1])
def test_a_missing_list_of_problems_is_a_finding(problems: Any) -> None:
    assert ["a list of problems"] == [each.expected["en"] for each in compare_problems(WRONG, problems, X)]


NAMES = Names(seed="s", case="c", day=date(2026, 11, 25), platforms={"publisher": "bretagne"})


def test_captured_values_are_percent_encoded_in_a_path_and_ids_are_not() -> None:
    kept = NAMES.keeping({"c": "a+b&c#d%2 é/", "n": 7})
    address = fill("/v1/offers/${id.a}?cursor=${kept.c}&confirm=${kept.n+1}", InAddress(kept))
    assert f"/v1/offers/{NAMES['id.a']}?cursor=a%2Bb%26c%23d%252%20%C3%A9%2F&confirm=8" == address


def test_a_name_from_an_invalid_number_has_no_value() -> None:
    with pytest.raises(UnknownNameError, match="not a number"):
        NAMES.keeping({"n": None})["kept.n+1"]
