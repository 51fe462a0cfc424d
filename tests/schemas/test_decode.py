"""Decoding is strict: every reader of an accepted document reads the same (OFR-001, OFR-002)."""

import json

import orjson
import pytest

import schemas
from tests.schemas.documents import GONE, ON, SOUND, changed, check, codes, found

RAW = orjson.dumps(SOUND)


def nested(depth: int) -> bytes:
    """An offer whose deepest value is inside that many objects."""
    inner = b'{"a":' * (depth - 2) + b"1" + b"}" * (depth - 2)
    return RAW[:-1] + b',"extensions":{"bretagne":' + inner + b"}}"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "json-empty"),
        (b" \n", "json-empty"),
        (b"\xef\xbb\xbf" + RAW, "json-bom"),
        (b"\xff\xfe{\x00}\x00", "json-not-utf8"),
        (RAW.replace("é".encode(), b"\xe9"), "json-not-utf8"),
        (b"\x00", "json-syntax"),
        (RAW + b"x", "json-syntax"),
        (RAW[:-1], "json-syntax"),
        (RAW[:-1] + b",}", "json-syntax"),
        (b"{'id': 1}", "json-syntax"),
        (b'{"title": "two\nlines"}', "json-syntax"),
        (b"[]", "json-not-object"),
        (b"null", "json-not-object"),
        (b'"text"', "json-not-object"),
        (b"[" + RAW + b"]", "json-not-object"),
        (b'{"seats": NaN}', "json-number"),
        (b'{"seats": Infinity}', "json-number"),
        (b'{"seats": -Infinity}', "json-number"),
        (b'{"seats": 1e400}', "json-number"),
        (b'{"seats": -1e400}', "json-number"),
        (b'{"seats": ' + b"9" * 5000 + b"}", "json-number"),
        (rb'{"title": "\ud800"}', "json-surrogate"),
        (rb'{"title": "\udc00 after"}', "json-surrogate"),
        (b"[" * 10_000, "json-too-deep"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "json-too-deep"),
        (b'{"a":' * 500 + b"1" + b"}" * 500, "json-too-deep"),
        (b'{"a":' * 254 + b"1" + b"}" * 254, "json-too-deep"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "json-too-deep"),
        (b'{"title":' + b"[" * 16 + b"]" * 16 + b"}", "json-too-deep"),
        (b'{"id":"a","id":"b"}', "json-duplicate-key"),
        (b'{"id" : "a" , "id"\n:"b"}', "json-duplicate-key"),
        (rb'{"id":"a","\u0069d":"a"}', "json-duplicate-key"),
        (b'{"employer":{"name":"a","name":"a"}}', "json-duplicate-key"),
        (b'{"weeks":[{"a":1,"a":1}]}', "json-duplicate-key"),
        (RAW[:-1] + b',"extensions":{"bretagne":[[{"a":1,"b":2,"a":3}]]}}', "json-duplicate-key"),
    ],
)
def test_unreadable_bytes_get_one_problem_that_names_the_cause(raw: bytes, code: str) -> None:
    """OFR-001, OFR-002"""
    verdict = check(raw)
    assert code in codes(verdict)
    assert len(codes(verdict)) == 1
    assert (verdict.accepted, verdict.document, verdict.id, verdict.revision) == (False, None, None, None)


def test_size_is_limited_to_the_byte() -> None:
    """OFR-001"""
    limit = schemas.MAX_OFFER_BYTES
    assert codes(check(RAW + b" " * (limit - len(RAW)))) == set()
    assert found(check(RAW + b" " * (limit + 1 - len(RAW)))) == [("json-too-large", "")]
    assert codes(check(b"[" * 100_000_000)) == {"json-too-large"}


def test_depth_is_limited_to_sixteen() -> None:
    """OFR-002"""
    assert codes(check(nested(16))) == set()
    assert codes(check(nested(17))) == {"json-too-deep"}


def test_brackets_within_texts_are_not_depth() -> None:
    assert codes(check(changed(description='Des crochets [[[[[[[[[[[[[[[[[[[ et "{{{{{{{{{{{{{{{{" ici'))) == set()


def test_a_syntax_error_has_its_line_and_column() -> None:
    """OFR-001"""
    message = check(b'{\n  "seats": 01\n}').problems[0].to_json()["message"]
    assert "line 2, column 12" in message["en"]
    assert "ligne 2, colonne 12" in message["fr"]
    assert "offset 2" in check(b'{"\xff"}').problems[0].to_json()["message"]["en"]


def test_a_repeated_key_is_pointed_at() -> None:
    """OFR-002"""
    assert found(check(b'{"id":"a","employer":{"name":"a","na\\u006de":"b"},"id":"c","id":"d"}')) == [
        ("json-duplicate-key", "/employer/name"),
        ("json-duplicate-key", "/id"),
        ("json-duplicate-key", "/id"),
    ]


def test_quotes_and_colons_within_texts_are_not_keys() -> None:
    """OFR-002"""
    assert codes(check(changed(description='Il dit "oui": "non" :\n"id": "id" : encore "id":'))) == set()


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" , ", " : "), ("\n,\n", "\t\n: ")])
def test_how_a_document_is_spaced_does_not_matter(separators: tuple[str, str]) -> None:
    """OFR-002"""
    raw = json.dumps(SOUND, separators=separators).encode()
    assert check(raw).accepted
    again = raw[:-1] + f'{separators[0]}"sector"{separators[1]}"s24"}}'.encode()
    assert found(check(again)) == [("json-duplicate-key", "/sector")]


@pytest.mark.parametrize(
    ("number", "accepted"),
    [
        (b"9007199254740991", True),
        (b"-9007199254740991", True),
        (b"9007199254740992", False),
        (b"18446744073709551615", False),
        (b"18446744073709551616", False),
        (b"1e300", False),
        (b"1e-400", True),
        (b"0.1", True),
    ],
)
def test_integers_beyond_two_to_the_53rd_are_refused_in_extensions(number: bytes, *, accepted: bool) -> None:
    """OFR-002"""
    verdict = check(RAW[:-1] + b',"extensions":{"bretagne":{"ids":[1,' + number + b"]}}}")
    assert verdict.accepted == accepted
    assert found(verdict) == ([] if accepted else [("json-integer", "/extensions/bretagne/ids/1")])


@pytest.mark.parametrize("number", [b"9007199254740992", b"18446744073709551616", b"1e20", b"0", b"-1"])
def test_revisions_out_of_range_are_refused(number: bytes) -> None:
    """OFR-007"""
    raw = orjson.dumps(changed(revision=7)).replace(b'"revision":7', b'"revision":' + number)
    assert found(check(raw)) == [("out-of-range", "/revision")]


def test_whole_numbers_may_be_written_with_a_fraction_of_zero() -> None:
    """OFR-039"""
    raw = orjson.dumps(changed(revision=7, seats=2)).replace(b'"revision":7', b'"revision":7.0')
    raw = raw.replace(b'"seats":2', b'"seats":2e0')
    verdict = check(raw)
    assert (verdict.accepted, verdict.revision, type(verdict.revision)) == (True, 7, int)
    assert verdict.offer is not None
    assert (type(verdict.offer["revision"]), type(verdict.offer["seats"])) == (int, int)
    assert verdict.document is not None
    assert type(verdict.document["revision"]) is float
    assert found(check(changed(seats=2.5))) == [("not-whole", "/seats")]


def test_an_empty_object_lacks_every_required_field() -> None:
    """OFR-004"""
    required = schemas.schema("offer")["required"]
    assert found(check(b"{}")) == [("field-missing", f"/{name}") for name in required]
    assert found(check(changed({"location.city": GONE, "employer.name": GONE}))) == [
        ("field-missing", "/employer/name"),
        ("field-missing", "/location/city"),
    ]


def test_a_day_is_the_only_other_input() -> None:
    """OFR-038: the same bytes on the same day get the same verdict."""
    assert schemas.check(RAW, on=ON) == schemas.check(RAW, on=ON)
