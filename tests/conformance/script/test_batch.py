"""Splitting a batch: the documents keep the bytes that were sent, or an error names the reason."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.cli.judge import judge_document, split_offers
from conformance.clock import today
from conformance.script.batch import UnreadableBatchError, inflate, split_batch

pytestmark = pytest.mark.slow

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(alphabet='a[]{},:"\\\né😀'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet='b[]{},"\\'), inner),
)
SPACE = st.text(alphabet=" \t\r\n", max_size=3)


@given(st.lists(st.tuples(VALUES, st.booleans(), SPACE, SPACE)), SPACE, SPACE)
def test_array_items_keep_their_original_bytes(
    items: list[tuple[Any, bool, str, str]], before: str, after: str
) -> None:
    texts = [before + json.dumps(value, ensure_ascii=plain) + after for value, plain, before, after in items]
    array = before + "[" + ",".join(texts) + "]" + after
    assert [text.encode() for text in texts] == list(split_batch(array.encode()))


@given(st.lists(VALUES, min_size=1), st.data())
def test_a_truncated_array_is_refused_as_unfinished(items: list[Any], data: st.DataObject) -> None:
    array = json.dumps(items).encode()
    cut = array[: data.draw(st.integers(1, len(array) - 1))]
    with pytest.raises(UnreadableBatchError) as found:
        list(split_batch(cut))
    assert "body-truncated" == found.value.code


@pytest.mark.parametrize("content", [b"[1] 2", b"[1}", b"[1]]", b'[1]{"a": 1}'])
def test_anything_but_a_single_array_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableBatchError) as found:
        list(split_batch(content))
    assert "body-malformed" == found.value.code


def test_an_empty_array_has_no_items_and_every_comma_separates_two() -> None:
    assert [[], [], [b"", b""], [b"1", b""]] == [list(split_batch(each)) for each in (b"[]", b" [ ] ", b"[,]", b"[1,]")]


def test_a_repeated_key_is_reported_in_an_array_as_on_a_line() -> None:
    offer = b'{"id": "bretagne:1", "id": "bretagne:2", "revision": 1}'
    found = [
        [finding.location["en"] for result in results for finding in result.findings]
        for results in (
            [judge_document(raw, 1, on=today()) for raw in split_offers(content)]
            for content in (offer + b"\n" + offer, b"[" + offer + b", " + offer + b"]")
        )
    ]
    assert found[0] == found[1]
    assert 2 == sum("json-duplicate-key" in finding for finding in found[0])


def test_deeply_nested_arrays_are_one_invalid_document() -> None:
    [raw] = split_offers(b"[" * 100_000 + b"]" * 100_000)
    assert judge_document(raw, 1, on=today()).findings


LINES = [b'{"id": "bretagne:1"}', b'{"id": "bretagne:2"}']


def test_every_member_of_a_gzip_is_read() -> None:
    content = b"".join(gzip.compress(line + b"\n") for line in LINES)
    assert LINES == list(split_offers(content))


@given(st.lists(st.binary(max_size=200_000), min_size=1, max_size=4))
def test_gzip_members_are_joined_in_order(parts: list[bytes]) -> None:
    assert b"".join(parts) == inflate(b"".join(map(gzip.compress, parts)), most=1_000_000)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "body-truncated"),
        (gzip.compress(LINES[0], mtime=0)[:-1], "body-truncated"),
        (gzip.compress(LINES[0], mtime=0) + gzip.compress(LINES[1], mtime=0)[:-1], "body-truncated"),
        (gzip.compress(LINES[0], mtime=0) + b"more", "body-malformed"),
        (b"\x1f\x8bnone", "body-malformed"),
        (gzip.compress(b" " * 1_001, mtime=0), "body-too-large"),
        (gzip.compress(b" " * 999, mtime=0) + gzip.compress(b"  ", mtime=0), "body-too-large"),
    ],
)
def test_a_truncated_invalid_or_oversized_gzip_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(UnreadableBatchError) as found:
        inflate(content, most=1_000)
    assert code == found.value.code
