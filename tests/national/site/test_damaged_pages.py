"""A page whose bytes hold what no reader agrees on: each damaged item is passed over with its reason, all others are
read.
"""

import copy
import os
import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.national.inbound.offer import document, judge
from adapters.national.site.answer import SiteAnswer
from adapters.national.site.index_walk import Walk
from adapters.national.site.page_json import read_json
from adapters.national.site.reading import SearchPage, Unreadable, read_page
from tests.national.site.harness import ON
from tests.national.site.test_malformed_items import GOOD

SAMPLES = Path(os.environ.get("PASSERELLE_TEST_SAMPLES", "../shared/samples")) / "national-v2" / "internship_offers"
HOLE = b'"a hole that the test fills"'
DAMAGES = {
    "four hundred zeros": b"1" + b"0" * 400,
    "five thousand digits": b"-" + b"7" * 5_000,
    "a huge exponent": b"1e400",
    "a fraction of a huge exponent": b"-0.5E+99999",
    "not a number": b"NaN",
    "infinity": b"Infinity",
    "less than all": b"-Infinity",
    "beyond 64 bits": b"18446744073709551616",
    "a lone surrogate": rb'"stage \ud800"',
    "a low surrogate": rb'"\udfff"',
    "a surrogate as bytes": b'"\xed\xa0\x80"',
    "a byte that is not UTF-8": b'"\xff"',
    "a surrogate as a name": rb'{"\ud800": 1}',
    "too deep a list": b"[" * 5_000 + b"]" * 5_000,
    "too deep an object": b'{"a":' * 2_000 + b"0" + b"}" * 2_000,
    "deep, not too deep for the parser": b"[" * 200 + b"]" * 200,
    "deep, with brackets in strings": b'["]]","[[[\\"",' + b"[" * 3_000 + b'"]' + b'"' + b"]" * 3_000 + b"]",
    "a member twice": b'{"a": 1, "a": 2}',
}


def bytes_of(items: list[dict[str, Any]], **frame: Any) -> bytes:
    counts = {"totalInternshipOffers": len(items), "totalPages": 1, "currentPage": 1, **frame}
    return orjson.dumps({"pagination": counts, "internshipOffers": items})


def read(raw: bytes) -> SearchPage:
    page = read_page(SiteAnswer(200, read_json(raw)))
    assert page is not None
    return page


def numbered(count: int) -> list[dict[str, Any]]:
    return [{**copy.deepcopy(GOOD), "id": number} for number in range(1, count + 1)]


@pytest.mark.parametrize("name", sorted(GOOD.keys() - {"id"}))
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_value_costs_its_own_item(damage: str, name: str) -> None:
    """In every member of the second of three, its number still known."""
    items = numbered(3)
    items[1][name] = HOLE[1:-1].decode()
    page = read(bytes_of(items).replace(HOLE, DAMAGES[damage]))
    assert [1, 3] == [one.number for one in page.listed]
    (passed,) = page.unreadable
    assert (2, True) == (passed.number, passed.reason.startswith(f"/{name}"))
    walk = Walk()
    walk.add(page)
    assert walk.all_counted


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_number_of_an_item_leaves_it_without_one(damage: str) -> None:
    items = numbered(3)
    items[0]["id"] = HOLE[1:-1].decode()
    page = read(bytes_of(items).replace(HOLE, DAMAGES[damage]))
    assert ([2, 3], [None]) == ([one.number for one in page.listed], [one.number for one in page.unreadable])


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damage_that_no_field_holds_costs_its_own_item_too(damage: str) -> None:
    """In a member that this version does not know, at the item or deeper."""
    items = numbered(2)
    items[0]["later"] = {"more": [1, HOLE[1:-1].decode()]}
    page = read(bytes_of(items).replace(HOLE, DAMAGES[damage]))
    assert [2] == [one.number for one in page.listed]
    assert page.unreadable[0].reason.startswith("/later/more/1")


def test_a_control_character_in_a_text_costs_no_page() -> None:
    """Written raw, which JSON forbids; the text is that of the escape."""
    items = numbered(2)
    items[0]["title"] = "Découverte\n\x01\x7f"
    raw = bytes_of(items)
    assert read(raw) == read(raw.replace(b"\\n", b"\n").replace(rb"\u0001", b"\x01"))


def test_an_item_with_a_member_twice_is_passed_over_and_not_guessed() -> None:
    """Of two numbers or remote ids neither is taken."""
    raw = bytes_of(numbered(2)).replace(b'"id":1,', b'"id":1,"id":2,')
    page = read(raw)
    assert [Unreadable(None, None, ": a member twice")] == list(page.unreadable)
    assert [2] == [one.number for one in page.listed]


def test_a_document_with_its_list_twice_is_no_page() -> None:
    raw = bytes_of(numbered(1)).replace(b'"internshipOffers"', b'"internshipOffers":[],"internshipOffers"')
    assert read_page(SiteAnswer(200, read_json(raw))) is None


@pytest.mark.parametrize("raw", [b"", b"[", b'{"a":', b'"\\', b"<html>", b"[" * 100_000, b'["' * 50_000, b"\\" * 9])
def test_what_is_no_json_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_json(raw)


@pytest.mark.parametrize("url", ["https://[bad/", "https://[::1", "//[", "https://ex℀mple.fr/", "https://a]b/"])
def test_an_address_of_the_site_that_cannot_be_parsed_costs_its_own_item(url: str) -> None:
    items = numbered(2)
    items[0]["url"] = url
    page = read(bytes_of(items))
    assert ([2], ["url"]) == ([one.number for one in page.listed], [one.reason for one in page.unreadable])


SCALARS = st.sampled_from(sorted(DAMAGES.values())) | st.sampled_from(
    [
        b"0",
        b"-1",
        b"1e5",
        b'"x"',
        b"null",
        b"true",
        b'"https://[bad/"',
        b'"du 99/99/9999 au 00/00/0000"',
        b"[[]]",
        b"{}",
    ]
)
VALUES = re.compile(rb'(?<=[:\[,])(?:"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|true|false|null)(?=[,\]}])')


def recorded() -> list[bytes]:
    """The pages that the site itself recorded, where they are at hand, and our own."""
    files = [SAMPLES / kind / "success.json" for kind in ("search", "index")]
    return [bytes_of(numbered(3)), *(orjson.dumps(orjson.loads(one.read_bytes())) for one in files if one.exists())]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_mutation_of_a_recorded_page_costs_another_item(data: st.DataObject) -> None:
    """Values anywhere in one item replaced, members doubled: all other items are read as before, and what is still
    read of it is judged without an error.
    """
    whole = orjson.loads(data.draw(st.sampled_from(recorded())))
    items = [orjson.dumps(item) for item in whole["internshipOffers"]]
    chosen = data.draw(st.integers(0, len(items) - 1))
    for _ in range(data.draw(st.integers(1, 3))):
        spans = [found.span() for found in VALUES.finditer(items[chosen])]
        start, end = data.draw(st.sampled_from(spans))
        items[chosen] = items[chosen][:start] + data.draw(SCALARS) + items[chosen][end:]
    if data.draw(st.booleans()):
        items[chosen] = items[chosen][:-1] + b',"id":5}'
    raw = b'{"pagination":' + orjson.dumps(whole["pagination"]) + b',"internshipOffers":[' + b",".join(items) + b"]}"
    page, before = read(raw), read_page(SiteAnswer(200, whole))
    assert before is not None
    assert len(items) == len(page.listed) + len(page.unreadable)
    number = whole["internshipOffers"][chosen]["id"]
    others = [one for one in before.listed if one.number != number]
    assert others == [one for one in page.listed if one in others]
    for listed in page.listed:
        verdict = judge(document(listed, public_url="https://1eleve1stage.education.gouv.fr"), revision=1, on=ON)
        orjson.dumps([one.to_json() for one in verdict.problems])
