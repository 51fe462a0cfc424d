"""The verdict is sound whatever the document, and no bytes make ``check`` raise."""

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import schemas
from tests.schemas.damage import LEAVES, VALUES, damaged
from tests.schemas.documents import GONE, ON, WHOLE, changed, check

pytestmark = pytest.mark.slow


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(damaged(WHOLE))
def test_a_verdict_is_consistent_for_any_document(document: dict[str, Any]) -> None:
    """OFR-038, OFR-039"""
    raw = orjson.dumps(document)
    verdict = schemas.check(raw, on=ON)
    severities = [problem.severity for problem in verdict.problems]
    assert verdict.accepted == ("error" not in severities)
    assert severities == sorted(severities)
    for problem in verdict.problems:
        schemas.validator("problem").evolve(
            schema={"$ref": "urn:fr:stages:schema:problem:1#/$defs/stored_problem"}
        ).validate(orjson.loads(orjson.dumps(problem.to_json())))
    if verdict.accepted:
        assert verdict.document == document
        assert verdict.offer is not None
        again = schemas.check(orjson.dumps(verdict.offer), on=ON)
        assert (again.accepted, again.offer) == (True, verdict.offer)
    else:
        assert (verdict.offer, verdict.territory, verdict.expires_on) == (None, None, None)


@settings(max_examples=400)
@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_bytes_never_raise(raw: bytes) -> None:
    """OFR-001"""
    for call in (schemas.check, schemas.check_withdrawal, schemas.check_submission):
        verdict = call(raw, on=ON)
        assert not verdict.accepted
        assert verdict.problems
        assert [problem.to_json() for problem in verdict.problems]


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_damaged_bytes_never_raise(data: st.DataObject) -> None:
    """OFR-001, OFR-002"""
    raw = bytearray(orjson.dumps(WHOLE))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.sampled_from(
                [
                    b'"',
                    b":",
                    b"{",
                    b"}",
                    b",",
                    b"\\",
                    b"\\ud83d",
                    b"\xff",
                    b"\xc3",
                    b"1e999",
                    b'"id":1,',
                    b"\x00",
                    b"[" * 30,
                ]
            )
        )
    verdict = schemas.check(bytes(raw), on=ON)
    assert verdict.accepted == all(problem.severity == "warning" for problem in verdict.problems)


@settings(max_examples=300)
@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20))
def test_any_json_never_raises(value: Any) -> None:
    """OFR-001"""
    raw = orjson.dumps(value)
    for call in (schemas.check, schemas.check_withdrawal, schemas.check_submission):
        assert not call(raw, on=ON).accepted


@settings(max_examples=300)
@given(st.dictionaries(st.text(max_size=6), VALUES, max_size=4), st.data())
def test_repeated_keys_are_always_found(members: dict[str, Any], data: st.DataObject) -> None:
    """OFR-002"""
    written = [(orjson.dumps(key), orjson.dumps(value)) for key, value in members.items()]
    space = data.draw(st.sampled_from([b"", b" ", b"\n\t"]))
    repeat = data.draw(st.booleans())
    if written and repeat:
        written.append(data.draw(st.sampled_from(written)))
        raw = b"{" + b",".join(key + space + b":" + value for key, value in written) + b"}"
        assert {problem.code for problem in schemas.check(raw, on=ON).problems} == {"json-duplicate-key"}
    else:
        raw = b"{" + b",".join(key + space + b":" + value for key, value in written) + b"}"
        assert "json-duplicate-key" not in {problem.code for problem in schemas.check(raw, on=ON).problems}


def test_the_document_is_not_modified_and_unchanged_parts_are_shared() -> None:
    """OFR-039: the digest is taken of the document as sent."""
    document = changed(stay_weeks=GONE, description="Tél. 06 12 34 56 78", extensions={"bretagne": {"a": 1}})
    verdict = check(document)
    assert verdict.document == document
    assert verdict.offer is not None
    assert verdict.offer["employer"] is verdict.document["employer"]
    assert verdict.offer["extensions"] is verdict.document["extensions"]
    added = {key: value for key, value in verdict.offer.items() if document.get(key) != value}
    assert added == {"description": "Tél. […]", "stay_weeks": 2, "expires_on": "2027-06-27"}
