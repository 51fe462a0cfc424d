"""XML feeds: any shape of element, nothing but elements, and a malformed item that hides no other."""

from typing import Any

import pytest

from adapters.formats.encoding import PIECE_BYTES
from adapters.formats.item import (
    DEPTH,
    ITEM_CHARACTERS,
    ITEM_NODES,
    BrokenItem,
    FeedComplete,
    FeedUnusable,
    OfferItem,
    SourceItem,
)
from adapters.formats.xml_reader import read_elements
from tests.formats.feeds import codes, flat, items, loose, row, unusable, xml

PATH = ("offers", "offer")


def records(text: str, path: tuple[str, ...] = PATH) -> list[SourceItem]:
    return list(read_elements([text], path))


def content(inner: str) -> Any:
    [record] = records(f"<offers><offer>{inner}</offer></offers>")
    assert record.problem is None
    return record.content


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("<n>x</n>", {"n": "x"}),
        ("<n/>", {"n": ""}),
        ("<n>x</n><n>y</n><n>z</n>", {"n": ["x", "y", "z"]}),
        ('<n b="c">x</n>', {"n": {"@b": "c", "#text": "x"}}),
        ('<n b="c"> <d>y</d> </n>', {"n": {"@b": "c", "d": "y"}}),
        ("<n><![CDATA[R&D <b>]]></n>", {"n": "R&D <b>"}),
        ("<n>x &amp; &lt;y&gt; &#233;</n>", {"n": "x & <y> é"}),
        ("<g:price>1</g:price>", {"g:price": "1"}),
        ("<n>x<!-- no --><?php no ?>y</n>", {"n": "xy"}),
        ("only text", {"#text": "only text"}),
        ("", {"#text": ""}),
    ],
)
def test_an_element_becomes_its_attributes_children_and_text(inner: str, expected: Any) -> None:
    """[FMT-001]"""
    assert expected == content(inner)


def test_html_that_was_not_put_into_cdata_belongs_to_its_text() -> None:
    """[FMT-008]"""
    found = content("<d>\n<p>R&amp;D <b>ici</b></p><ul><li>a</li></ul><br/></d>")
    assert {"d": "\n<p>R&amp;D <b>ici</b></p><ul><li>a</li></ul><br></br>"} == {"d": found["d"]}


def test_only_elements_at_the_path_are_items() -> None:
    """[FMT-001]"""
    text = "<offers><meta><offer><n>no</n></offer></meta><offer><offer><n>in</n></offer></offer>x</offers>"
    assert [{"offer": {"n": "in"}}] == [record.content for record in records(text)]


@pytest.mark.parametrize("other", ["<jobs><offer/></jobs>", "<rss><offers><offer/></offers></rss>"])
def test_a_document_of_another_shape_changes_nothing(other: str) -> None:
    """[FMT-002]"""
    assert "items-not-found" == unusable(other.encode(), flat("xml"))


BOMB = """<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]>
<offers><offer><id>&lol2;</id></offer></offers>"""


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        '<!DOCTYPE offers SYSTEM "file:///etc/passwd"><offers/>',
        '<!DOCTYPE offers [<!ENTITY x SYSTEM "http://127.0.0.1:1/">]><offers><offer><id>&x;</id></offer></offers>',
        '<!DOCTYPE offers [<!ENTITY % p SYSTEM "http://127.0.0.1:1/">%p;]><offers/>',
        "<!-- a --><?b c?><!DOCTYPE offers><offers/>",
    ],
)
def test_any_doctype_ends_the_reading_before_it_is_parsed(text: str) -> None:
    """[FMT-004]"""
    assert "feed-doctype" == unusable(text.encode(), flat("xml"))


FAULTS = {
    "a bare ampersand": "<title>R&D</title>",
    "an entity that is HTML's": "<title>&eacute;t&eacute;</title>",
    "an end tag that is missing": "<title>x",
    "tags that cross": "<a><b></a></b>",
    "a control character": "<title>x\x0by</title>",
    "a control character in CDATA": "<title><![CDATA[x\x0by</offer>]]></title>",
    "a less-than sign": "<title>moins de < 5</title>",
    "an attribute without quotes": "<title lang=fr>x</title>",
    "an attribute twice": '<title a="1" a="2">x</title>',
    "later text that looks like an end": "<title>R&D</title><d><![CDATA[</offer><offer><id>no</id></offer>]]></d>",
    "a later comment that looks like an end": "<title>R&D</title><!-- </offer><offer><id>no</id></offer> -->",
}


@pytest.mark.parametrize("inner", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_malformed_item_is_reported_with_its_line_and_hides_no_other(inner: str, size: int) -> None:
    """[FMT-006]"""
    middle = f"<offer><id>S-2</id>\n{inner}</offer>\n"
    text = xml([row(1)]).replace("</offers>\n", "") + middle + xml([row(3)]).replace("<offers>\n", "")
    whole = text.encode()
    first, second, third, end = items([whole[at : at + size] for at in range(0, len(whole), size)], flat("xml"))
    assert isinstance(first, OfferItem)
    assert isinstance(second, BrokenItem)
    assert ("bretagne:S-2", ["item-malformed"], 13) == (second.id, codes(second), second.position.line)
    assert second.problems[0].args["line"] in (13, 14)
    assert isinstance(third, OfferItem)
    assert ("bretagne:S-3", 15) == (third.id, third.position.line)
    assert FeedComplete(3) == end


def test_each_of_many_malformed_items_is_reported() -> None:
    """[FMT-006]"""
    text = "<offers>" + "".join(f'<offer id="{n}"><t>a & b</t></offer>' for n in range(1000)) + "</offers>"
    found = records(text)
    assert 1000 == len(found)
    assert [{"@id": str(number)} for number in range(1000)] == [
        {"@id": record.content["@id"]} for record in found if record.problem is not None
    ]


@pytest.mark.parametrize(
    "text",
    [
        "<offers><offer><id>1</id></offer>",
        "<offers><offer><id>1</id>",
        "<offers><offer><id>1</id></offer></off",
        "<offers><offer><t>a & b</t>",
        "<offers><offer><t><![CDATA[x",
        "<offers><!-- x",
        "<?xml version='1.0'?>",
    ],
)
def test_a_document_without_its_end_is_cut(text: str) -> None:
    """[FMT-002]"""
    assert "feed-cut" == unusable(text.encode(), flat("xml"))


@pytest.mark.parametrize(
    "text",
    [
        "<offers></offres>",
        "<offers><a></offers>",
        "<offers/><offers/>",
        "<offers/>Warning: Undefined variable",
        "Warning: Undefined variable\n<offers/>",
        "<offers> & </offers>",
        "{}",
        "<a>" * (DEPTH + 1),
    ],
)
def test_a_fault_outside_of_items_changes_nothing(text: str) -> None:
    """[FMT-002]"""
    assert "feed-malformed" == unusable(text.encode(), flat("xml"))


def test_blank_lines_before_the_declaration_are_accepted_and_counted() -> None:
    """[FMT-006]"""
    text = "\n\n<?xml version='1.0'?>\n<offers>\n<offer/></offers>"
    assert [5] == [record.line for record in records(text)]


@pytest.mark.parametrize(
    ("inner", "code"),
    [
        ("<d>" + "x" * (ITEM_CHARACTERS + 1) + "</d>", "item-too-large"),
        ("<n/>" * (ITEM_NODES + 1), "item-too-large"),
        ("<n>" * DEPTH + "</n>" * DEPTH, "item-too-deep"),
        ("<n " + " ".join(f'a{number}=""' for number in range(ITEM_NODES)) + "/>", "item-too-large"),
    ],
)
def test_an_item_beyond_the_limits_is_reported_and_hides_no_other(inner: str, code: str) -> None:
    """[FMT-005]"""
    text = f"<offers><offer><id>S-1</id>{inner}</offer>" + xml([row(2)]).replace("<offers>\n", "")
    first, second, end = items(text.encode(), flat("xml"))
    assert isinstance(first, BrokenItem)
    assert ("bretagne:S-1", [code]) == (first.id, codes(first))
    assert isinstance(second, OfferItem)
    assert FeedComplete(2) == end


def test_a_tag_that_never_ends_changes_nothing() -> None:
    """[FMT-005]"""
    end = items((b"<offers><!-- " if not number else b"x" * 65536 for number in range(40)), flat("xml"))[-1]
    assert isinstance(end, FeedUnusable)
    assert "feed-malformed" == end.problems[0].code


@pytest.mark.parametrize("shift", range(-12, 3))
@pytest.mark.parametrize("inner", ["<t>x", "<t>a & b</t>", "<t><![CDATA[\x0b]]></t>"])
def test_a_malformed_item_ends_at_its_end_tag_wherever_pieces_are_cut(shift: int, inner: str) -> None:
    """[FMT-006]"""
    head, closing = f"<offers><offer><id>1</id>{inner}", "</offer>\n<offer><id>2</id></offer></offers>"
    blanks = " " * (PIECE_BYTES - len(head) - len("</offer>") - shift)
    first, second, end = items((head + blanks + closing).encode(), loose("xml"))
    assert isinstance(first, BrokenItem)
    assert isinstance(second, OfferItem)
    assert ("bretagne:2", 2, FeedComplete(2)) == (second.id, second.position.line, end)


@pytest.mark.parametrize("size", [ITEM_NODES + 1, ITEM_CHARACTERS // 10])
def test_an_item_whose_own_tag_is_beyond_the_limits_is_reported_by_its_id(size: int) -> None:
    """[FMT-005]"""
    attributes = " ".join(f'a{number}=""' for number in range(size))
    [record] = records(f'<offers><offer id="7" {attributes}/></offers>')
    assert ("item-too-large", "7") == (record.problem and record.problem.code, record.content["@id"])
