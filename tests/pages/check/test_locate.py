"""A problem is found in the document as sent: its line, and the part of it to underline."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas
from gateway.pages.check.locate import Locator, Quote
from schemas.rulebook import problem
from tests.pages.check.offers import DAY, REFUSED, SOUND, sound


def quotes(raw: bytes, *, line: int = 1) -> dict[tuple[str, str], Quote | None]:
    problems = schemas.check(raw, on=DAY).problems
    locator = Locator(raw, problems, line=line)
    return {(one.code, one.pointer): locator.quote(one) for one in problems}


def test_values_words_and_redactions_are_underlined() -> None:
    found = quotes(REFUSED.encode())
    assert found == {
        ("siret-checksum", "/employer/siret"): Quote(8, '"siret": ', '"73282932000075"', ","),
        ("week-malformed", "/weeks/1"): Quote(13, '"weeks": ["2027-W24", ', '"2027-W6"', "],"),
        ("personal-data", "/description"): Quote(
            5, '"description": "Un meuble, du dessin à la pose. Questions : ', "[…]", '."'
        ),
        ("not-deliverable:apply-url-word", "/apply_url"): Quote(
            16, '"apply_url": "https://stages.ideo.bretagne.bzh/at', "test", 'ation/2027-0412"'
        ),
    }


def test_a_line_counts_from_where_the_document_begins() -> None:
    found = quotes(REFUSED.replace("\n", "\r\n").encode(), line=101)
    assert found["siret-checksum", "/employer/siret"] == Quote(108, '"siret": ', '"73282932000075"', ",")


def test_a_key_is_underlined_where_the_key_is_the_fault() -> None:
    raw = json.dumps({**SOUND, "zipcode": "35000"}, indent=1).encode()
    quote = quotes(raw)["field-misnamed", "/zipcode"]
    assert quote is not None
    assert (quote.before, quote.fault, quote.after) == ("", '"zipcode"', ': "35000"')


def test_the_second_of_two_equal_keys_is_underlined() -> None:
    raw = b'{"id": "bretagne:1",\n"id": "bretagne:2"}'
    assert quotes(raw)["json-duplicate-key", "/id"] == Quote(2, "", '"id"', ': "bretagne:2"}')


def test_a_missing_member_is_located_at_its_object() -> None:
    raw = json.dumps({**SOUND, "employer": {"description": "a"}}, indent=1).encode()
    quote = quotes(raw)["field-missing", "/employer/name"]
    assert quote is not None
    assert (quote.fault, quote.after) == ('"employer"', ": {")
    whole = quotes(b'{"id": "bretagne:1"}')
    assert whole["field-missing", "/title"] is None


@pytest.mark.parametrize(
    ("raw", "code", "quote"),
    [
        (b'{"a": 1,\n "b": x}', "json-syntax", Quote(2, '"b": ', "x", "}")),
        (b'{"a": "\xe9t\xe9"}', "json-not-utf8", Quote(1, '{"a": "', "\ufffd", 't\ufffd"}')),
        (b'\xef\xbb\xbf{"a": 1}', "json-bom", Quote(1, "", "\ufffd", '\ufffd\ufffd{"a": 1}')),
        (b'{\n"a": NaN}', "json-number", Quote(2, '"a": ', "N", "aN}")),
    ],
)
def test_a_document_that_is_no_json_is_located_where_it_breaks(raw: bytes, code: str, quote: Quote) -> None:
    assert quotes(raw)[code, ""] == quote


def test_a_long_line_is_cut_around_the_fault() -> None:
    raw = sound(description="x" * 3_000 + "\t" + "y" * 3_000, weeks=["2027-W6"])
    quote = quotes(raw)["week-malformed", "/weeks/0"]
    assert quote is not None
    assert quote.fault == '"2027-W6"'
    assert quote.before.startswith("…")
    assert quote.after.endswith("…")
    assert len(quote.before + quote.fault + quote.after) < 120


def test_a_list_on_several_lines_is_located_by_its_key() -> None:
    raw = json.dumps({**SOUND, "levels": [f"x{n}" for n in range(40)]}, indent=1).encode()
    quote = quotes(raw)["too-many", "/levels"]
    assert quote is not None
    assert (quote.fault, quote.after) == ('"levels"', ": [")


def test_pointers_with_escaped_keys_are_found() -> None:
    raw = b'{"a/b~c": {"\\u0064": [1,\n {"x": 2}]}}'
    locator = Locator(raw, [problem("invalid", pointer="/a~1b~0c/d/1/x", keyword="a")])
    assert locator.quote(problem("invalid", pointer="/a~1b~0c/d/1/x", keyword="a")) == Quote(2, '{"x": ', "2", "}]}}")


@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:\\ \n1ax\ud7ff\u00e9', max_size=200).map(str.encode))
def test_no_document_breaks_the_search(raw: bytes) -> None:
    for one in schemas.check(raw, on=DAY).problems:
        Locator(raw, [one]).quote(one)
