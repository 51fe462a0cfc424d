"""The format of what a visitor sends is recognised, and what holds no documents is refused by a code of its own."""

import gzip
import json

import pytest

from gateway.pages.check.content import ContentShape, NoDocumentsError, inflate, recognise, split
from tests.fuzz.growth import STEEP, steepness
from tests.pages.check.offers import FEED, REFUSED, sound

ONE = sound()
MAX_BYTES = 1024 * 1024


@pytest.mark.parametrize(
    ("content", "shape"),
    [
        (ONE, ContentShape("offer")),
        (REFUSED.encode(), ContentShape("offer")),
        (b"\xef\xbb\xbf" + ONE, ContentShape("offer")),
        (REFUSED.replace("\n", "\r\n").encode(), ContentShape("offer")),
        (b'{"title": "broken', ContentShape("offer")),
        (b'{"a": {"b": ' * 5_000, ContentShape("offer")),
        (b"{}", ContentShape("offer")),
        ('{"title": "caf\u00e9"}'.encode("cp1252"), ContentShape("offer")),
        (b'{"title": "\xed\xa0\x80"}', ContentShape("offer")),
        (b'{"title": "\x00"}', ContentShape("offer")),
        (ONE + b"\n" + ONE, ContentShape("lines")),
        (ONE + b"\r\n\r\n" + ONE + b"\r\n", ContentShape("lines")),
        (ONE + b"\n{broken", ContentShape("lines")),
        (b'{"id": "bretagne:1"}\n{"count": 1}', ContentShape("lines")),
        (b"[" + ONE + b"," + ONE + b"]", ContentShape("array")),
        (b" \n[\n" + ONE + b"]", ContentShape("array")),
        (b"[]", ContentShape("array")),
        (b"[1, 2]", ContentShape("array")),
        (b"[{broken", ContentShape("array")),
        (b'[{"ref": 1, "intitule": "a"}]', ContentShape("feed", "json")),
        (b'{"jobs": [{"ref": 1}]}', ContentShape("feed", "json")),
        (FEED, ContentShape("feed", "xml")),
        (b"\xef\xbb\xbf" + FEED, ContentShape("feed", "xml")),
        (b"<rss/>", ContentShape("feed", "xml")),
        (b"<!DOCTYPE html><html></html>", ContentShape("feed", "html")),
        (b"\n<!-- a --> <HTML lang=fr>", ContentShape("feed", "html")),
        (b"id;titre\n1;a\n", ContentShape("feed", "csv")),
        ("id;intitul\u00e9\n".encode("cp1252"), ContentShape("feed", "csv")),
    ],
)
def test_a_format_is_recognised(content: bytes, shape: ContentShape) -> None:
    assert recognise(content) == shape


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"\xef\xbb\xbf\n", "empty"),
        (b"PK\x03\x04\x14\x00", "zip"),
        (b"%PDF-1.7", "pdf"),
        (b"\x89PNG\r\n\x1a\n\x00", "image"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "office"),
        (b"\xfd7zXZ\x00", "archive"),
        (b"\x7fELF\x02\x01\x01\x00\x00\x01", "binary"),
        (bytes(range(256)) * 10, "binary"),
        ('{"a": 1}'.encode("utf-16"), "utf16"),
        ('{"a": 1}'.encode("utf-16-le"), "utf16"),
        ('{"a": 1}'.encode("utf-16-be"), "utf16"),
        ('{"a": 1}'.encode("utf-32-le"), "utf16"),
    ],
)
def test_what_is_no_text_is_named(content: bytes, code: str) -> None:
    with pytest.raises(NoDocumentsError) as error:
        recognise(content)
    assert error.value.code == code


def test_gzip_is_inflated_whatever_its_name() -> None:
    assert inflate(gzip.compress(ONE) + gzip.compress(b"\n") + b"\0" * 9, most=MAX_BYTES) == ONE + b"\n"
    assert inflate(ONE, most=MAX_BYTES) == ONE


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (gzip.compress(ONE, mtime=0)[:-9], "gzip-truncated"),
        (gzip.compress(ONE, mtime=0)[:12], "gzip-truncated"),
        (b"\x1f\x8b" + b"x" * 50, "gzip-damaged"),
        (gzip.compress(ONE, mtime=0) + b"junk", "gzip-damaged"),
        (gzip.compress(b"\0" * 100_000_000, 1, mtime=0), "gzip-large"),
        (gzip.compress(b" " * 700_000, mtime=0) * 2, "gzip-large"),
    ],
)
def test_a_broken_or_bloated_gzip_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(NoDocumentsError) as error:
        inflate(content, most=MAX_BYTES)
    assert error.value.code == code


def test_documents_know_their_line() -> None:
    lines = split(b"\n" + ONE + b"\n\n" + ONE + b"\r\n", "lines")
    assert [(one.number, one.line) for one in lines.items] == [(1, 2), (2, 4)]
    pretty = b"[\n" + json.dumps({"a": 1}, indent=1).encode() + b",\n\n" + ONE + b"]"
    array = split(pretty, "array")
    assert [(one.number, one.line, one.raw) for one in array.items] == [
        (1, 2, b'{\n "a": 1\n}'),
        (2, 6, ONE),
    ]


def test_the_closing_count_of_a_snapshot_is_no_document() -> None:
    assert split(ONE + b'\n{"count": 1}\n', "lines").total == 1
    for other in (b'["count"]', b'{"count": "x"}', b'{"count": -1}'):
        assert split(ONE + b"\n" + other, "lines").total == 2


@pytest.mark.parametrize(
    ("content", "kind", "code"),
    [
        (b"[]", "array", "no-offer"),
        (b"[{}", "array", "array-open"),
        (b"[" * 100_000, "array", "array-open"),
        (b"[{}] x", "array", "array-malformed"),
        (b"[{}}", "array", "array-malformed"),
        (b'{"count": 0}', "lines", "no-offer"),
        (b"x" * 200_000, "lines", "line-long"),
    ],
)
def test_what_cannot_be_split_is_named(content: bytes, kind: str, code: str) -> None:
    with pytest.raises(NoDocumentsError) as error:
        split(content, "array" if kind == "array" else "lines")
    assert error.value.code == code


def test_no_more_documents_than_a_visitor_may_send_are_kept() -> None:
    found = split(b"{}\n" * 300_000, "lines")
    assert (len(found.items), found.total) == (20_000, 300_000)


def test_comments_before_the_root_element_take_time_in_proportion_to_their_number() -> None:
    assert STEEP > steepness(recognise, lambda number: b"<!--a-->" * number + b"<offers/>", 5)
