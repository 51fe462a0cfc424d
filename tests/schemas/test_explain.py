"""Explanation is bounded: any 100 kB of wrong input cost a bounded number of steps."""

import sys
from copy import deepcopy
from types import FrameType
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import Verdict, validator
from schemas.decode import MAX_OFFER_BYTES
from tests.schemas.documents import WHOLE, changed, check, codes, errors, found

MAX_STEPS = 150_000
"""Calls of Python and C functions: reading 100 kB takes up to 60,000 of them, one failure about 150."""

FIELDS = sorted(WHOLE)
ITEMS: tuple[Any, ...] = (1, "x", "2027-W1", "", None, {"a": 1}, [1], [[]], {}, 2**60, "0612345678", "a@b.fr", "<b>")
STEMS = ("k", "K", "0612345678", "descriptoin", "levels_", "noitpircsed", "é", "a-", "~/", "x" * 55, "x" * 500)


def steps(raw: bytes) -> tuple[int, Verdict]:
    """How many functions are called for the verdict on a document."""
    count = 0

    def profile(_: FrameType, event: str, __: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(profile)
    try:
        verdict = check(raw)
    finally:
        sys.setprofile(None)
    return count, verdict


def filled(value: Any, name: str, inner: str | None) -> bytes:
    document = deepcopy(WHOLE)
    if inner is not None and isinstance(document.get(name), dict):
        document[name] = {**document[name], inner: value}
    else:
        document[name] = value
    return orjson.dumps(document)[:MAX_OFFER_BYTES]


def many(item: Any, *, distinct: bool) -> list[Any]:
    count = 90_000 // (len(orjson.dumps(item)) + (7 if distinct else 1))
    if not distinct:
        return [item] * count
    return [f"{item}{index}" if isinstance(item, str) else [item, index] for index in range(count)]


def keys(stem: str, item: Any) -> dict[str, Any]:
    count = 90_000 // (len(orjson.dumps(item)) + len(orjson.dumps(stem)) + 7)
    return {f"{stem}{index}": item for index in range(count)}


WRONG = st.one_of(
    st.builds(keys, st.sampled_from(STEMS), st.sampled_from(ITEMS)),
    st.builds(many, st.sampled_from(ITEMS), distinct=st.booleans()),
    st.builds(lambda stem, item, slug: {slug: keys(stem, item)}, st.sampled_from(STEMS), st.sampled_from(ITEMS),
              st.sampled_from(["bretagne", "schools", "monday"])),
)  # fmt: skip


def test_the_explaining_validator_is_loaded_first() -> None:
    """Its import would count as steps of the first document."""
    assert validator("offer") is validator("offer")


@pytest.mark.parametrize("stem", STEMS)
@pytest.mark.parametrize("item", [1, {}, "a@b.fr"], ids=["number", "object", "address"])
def test_extensions_of_thousands_of_keys_cost_a_bounded_number_of_steps(stem: str, item: Any) -> None:
    """[OFR-036] [OFR-038]: 7,500 keys took 190 ms each."""
    count, verdict = steps(filled(keys(stem, item), "extensions", None))
    assert count < MAX_STEPS
    [error] = [problem.code for problem in verdict.problems if problem.severity == "error"]
    assert error in {"extensions-too-many-keys", "extensions-too-large"}


@settings(max_examples=60, deadline=None)
@given(WRONG, st.sampled_from([*FIELDS, "unknown"]), st.sampled_from([None, "schools", "regions", "name", "unknown"]))
def test_any_100_kb_of_wrong_input_cost_a_bounded_number_of_steps(value: Any, name: str, inner: str | None) -> None:
    """[OFR-038]"""
    count, verdict = steps(filled(value, name, inner))
    assert count < MAX_STEPS
    assert len(verdict.problems) <= 2 * 101


def test_items_that_are_objects_are_compared_in_linear_time() -> None:
    """The library compares every pair: 20,000 comparisons for 200 schools."""
    schools = [{"a": index} for index in range(200)]
    count, verdict = steps(orjson.dumps(changed(restrictions={"schools": schools})))
    assert count < MAX_STEPS
    assert ("wrong-type", "/restrictions/schools/0") in found(verdict)


@pytest.mark.parametrize(
    ("items", "repeated"),
    [([1, 1.0], True), ([1, True], False), ([{"a": 1, "b": 2}, {"b": 2, "a": 1}], True), ([[1], [2]], False)],
)
def test_items_are_equal_as_json_values(items: list[Any], repeated: bool) -> None:  # noqa: FBT001  # a parameter of the table
    """Equality as in the fast validator."""
    uniqueness = validator("offer").evolve(schema={"uniqueItems": True})
    assert uniqueness.is_valid(items) is not repeated


def nested(count: int) -> dict[str, Any]:
    """Extensions of so many keys on several levels, lists included."""
    return {"bretagne": {"list": [{f"k{index}": 1} for index in range(count - 2)]}}


def test_extensions_hold_at_most_200_keys() -> None:
    """[OFR-036]"""
    assert found(check(changed(extensions=nested(200)))) == []
    assert errors(check(changed(extensions=nested(201)))) == [("extensions-too-many-keys", "/extensions")]


def test_the_rest_is_judged_where_extensions_exceed_their_bounds() -> None:
    """[OFR-038]"""
    verdict = check(changed(extensions=nested(201), title="", weeks=["2027-W60"]))
    assert {"extensions-too-many-keys", "text-blank"} <= codes(verdict)
    assert verdict.id == changed()["id"]


def test_a_document_that_is_too_large_twice_says_that_its_list_is_not_whole() -> None:
    """[OFR-038]: of more than 100 failures the first 100."""
    verdict = check(orjson.dumps({**changed(), "levels": [f"x{index}" for index in range(150)]}))
    assert (len(verdict.problems), "more-problems" in codes(verdict)) == (101, True)
