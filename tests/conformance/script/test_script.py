"""The small language of cases: names, templates and matchers."""

from datetime import date

import pytest

from conformance.script.matcher import MISSING, mismatches, render_value
from conformance.script.template import Names, UnknownNameError, changed, fill, value_at
from conformance.script.towns import departments_in
from conformance.words import plain
from schemas.territory import Territory, locate, territories

X = plain("x")
NAMES = Names(
    seed="s", case="f/c", day=date(2026, 11, 24), platforms={"publisher": "bretagne", "neighbour": "normandie"}
)


def test_a_name_is_the_same_in_a_repetition_and_another_under_another_seed_or_case() -> None:
    other_seed = Names(seed="t", case="f/c", day=NAMES.day, platforms=NAMES.platforms)
    other_case = Names(seed="s", case="f/d", day=NAMES.day, platforms=NAMES.platforms)
    assert NAMES["id.a"] == fill("${id.a}", NAMES)
    assert len({NAMES["id.a"], NAMES["id.b"], other_seed["id.a"], other_case["id.a"], NAMES["neighbour.a"]}) == 5


def test_weeks_and_days_follow_the_day() -> None:
    assert ["2027-W24", "2027-W25", "2027-W23"] == fill(["${week.1}", "${week.2}", "${week.1-1}"], NAMES)
    assert "2027-12-29" == NAMES["day+400"]
    assert "2027-06-28" == NAMES["sunday+1"]


def test_weeks_are_those_of_the_next_school_year_once_the_last_ones_are_over() -> None:
    after = Names(seed="s", case="c", day=date(2026, 6, 29), platforms={})
    before = Names(seed="s", case="c", day=date(2026, 6, 28), platforms={})
    assert ("2026-W25", "2027-W24") == (before["week.1"], after["week.1"])


def test_a_day_beyond_the_calendar_asks_for_a_newer_kit() -> None:
    with pytest.raises(UnknownNameError, match="newer version"):
        Names(seed="s", case="c", day=date(2031, 1, 1), platforms={})["week.1"]


@pytest.mark.parametrize("expression", ["nobody", "kept.x", "host.publisher", "Not A Name", ""])
def test_an_unknown_name_is_an_error(expression: str) -> None:
    with pytest.raises(UnknownNameError):
        NAMES[expression]


def test_a_text_that_is_one_name_takes_that_value_with_its_type() -> None:
    assert {"n": 8, "t": "<7>"} == fill({"n": "${kept.n+1}", "t": "<${kept.n}>"}, NAMES.keeping({"n": 7}))


def test_long_texts_have_a_short_notation() -> None:
    assert {"x": "ababab"} == fill({"x": {"$repeat": "ab", "times": 3}}, NAMES)


def test_values_are_set_and_removed_at_pointers_in_a_copy() -> None:
    original = {"a": {"b": 1}, "c": 2}
    assert {"a": {"b": 1, "x/y": 3}} == changed(original, put={"/a/x~1y": 3}, drop=["/c", "/d"])
    assert {"a": {"b": 1}, "c": 2} == original


def test_a_value_is_found_at_its_pointer() -> None:
    assert [1, None, None] == [value_at({"a": [1]}, pointer) for pointer in ("/a/0", "/a/1", "/b/0")]


@pytest.mark.parametrize(
    ("matcher", "right", "wrong"),
    [
        (1, 1, 2),
        (1, 1, True),
        (2, 2, 2.0),
        ("a", "a", "b"),
        (None, None, 0),
        ({"a": 1}, {"a": 1, "b": 2}, {"b": 2}),
        ({"a": 1}, {"a": 1}, [1]),
        ([1, 2], [1, 2], [2, 1]),
        ([1], [1], [1, 1]),
        ({"a": {"$absent": True}}, {}, {"a": None}),
        ({"$present": True}, 0, None),
        ({"$matches": "^a"}, "ab", "ba"),
        ({"$matches": "1"}, "1", 1),
        ({"$above": 3}, 4, 3),
        ({"$above": 0}, 1, True),
        ({"$in": [1, 2]}, 2, 3),
        ({"$not": 1}, 2, 1),
        ({"$size": 2}, [1, 2], [1]),
        ({"$holds": [{"a": 1}, 2]}, [2, {"a": 1, "b": 3}], [{"a": 1}]),
        ({"$lacks": [{"a": 1}]}, [{"a": 2}], [{"a": 1}]),
        ({"$lacks": [1]}, [], {}),
        ({"$all": [{"$matches": "a"}, {"$matches": "b"}]}, "ab", "a"),
        ({"$holds": [{"$all": [{"$holds": ["x"]}, {"$lacks": ["y"]}]}]}, [["x", "y"], ["x"]], [["x", "y"], ["z"]]),
        ({"$before": "2027-01-02"}, "2027-01-01", "2027-01-02"),
        ({"$before": "2027-01-02"}, "2027-01-01", None),
        ({"$schema": "receipt"}, {"receipt": "r" + "A" * 30, "verdict": "pending"}, {"verdict": "pending"}),
        ({"$size": 1, "a": 1}, {"a": 1}, {"a": 2}),
        ({"$size": 1, "a": 1}, {"a": 1}, {"a": 1, "b": 1}),
    ],
)
def test_a_matcher_accepts_or_reports_a_finding(matcher: object, right: object, wrong: object) -> None:
    assert [] == mismatches(matcher, right, X)
    assert [] != mismatches(matcher, wrong, X)


def test_a_finding_has_a_location_and_values() -> None:
    [finding] = mismatches({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, plain("body"))
    assert ("body/a/0/b", "1", "2") == (finding.location["en"], finding.expected["en"], finding.actual["en"])


def test_a_schema_violation_is_reported_once_in_both_languages() -> None:
    found = mismatches({"$schema": "withdrawal"}, {"id": "bretagne:1", "colour": "blue"}, X)
    assert [] == [each for each in found if each.expected["fr"] == each.expected["en"]]
    texts = {each.actual["fr"]: each.actual["en"] for each in found}
    assert {
        "en trop : [colour]": "unknown: [colour]",
        "manque : [revision, withdrawn]": "missing: [revision, withdrawn]",
    } == texts


def test_an_absent_value_is_reported_as_nothing() -> None:
    assert "nothing" == mismatches({"a": 1}, {}, X)[0].actual["en"]
    assert [] == mismatches({"$absent": True}, MISSING, X)


def test_displayed_values_are_short_and_hold_no_personal_data() -> None:
    assert 200 == len(render_value("x" * 500))
    assert "[…]" == render_value("accueil@atelier.example")


def test_an_operator_that_does_not_exist_is_the_kits_fault() -> None:
    with pytest.raises(ValueError, match=r"\$like"):
        mismatches({"$like": 1}, 1, X)


def test_a_kept_value_can_be_spoilt() -> None:
    names = NAMES.keeping({"c": "abcdefgh", "a": "AAAA"})
    assert ["abcdAfgh", "abcd", "AABA"] == fill(["${altered.c}", "${cut.c}", "${altered.a}"], names)


def test_a_pointer_finds_the_item_with_a_member() -> None:
    rows = {"rows": [{"name": "a", "x": 1}, 2, {"name": "b", "x": 3}]}
    assert [3, None] == [value_at(rows, "/rows/name=b/x"), value_at(rows, "/rows/name=c/x")]


@pytest.mark.parametrize("territory", ["53", ["35"], ["35", "22", "14"], ["2A", "974"]])
def test_towns_lie_in_a_territory_beside_it_or_outside_its_regions(territory: str | list[str]) -> None:
    names = NAMES.keeping({"territory_of_subscriber": territory})
    own = set(departments_in(territory))
    regions = {territories()[code].region for code in own}
    found = {
        kind: [_where(fill(f"${{{kind}.subscriber.{number}}}", names)) for number in range(1, 5)]
        for kind in ("inside", "beside", "outside")
    }
    assert own >= {each.department for each in found["inside"]}
    assert regions == {each.region for each in found["inside"]}
    assert not own & {each.department for each in found["beside"] + found["outside"]}
    assert territory == "53" or regions >= {each.region for each in found["beside"][:1]}
    assert not regions & {each.region for each in found["outside"]}


def _where(location: dict[str, str]) -> Territory:
    found = locate(location["postal_code"], location["city"], None)
    assert () == found.problems
    assert found.territory is not None
    return found.territory


def test_an_unknown_territory_has_no_town() -> None:
    with pytest.raises(UnknownNameError):
        NAMES.keeping({"territory_of_subscriber": "99"})["inside.subscriber.1"]


def test_a_host_can_be_written_in_upper_case() -> None:
    names = Names(seed="s", case="c", day=NAMES.day, platforms={}, hosts={"subscriber": "stages.example"})
    assert ["stages.example", "STAGES.EXAMPLE"] == [names["host.subscriber"], names["host.subscriber.upper"]]
