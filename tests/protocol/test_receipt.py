"""Receipts: ids that only their publisher reads, and their content."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.decide import Accepted, Stale
from gateway.protocol.receipt import ReceiptVersions, receipt_record
from gateway.protocol.seal import ReceiptIds
from tests.protocol.example import SUBMISSIONS, known

IDS = ReceiptIds(b"k" * 32)


def test_an_id_reads_back_for_its_publisher_alone() -> None:
    """[RCP-002]: another's id is like a forged one."""
    text = IDS.mint("bretagne", partition=2, now=1_796_000_000_000, nonce=b"12345678")
    assert IDS.read(text, publisher="bretagne") == (2, 1_796_000_000_000)
    assert IDS.read(text, publisher="normandie") is None


@given(st.text(max_size=70))
def test_a_forged_id_never_reads(text: str) -> None:
    """[RCP-002]."""
    assert IDS.read(text, publisher="bretagne") is None


@given(st.integers(0, 47), st.integers(1, 255))
def test_an_altered_id_never_reads(index: int, change: int) -> None:
    """[RCP-002]."""
    text = IDS.mint("bretagne", partition=0, now=1, nonce=b"12345678")
    at = 1 + index % (len(text) - 1)
    other = chr((ord(text[at]) ^ change) & 0x7F)
    altered = text[:at] + other + text[at + 1 :]
    if altered != text:
        assert IDS.read(altered, publisher="bretagne") is None


def test_the_gateways_own_ids_are_the_same_when_made_again() -> None:
    """[RCP-003]."""
    parts = ("expired", "bretagne:1", 5)
    again = [IDS.derive("bretagne", partition=1, parts=parts) for _ in range(2)]
    assert again[0] == again[1]
    assert IDS.read(again[0], publisher="bretagne") == (1, 0)


def test_a_receipt_holds_verdict_sequence_position_and_versions() -> None:
    """[RCP-001]."""
    record = receipt_record(
        SUBMISSIONS[0],
        Accepted(known(), 5, created=True),
        publisher="bretagne",
        log_position="submissions/0/4",
        at=1_796_000_000_000,
        versions=ReceiptVersions("1", "2"),
        problem=None,
    )
    body = orjson.loads(record.value or b"")
    assert {name: body[name] for name in ("receipt", "verdict", "sequence", "position", "rules_version")} == {
        "receipt": "r1",
        "verdict": "accepted",
        "sequence": 5,
        "position": "submissions/0/4",
        "rules_version": "2",
    }


def test_a_refusal_holds_its_problems_and_the_current_revision() -> None:
    """[RCP-001]."""
    record = receipt_record(
        SUBMISSIONS[1],
        Stale(known(revision=9), "older-revision"),
        publisher="bretagne",
        log_position="submissions/0/4",
        at=1,
        versions=ReceiptVersions("1", "2"),
        problem={"code": "older-revision"},
    )
    body = orjson.loads(record.value or b"")
    assert (body["verdict"], body["problems"], body["current"]) == (
        "stale",
        [{"code": "older-revision"}],
        {"revision": 9, "sequence": 5},
    )
