"""Regressions found by fuzzing, each reduced to the smallest case."""

from base64 import urlsafe_b64decode
from typing import Any

import pytest
from multidict import MultiDict

import schemas
from gateway.api.problem import ProblemError
from gateway.api.query import read_changes_query
from gateway.ingest.upload.splitting import ArraySplitter, LineSplitter
from gateway.protocol.partner import Partner
from gateway.protocol.seal import Seal
from tests.fuzz.pieces import Reader, Refused, read
from tests.schemas.documents import changed, check, codes, found

pytestmark = pytest.mark.slow

_LIMIT = 100


@pytest.mark.parametrize(
    ("reader", "body"),
    [
        (lambda: LineSplitter(item_bytes=_LIMIT), b"1\n" + b" " * (_LIMIT + 1) + b"\n2\n"),
        (lambda: ArraySplitter(item_bytes=_LIMIT, array_bytes=1_000), b"[" + b" " * (_LIMIT + 1) + b"]"),
    ],
)
def test_where_blocks_end_does_not_decide_about_a_long_blank_item(reader: Any, body: bytes) -> None:
    """[ERR-005]: it was skipped in one block, and refused in several."""
    for step in (7, len(body)):
        fresh: Reader = reader()
        blocks = [body[at : at + step] for at in range(0, len(body), step)]
        assert Refused("line-too-long") == read(fresh, blocks, most=_LIMIT)


def test_only_the_spelling_that_was_given_out_is_genuine() -> None:
    """[FEED-004] [SEC-006]: base64 has many spellings of the same bytes, and all of them were read."""
    seal = Seal(b"a secret of thirty-two bytes or so", purpose="cursor")
    text = seal.close(b"a place")
    again = text[:-1] + chr(ord(text[-1]) + 1)
    assert urlsafe_b64decode(text + "=" * (-len(text) % 4)) == urlsafe_b64decode(again + "=" * (-len(again) % 4))
    assert b"a place" == seal.open(text)
    for other in (again, text + "=", text + "\n", text[:5] + "!" + text[5:], text + "é", ""):
        assert seal.open(other) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [("limit", "٥"), ("limit", " 5"), ("limit", "1_0"), ("wait", "1_0"), ("wait", " 1"), ("bbox", "1_0,2,3,4")],
)
def test_numbers_are_those_of_the_contract(name: str, text: str) -> None:
    """[ERR-002]: what Python alone reads as a number is refused."""
    reader = Partner(platform="bretagne", name="Bretagne", scopes=frozenset())
    with pytest.raises(ProblemError) as refused:
        read_changes_query(MultiDict({name: text}), reader, most=1_000)
    assert "parameter-invalid" == refused.value.code


def test_of_thousands_of_repeated_keys_a_hundred_are_reported() -> None:
    """[OFR-038]: all of them were, which made 7 MB of answer out of 96 kB of document."""
    problems = found(check(b'{"a":1' + b',"a":1' * 10_000 + b"}"))
    assert [("json-duplicate-key", "/a")] * 100 + [("more-problems", "")] == problems


def test_of_thousands_of_large_integers_a_hundred_are_reported() -> None:
    """[OFR-038], and [OFR-036]: extensions beyond their bounds are refused as a whole."""
    verdict = check(changed(extensions={"bretagne": [2**53] * 190}))
    assert 100 == sum(problem.code == "json-integer" for problem in verdict.problems)
    assert {"json-integer", "more-problems"} == codes(verdict)
    assert {"extensions-too-large"} == codes(check(changed(extensions={"bretagne": [2**53] * 3_000})))


def test_extensions_full_of_email_addresses_are_reported_by_one_pointer() -> None:
    """[OFR-034]: the warnings go into the log with every receipt, and were sixty times as large as the offer."""
    few, many = (check(changed(extensions={"bretagne": ["a@b.fr"] * count})) for count in (50, 51))
    assert [("personal-data", f"/extensions/bretagne/{index}") for index in range(50)] == found(few)
    assert (True, [("personal-data", "/extensions")]) == (many.accepted, found(many))
    assert many.offer is not None
    assert {"bretagne": [schemas.redact("a@b.fr")] * 51} == many.offer["extensions"]


def test_a_long_key_is_cut_in_every_pointer_below_it() -> None:
    """[OFR-034]: 40 kB of key before each of a thousand pointers made 40 MB of warnings."""
    verdict = check(changed(extensions={"bretagne": {"k" * 3_000: ["a@b.fr"]}}))
    assert [("personal-data", f"/extensions/bretagne/{'k' * 60}/0")] == found(verdict)


def test_keys_that_redaction_makes_equal_are_numbered_in_their_order() -> None:
    """[SEC-010]: numbering them again from two for every key cost seconds for one document."""
    extensions = {"bretagne": {"a@b.fr": 1, "[…]2": 2, "c@d.fr": 3, "e@f.fr": 4}}
    offer = check(changed(extensions=extensions)).offer
    assert offer is not None
    assert {"[…]": 1, "[…]2": 2, "[…]3": 3, "[…]4": 4} == offer["extensions"]["bretagne"]
