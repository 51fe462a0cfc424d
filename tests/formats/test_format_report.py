"""Problems in groups: by rule and path, counted exactly, with three examples each, in bounded memory."""

import tracemalloc
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.formats.problem import MAX_EXAMPLES, MAX_GROUPS, ProblemGroups


def body(code: str, pointer: str, *, severity: str = "error", **more: Any) -> dict[str, Any]:
    texts = {"fr": "fr", "en": "en"}
    return {"code": code, "pointer": pointer, "severity": severity, "message": texts, "fix": texts, **more}


def groups(*added: tuple[str, str | None, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    found = ProblemGroups()
    for position, offer_id, one in added:
        found.add(position, offer_id, [one])
    return list(found.to_json())


def test_a_thousand_problems_of_one_rule_and_path_are_one_group_with_three_examples() -> None:
    """[FMT-006]"""
    [group] = groups(
        *(
            (f"{number} (l. {number})", f"a:{number}", body("x", "/sector", actual=f"s{number}"))
            for number in range(998)
        )
    )
    assert (998, "0 (l. 0)", "a:0") == (group["count"], group["position"], group["id"])
    assert [
        {"position": f"{number} (l. {number})", "id": f"a:{number}", "pointer": "/sector", "value": f"s{number}"}
        for number in range(3)
    ] == group["examples"]


def test_rules_and_paths_make_groups_and_numbers_in_paths_do_not() -> None:
    """[FMT-006]"""
    found = groups(
        ("0", "a:0", body("x", "/weeks/0")),
        ("0", "a:0", body("x", "/weeks/1")),
        ("1", "a:1", body("x", "/title")),
        ("1", "a:1", body("y", "/title")),
        ("2", "a:2", body("y", "/restrictions/schools/12")),
    )
    assert [
        ("x", "/weeks/*", 2),
        ("x", "/title", 1),
        ("y", "/title", 1),
        ("y", "/restrictions/schools/12", 1),
    ] == [(one["code"], one["pointer"], one["count"]) for one in found]
    assert ["/weeks/0", "/weeks/1"] == [one["pointer"] for one in found[0]["examples"]]


def test_groups_of_the_whole_feed_come_first_then_errors_then_warnings_by_size() -> None:
    """[FMT-006]"""
    found = groups(
        ("0", "a:0", body("few", "/a", severity="warning")),
        *((str(number), f"a:{number}", body("many", "/a", severity="warning")) for number in range(5)),
        ("1", "a:1", body("wrong", "/a")),
        ("", None, body("guessed", "", severity="warning")),
    )
    assert ["guessed", "wrong", "many", "few"] == [one["code"] for one in found]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 200), st.sampled_from(["error", "warning"]))))
def test_counts_are_exact_whatever_is_kept(added: list[tuple[str, int, str]]) -> None:
    """[FMT-006]"""
    kept = ProblemGroups()
    for code, path, severity in added:
        kept.add("0", "a:0", [body(code, f"/p{path}", severity=severity)])
    listed = kept.to_json()
    for severity in ("error", "warning"):
        total = sum(1 for one in added if one[2] == severity)
        assert total == kept.counts[severity]
        assert total == sum(one["count"] for one in listed if one["severity"] == severity)
    assert all(len(one["examples"]) <= MAX_EXAMPLES for one in listed)


@pytest.mark.parametrize("severity", ["error", "warning"])
def test_groups_beyond_the_limit_are_counted_and_say_so(severity: str) -> None:
    """[FMT-005]"""
    tracemalloc.start()
    try:
        kept = ProblemGroups()
        for number in range(20_000):
            kept.add("0", "a:0", [body("x", f"/p{number}", severity=severity, actual="v" * 80)])
        listed = kept.to_json()
        assert 2_000_000 > tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert MAX_GROUPS + 1 == len(listed)
    assert (f"{severity}s-not-listed", 20_000 - MAX_GROUPS) == (listed[-1]["code"], listed[-1]["count"])
    assert str(20_000 - MAX_GROUPS) in listed[-1]["message"]["fr"]
