"""JSON feeds: items at any path, one object a line, and malformed items."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.formats.item import DEPTH, ITEM_CHARACTERS, BrokenItem, FeedComplete, OfferItem, SourceItem
from adapters.formats.json_reader import read_documents, read_lines
from adapters.formats.path import parse_path
from tests.formats.feeds import codes, flat, items, row, unusable, written


def records(text: str, *paths: str, size: int = 10_000) -> list[SourceItem]:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    return list(read_documents(pieces, tuple(map(parse_path, paths or ("",)))))


NESTED = {"meta": {"count": 2, "offers": [{"n": 0}]}, "data": {"pages": [{"offers": [{"n": 1}]}, {"offers": {"n": 2}}]}}


@pytest.mark.parametrize("size", [1, 3, 10_000])
@pytest.mark.parametrize(
    ("document", "paths", "expected"),
    [
        ([{"n": 1}, {"n": 2}], [""], [1, 2]),
        ({"n": 1}, [""], [1]),
        ([[{"n": 1}], [[{"n": 2}]]], [""], [1, 2]),
        ({"data": [{"n": 1}]}, ["data"], [1]),
        ({"data": {"n": 1}}, ["data"], [1]),
        ({"data": None}, ["data"], []),
        (NESTED, ["data/pages/offers"], [1, 2]),
        ({"a/b": [{"n": 1}], "a": {"b": [{"n": 2}]}}, ["a~1b"], [1]),
        ({"é\n": [{"n": 1}]}, ["é\n"], [1]),
        ({"@graph": [{"n": 1}, {"n": 2}]}, ["", "@graph"], [1, 2]),
        ([{"@graph": [{"n": 1}]}, {"n": 2}], ["", "@graph"], [1, 2]),
        ({"list": [{"item": {"n": 1}}, {"n": 2}]}, ["", "list", "list/item"], [1, 2]),
        ({"text": 'a "{[\\"]}" b', "data": [{"n": 1, "t": "}{]["}]}, ["data"], [1]),
    ],
)
def test_items_are_found_at_any_path(document: Any, paths: list[str], expected: list[int], size: int) -> None:
    """[FMT-001]"""
    assert expected == [record.content["n"] for record in records(json.dumps(document), *paths, size=size)]


@pytest.mark.parametrize(
    ("text", "line"), [('[\n\n{"n": 1}]', 3), ('{"a":\n[{"n":\n1},\n{"n": 2}]}', 2), ('\n\n\n{"n": 1}', 4)]
)
def test_an_item_has_the_line_on_which_it_begins(text: str, line: int) -> None:
    """[FMT-006]"""
    assert line == records(text, "", "a")[0].line


@pytest.mark.parametrize("document", [{}, {"offers": "x"}, {"offers": 3}, {"meta": {"data": []}}])
def test_a_document_of_another_shape_changes_nothing(document: Any) -> None:
    """[FMT-002]"""
    assert "items-not-found" == unusable(json.dumps(document).encode(), flat("json", source={"items": "data"}))


@pytest.mark.parametrize("text", ["[", '{"a": [', '[{"id": "1"}', '[{"id": "1"', '[{"id": "', "[1", '[{"id": "1\\'])
def test_a_document_without_its_end_is_cut(text: str) -> None:
    """[FMT-002]"""
    assert "feed-cut" == unusable(text.encode(), flat("json"))


@pytest.mark.parametrize("text", ["[]]", "[] []", "[}", "Not found", '"x"', "3", "[" * (DEPTH + 1), "<offers/>"])
def test_a_fault_outside_of_items_changes_nothing(text: str) -> None:
    """[FMT-002]"""
    assert "feed-malformed" == unusable(text.encode(), flat("json"))


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ('{"id": "S-2", "n": 01}', "item-malformed"),
        ('{"id": "S-2",}', "item-malformed"),
        ('{"id": NaN}', "item-malformed"),
        ("{'id': 'S-2'}", "item-malformed"),
        ('{"id": "\\ud800"}', "item-malformed"),
        ('{"id": "a\tb"}', "item-malformed"),
        ("3", "item-not-object"),
        ("null", "item-not-object"),
        ('"jean@exemple.fr"', "item-not-object"),
        ('{"id": ' + "[" * DEPTH + "]" * DEPTH + "}", "item-too-deep"),
        ('{"id": "' + "x" * ITEM_CHARACTERS + '"}', "item-too-large"),
    ],
)
def test_a_bad_item_is_reported_and_hides_no_other(bad: str, code: str) -> None:
    """[FMT-006] [FMT-005]"""
    sound = written("json", [row(1)]).decode()[1:-1]
    last = written("json", [row(3)]).decode()[1:-1]
    first, second, third, end = items(f"[{sound}, {bad}, {last}]".encode(), flat("json"))
    assert isinstance(first, OfferItem)
    assert isinstance(second, BrokenItem)
    assert (None, [code]) == (second.id, codes(second))
    assert "jean" not in str(second.problems[0].to_json())
    assert isinstance(third, OfferItem)
    assert FeedComplete(3) == end


def test_one_object_a_line_is_read_line_by_line() -> None:
    """[FMT-006]"""
    lines = [json.dumps(row(1)), "", "{broken", json.dumps(row(2)), "[1]"]
    mapping = flat("json", source={"lines": True})
    first, second, third, fourth, end = items(("\r\n".join(lines) + "\n").encode(), mapping)
    assert ["bretagne:S-1", "bretagne:S-2"] == [one.id for one in (first, third) if isinstance(one, OfferItem)]
    assert isinstance(second, BrokenItem)
    assert (["item-malformed"], 3) == (codes(second), second.position.line)
    assert ["item-not-object"] == codes(fourth)
    assert FeedComplete(4) == end


def test_a_last_line_without_its_end_is_cut_if_it_is_no_object() -> None:
    """[FMT-002]"""
    mapping = flat("json", source={"lines": True})
    content = (json.dumps(row(1)) + "\n" + json.dumps(row(2))).encode()
    assert FeedComplete(2) == items(content, mapping)[-1]
    assert "feed-cut" == unusable(content[:-5], mapping)


def test_a_line_beyond_the_limit_is_reported_and_hides_no_other() -> None:
    """[FMT-005]"""
    found = list(read_lines(['{"a": "', *["x" * 100_000] * 20, '"}\n{"b": 1}\n']))
    assert ["item-too-large", None] == [record.problem and record.problem.code for record in found]
    assert [1, 2] == [record.line for record in found]


BEFORE = {"data": [{"no": 1}], "list": [1, [2], "{"]}
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.slow
@given(
    st.lists(st.dictionaries(st.text(), VALUES, max_size=4), max_size=5), st.integers(1, 40), st.sampled_from([None, 1])
)
def test_any_list_of_objects_is_cut_into_its_objects(
    documents: list[dict[str, Any]], size: int, indent: int | None
) -> None:
    """[FMT-001]"""
    text = json.dumps({"x": BEFORE, "data": documents}, indent=indent, ensure_ascii=indent is None)
    text = text.encode("utf-8", "replace").decode()
    expected = json.loads(text)["data"]
    found = records(text, "data", size=size)
    assert len(expected) == len(found)
    assert [] == [one for one, record in zip(expected, found, strict=True) if record.content not in (one, {})]
