"""Withdrawals: documents of their own (OFR-042)."""

import orjson
import pytest

import schemas
from tests.schemas.documents import ON, changed, check, errors


def test_withdrawals_have_their_own_document() -> None:
    """OFR-042"""
    raw = b'{"id":"bretagne:1","revision":8,"withdrawn":"filled"}'
    for call in (schemas.check_withdrawal, schemas.check_submission):
        verdict = call(raw, on=ON)
        assert (verdict.accepted, verdict.id, verdict.revision, verdict.withdrawal) == (True, "bretagne:1", 8, "filled")
        assert (verdict.offer, verdict.territory, verdict.expires_on) == (None, None, None)
        assert verdict.document == {"id": "bretagne:1", "revision": 8, "withdrawn": "filled"}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"id":"bretagne:1","revision":8,"withdrawn":"moderated"}', [("not-in-list", "/withdrawn")]),
        (b'{"id":"bretagne:1","revision":8,"withdrawn":null}', [("wrong-type", "/withdrawn")]),
        (b'{"id":"bretagne:1","revision":0,"withdrawn":"filled"}', [("out-of-range", "/revision")]),
        (b'{"id":"x","withdrawn":"filled"}', [("field-missing", "/revision"), ("id-malformed", "/id")]),
        (b'{"id":"bretagne:1","revision":8,"withdrawn":"filled","title":"x"}', [("field-unknown", "/title")]),
        (b'{"id":"bretagne:1","revision":8,"withdrawn":{"a":' + b"[" * 20 + b"]" * 20 + b"}}", [("json-too-deep", "")]),
        (b'{"id":"bretagne:1","id":"bretagne:2","revision":8,"withdrawn":"filled"}', [("json-duplicate-key", "/id")]),
        (b"nonsense", [("json-syntax", "")]),
    ],
)
def test_malformed_withdrawals_are_refused(raw: bytes, expected: list[tuple[str, str]]) -> None:
    """OFR-042"""
    for call in (schemas.check_withdrawal, schemas.check_submission):
        assert errors(call(raw, on=ON)) == expected


def test_a_submission_is_an_offer_unless_it_says_withdrawn() -> None:
    """OFR-042"""
    offer = orjson.dumps(changed())
    assert schemas.check_submission(offer, on=ON) == schemas.check(offer, on=ON)
    assert errors(check(b'{"id":"bretagne:1","revision":8,"withdrawn":"filled"}')) != []
