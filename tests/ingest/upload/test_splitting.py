"""Splitting: the raw items of a body, in any pieces."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UploadRefusedError
from gateway.ingest.upload.splitting import ArraySplitter, LineSplitter, Splitter, declared_count

ITEM_BYTES = 4_096
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
SPACE = st.text(alphabet=" \t\r\n", max_size=3)


def array_splitter(*, item_bytes: int = ITEM_BYTES, array_bytes: int = 1_000_000) -> ArraySplitter:
    return ArraySplitter(item_bytes=item_bytes, array_bytes=array_bytes)


def split(splitter: Splitter, body: bytes, step: int = 7) -> list[bytes]:
    items: list[bytes] = []
    for at in range(0, len(body), step):
        items += splitter.feed(body[at : at + step])
    items += splitter.finish()
    return items


def refusal_of(splitter: Splitter, body: bytes, step: int = 7) -> str:
    with pytest.raises(UploadRefusedError) as refused:
        split(splitter, body, step)
    return refused.value.code


@given(
    lines=st.lists(st.binary(min_size=1, max_size=30).filter(lambda line: b"\n" not in line and line.strip() != b"")),
    ended=st.booleans(),
    step=st.integers(1, 40),
)
def test_lines_come_out_as_they_went_in(*, lines: list[bytes], ended: bool, step: int) -> None:
    body = b"\n".join(lines) + (b"\n" if ended and lines else b"")

    assert lines == split(LineSplitter(item_bytes=ITEM_BYTES), body, step)


def test_blank_lines_are_no_items() -> None:
    assert [b"1", b"2\r"] == split(LineSplitter(item_bytes=ITEM_BYTES), b"\n1\n  \n\r\n2\r\n \n")


def test_a_line_without_end_is_refused_before_it_is_whole() -> None:
    """ERR-005: 100 MB on one line are neither held nor waited for."""
    splitter = LineSplitter(item_bytes=ITEM_BYTES)
    block = b"x" * 1_000

    for _ in range(ITEM_BYTES // 1_000):
        assert [] == splitter.feed(block)
    with pytest.raises(UploadRefusedError) as refused:
        splitter.feed(block)

    assert "line-too-long" == refused.value.code


def test_the_refusal_of_a_line_names_its_index() -> None:
    splitter = LineSplitter(item_bytes=ITEM_BYTES)

    with pytest.raises(UploadRefusedError) as refused:
        splitter.feed(b"1\n2\n" + b"x" * (ITEM_BYTES + 1))

    assert 2 == refused.value.values["index"]


@given(
    items=st.lists(ANYTHING, max_size=6),
    space=SPACE,
    indent=st.sampled_from([None, 0, 2]),
    ascii_only=st.booleans(),
    step=st.integers(1, 60),
)
def test_the_items_of_an_array_are_those_that_a_parser_finds(
    *, items: list[Any], space: str, indent: int | None, ascii_only: bool, step: int
) -> None:
    body = (space + json.dumps(items, indent=indent, ensure_ascii=ascii_only) + space).encode()

    assert items == [json.loads(item) for item in split(array_splitter(), body, step)]


@pytest.mark.parametrize(
    "text", ['"\\""', '"\\\\"', '"[{,]}"', '"\\\\\\""', '{"a":"]"}', '["[",{"}":"{"}]', '"\\u005d"', '""', '"é€😀"']
)
def test_brackets_and_commas_within_a_string_are_text(text: str) -> None:
    body = f"[{text},{text}]".encode()

    for step in range(1, len(body) + 1):
        assert [json.loads(text)] * 2 == [orjson.loads(item) for item in split(array_splitter(), body, step)]


def test_an_empty_array_has_no_items() -> None:
    assert [] == split(array_splitter(), b" [ \n ] ")


def test_a_comma_too_many_makes_an_item_that_is_no_json() -> None:
    assert [b"1", b"", b"2"] == split(array_splitter(), b"[1,,2]")
    assert [b"1", b""] == split(array_splitter(), b"[1,]")
    assert [b"", b""] == split(array_splitter(), b"[,]")


@pytest.mark.parametrize(
    "body", [b"", b"   ", b'{"id":1}', b"1", b"null", b"\xef\xbb\xbf[1]", b"[1] [2]", b"[1]]", b"[1}"]
)
def test_a_body_that_is_no_single_array_is_malformed(body: bytes) -> None:
    """ERR-001"""
    assert "body-malformed" == refusal_of(array_splitter(), body)


@pytest.mark.parametrize("body", [b"[", b"[1,2", b'["abc', b'[{"a":1}', b"[[1]"])
def test_an_array_that_does_not_end_is_cut(body: bytes) -> None:
    """ERR-001"""
    assert "body-truncated" == refusal_of(array_splitter(), body)


@pytest.mark.parametrize("body", [b"[" + b"1" * 10_000, b'["' + b"x" * 10_000, b"[" + b"[" * 10_000])
def test_an_item_without_end_is_refused(body: bytes) -> None:
    """ERR-005"""
    assert "line-too-long" == refusal_of(array_splitter(), body, 1_000)


def test_an_array_beyond_the_cap_is_refused() -> None:
    """ERR-005"""
    body = b"[" + b",".join([b"1"] * 50_000) + b"]"

    assert "body-too-large" == refusal_of(array_splitter(array_bytes=50_000), body, 1_000)


def test_depth_is_not_limited_by_the_splitter() -> None:
    """Nesting is judged where it is decoded: the splitter needs no stack."""
    deep = b"[" * 1_000 + b"]" * 1_000

    assert [deep, deep] == split(array_splitter(), b"[" + deep + b"," + deep + b"]", 333)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"count": 12}', 12),
        (b' {"count":0}\r', 0),
        (b'{"count": 12, "id": "x"}', None),
        (b'{"count": -1}', None),
        (b'{"count": 1.0}', None),
        (b'{"count": true}', None),
        (b'{"count": "12"}', None),
        (b'{"id": "count"}', None),
        (b'["count"]', None),
        (b'"count"', None),
        (b'{"count"', None),
        (b'{"count": 1' + b" " * 200 + b"}", None),
    ],
)
def test_the_count_that_closes_a_snapshot_is_a_whole_number_alone(raw: bytes, expected: int | None) -> None:
    assert expected == declared_count(raw)
