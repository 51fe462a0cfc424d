"""Feeds that are cut, garbled or random: no reading raises, and each ends in one result."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.formats.item import BrokenItem, FeedComplete, FeedUnusable, OfferItem, PassedItem, RepeatedItem, judge
from adapters.formats.mapping import FeedMapping, load_mapping
from adapters.formats.reading import read
from schemas import Problem
from tests.formats.feeds import FORMS, ON, flat, items, load, row, written
from tests.formats.test_format_jsonld import POSTING, page, script

pytestmark = pytest.mark.slow

CLEVER = """<?xml version="1.0" encoding="UTF-8"?>
<source><publisher>x</publisher><job id="1" reference="A" lang="fr"><title><![CDATA[ Stage ]]></title>
<description><![CDATA[<p>Observer &amp; apprendre</p>]]></description><link>https://a.fr/1</link>
<company id="2" anonymous="false"><name>Atelier</name></company><workplace><locations>
<location label="Rennes (35)" lat="48,11" lng="-1.68"><city>Rennes</city><postalCode>35000</postalCode></location>
</locations></workplace></job></source>"""

FEEDS: dict[str, tuple[bytes, FeedMapping]] = {
    **{form: (written(form, [row(1), row(2, title='Été; "R&D"\nà voir')]), flat(form)) for form in FORMS},
    "lines": (b"\n".join(map(orjson.dumps, [row(1), row(2)])) + b"\n", flat("json", source={"lines": True})),
    "cleverconnect": (CLEVER.encode(), load("cleverconnect")),
    "jobposting": (json.dumps({"@graph": [POSTING, {"@type": "WebPage"}]}).encode(), load("jobposting")),
    "page": (page(script(json.dumps(POSTING))), load("jobposting")),
}


def look(content: bytes, mapping: FeedMapping) -> FeedComplete | FeedUnusable:
    """Read it all, judge every offer, write every problem; the end."""
    *found, end = items(content, mapping)
    assert isinstance(end, FeedComplete | FeedUnusable)
    assert len(found) == end.count
    for index, item in enumerate(found):
        assert isinstance(item, OfferItem | BrokenItem | PassedItem | RepeatedItem)
        assert index == item.position.index
        assert item.position.line >= 1
        problems = list(getattr(item, "problems", ()))
        if isinstance(item, OfferItem):
            problems += judge(item, revision=1, on=ON).problems
        check_words(problems)
    check_words(end.problems)
    return end


def check_words(problems: Iterable[Problem]) -> None:
    """Each can be written, in both languages, with nothing left to fill in."""
    for problem in problems:
        texts = [*problem.to_json()["message"].values(), *problem.to_json()["fix"].values()]
        assert 4 == len(texts)
        assert [] == [text for text in texts if not text or re.search(r"\{[a-z_]{3,}\}", text)]


@pytest.mark.parametrize("name", FEEDS)
def test_a_feed_cut_anywhere_is_never_taken_for_another_whole_one(name: str) -> None:
    """[FMT-002]: rows and lines are whole wherever one of them ends; there the transport's own length must tell."""
    content, mapping = FEEDS[name]
    whole = look(content, mapping)
    assert isinstance(whole, FeedComplete)
    for end in range(len(content)):
        cut = look(content[:end], mapping)
        if isinstance(cut, FeedComplete):
            rest = content[end:].strip()
            by_lines = name in ("csv", "lines", "page")
            assert by_lines or rest == b"", content[:end]


@pytest.mark.parametrize("name", FEEDS)
def test_garbled_bytes_never_raise(name: str) -> None:
    """[FMT-002] [FMT-006]"""
    content, mapping = FEEDS[name]

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.tuples(st.integers(0, len(content) - 1), st.binary(max_size=6), st.integers(0, 8)), max_size=5))
    def garble(changes: list[tuple[int, bytes, int]]) -> None:
        garbled = content
        for position, new, dropped in changes:
            garbled = garbled[:position] + new + garbled[position + dropped :]
        look(garbled, mapping)

    garble()


SIGNS = st.lists(
    st.sampled_from(
        [b"<", b">", b"</offer>", b"<offer>", b"<offers>", b"</offers>", b"<![CDATA[", b"]]>", b"<!--", b"-->", b"&",
         b"{", b"}", b"[", b"]", b'"', b":", b",", b";", b"\n", b"\\", b"id", b"null", b'{"id":"1"}', b"<id>1</id>",
         b"<script type=application/ld+json>", b"</script>", b"\xe9", b"\xc3\xa9", b"\x00", b"\xff\xfe", b" "]
    ),
    max_size=40,
).map(b"".join)  # fmt: skip


@pytest.mark.parametrize("name", FEEDS)
def test_random_bytes_never_raise(name: str) -> None:
    """[FMT-002] [FMT-006]"""
    _, mapping = FEEDS[name]

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.binary(max_size=200) | SIGNS)
    def read_random(content: bytes) -> None:
        look(content, mapping)

    read_random()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([*row(), "a"]), JSON, max_size=9))
def test_values_of_any_kind_never_raise(changes: dict[str, Any]) -> None:
    """[FMT-009]"""
    text = json.dumps([{**row(), **changes}]).encode("utf-8", "replace")
    look(text, flat("json"))


NUMBERS = {name: {"path": name} for name in ("seats", "stay_weeks", "location.latitude", "location.longitude")}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(NUMBERS)), st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_of_any_size_never_raise(name: str, number: float) -> None:
    """[FMT-006] [FMT-009]"""
    text = json.dumps([{**row(), name: number}, row(2)]).encode()
    look(text, flat("json", fields=NUMBERS))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(st.sampled_from(["source", "id", "fields", "only", "extensions", "x"]), JSON, max_size=4)
    | st.builds(lambda rule: {"id": {"path": "id"}, "fields": {"title": rule}}, JSON)
    | JSON
)
def test_mappings_of_any_kind_never_raise(document: Any) -> None:
    """[FMT-012]"""
    for form in ("json", "xml", "csv", "cleverconnect"):
        found = load_mapping(form, document)
        if isinstance(found, tuple):
            assert found
            check_words(found)


def test_a_feed_that_is_read_halfway_can_be_left() -> None:
    def blocks() -> Iterator[bytes]:
        yield b"["
        for number in range(10**9):
            yield orjson.dumps(row(number)) + b","

    reading = read(blocks(), flat("json"), platform="bretagne", on=ON)
    assert isinstance(next(reading), OfferItem)
