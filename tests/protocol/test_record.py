"""Records: values survive writing and reading."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.record import (
    OfferState,
    event_headers,
    offer_record,
    read_offer,
    read_submission,
    read_utc,
    skim_submission,
    submission_record,
    utc,
)
from gateway.protocol.submission import Publish, Submission
from tests.protocol.example import OFFER, SUBMISSIONS, TERRITORY, known


@pytest.mark.parametrize("submission", SUBMISSIONS, ids=lambda one: type(one).__name__)
def test_a_submission_survives_the_log(submission: Submission) -> None:
    record = submission_record(submission)
    assert record.key == b"bretagne:1"
    assert read_submission(record.value or b"") == submission


@pytest.mark.parametrize("submission", SUBMISSIONS, ids=lambda one: type(one).__name__)
def test_a_submission_that_is_only_skimmed_is_the_same(submission: Submission) -> None:
    """Also where a text of the offer, or of a problem, looks like the beginning of the offer."""
    if isinstance(submission, Publish):
        trap = ',"offer":{"title":"x"}'
        submission = replace(submission, offer={**OFFER, "title": trap}, problems=({"actual": trap},))
    skimmed = skim_submission(submission_record(submission).value or b"")
    assert submission_record(skimmed) == submission_record(submission)
    if isinstance(submission, Publish):
        assert isinstance(skimmed, Publish)
        assert replace(skimmed, offer=submission.offer) == submission


@pytest.mark.parametrize("raw", [b"{}", b'{"kind":"other"}'])
def test_a_record_that_the_gateway_did_not_write_is_an_error(raw: bytes) -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        read_submission(raw)


@pytest.mark.parametrize(
    "state",
    [
        OfferState("bretagne:1", known(expires_on="2027-06-27"), OFFER, TERRITORY),
        OfferState("bretagne:1", known(reason="filled")),
    ],
    ids=["live", "marker"],
)
def test_a_record_of_offers_carries_all_that_a_rebuild_needs(state: OfferState) -> None:
    record = offer_record(state)
    assert read_offer(record.key or b"", record.value or b"") == state


def test_a_change_on_a_feed_is_a_binary_cloudevent() -> None:
    """[RTE-010]."""
    headers = dict(event_headers("bretagne:1", 5, at=1_796_000_000_000, published=True))
    assert headers["ce_id"] == b"bretagne:1:5"
    assert headers["ce_type"] == b"fr.stages.offer.published.v1"
    assert headers["ce_specversion"] == b"1.0"
    assert headers["content-type"] == b"application/json"


def test_a_value_is_compared_and_hashed_by_its_fields() -> None:
    assert known() == known() != known(revision=2)
    assert len({known(), known(), known(revision=2)}) == 2


def test_instants_are_rfc_3339_in_utc() -> None:
    assert utc(1_796_000_000_007) == "2026-11-30T00:53:20.007Z"


@given(st.integers(0, 4_000_000_000_000))
def test_an_instant_is_read_as_it_was_written(milliseconds: int) -> None:
    assert milliseconds == read_utc(utc(milliseconds))
