"""Exports as the cases look at them: each offer as the list of its texts."""

import pytest

from conformance.script.export import UnreadableExportError, entries_of

BOM = "\ufeff"


@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_a_row_is_the_list_of_its_cells_whatever_the_separator(separator: str) -> None:
    text = BOM + separator.join(['"id"', '"title"', '"seats"']) + "\r\n"
    text += separator.join(['"a:1"', f'"un {separator} ""deux""\ntrois"', "2"]) + "\r\n"
    assert [["a:1", f'un {separator} "deux"\ntrois', "2"]] == entries_of(text.encode(), "text/csv; charset=utf-8")


def test_a_posting_is_the_list_of_its_values_on_all_levels() -> None:
    raw = b'{"@graph": [{"title": "x", "place": {"city": "Metz", "geo": null}, "weeks": ["w1", "w2"], "seats": 2}]}'
    assert [["x", "Metz", "w1", "w2", "2"]] == entries_of(raw, "application/ld+json")


def test_an_item_is_the_list_of_its_attributes_and_texts() -> None:
    item = '<item><guid isPermaLink="false">a:1</guid><title>A &lt; B &amp; C</title></item>'
    raw = f"<rss><channel><title>all</title>{item}</channel></rss>".encode()
    assert [["false", "a:1", "A < B & C"]] == entries_of(raw, "application/rss+xml; charset=utf-8")


@pytest.mark.parametrize(
    ("raw", "media_type"),
    [
        (b'"id";"title"\n"a:1"\n', "text/csv"),
        (b'"id";"title"\n"a:1";"x"y"\n', "text/csv"),
        (b"\xff\xfe", "text/csv"),
        (b"", "text/csv"),
        (b"{}", "application/ld+json"),
        (b"[", "application/ld+json"),
        (b"<rss><item>A & B</item></rss>", "application/rss+xml"),
        (b'<!DOCTYPE rss [<!ENTITY a "b">]><rss><item>&a;</item></rss>', "application/rss+xml"),
        (b"x", "application/pdf"),
        (b"x", ""),
    ],
)
def test_a_file_that_is_not_what_its_type_says_is_unreadable(raw: bytes, media_type: str) -> None:
    with pytest.raises(UnreadableExportError):
        entries_of(raw, media_type)
