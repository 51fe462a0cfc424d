"""Requests to join, as values: their records, their limits, and what stays of one that is over."""

from dataclasses import replace

import pytest

from gateway.protocol.join_request import (
    A_DAY,
    A_DAY_EACH,
    CLAIM_MS,
    DAY_MS,
    Answered,
    JoinRequest,
    Trial,
    answered,
    fold_requests,
    network_digest,
    over_limit,
    read_request,
    request_record,
    step_of,
)
from gateway.protocol.record import StoredRecord
from gateway.protocol.source_run import Counts

NOW = 1_800_000_000_000
REQUEST = JoinRequest(
    id="r1",
    name="Plateforme d’essai",
    feed="https://flux.example/offres.xml",
    format="xml",
    mapping={"items": "/offres/offre", "title": {"path": "titre"}},
    address="essai@example.org",
    language="fr",
    asked_at=NOW,
    network="n1",
)


def confirmed(request_id: str, *, at: int, feed: str) -> JoinRequest:
    """A request of a person who has confirmed it, for a feed."""
    mapping = {"items": "offre"}
    return replace(REQUEST, id=request_id, asked_at=at, confirmed_at=at, feed=feed, mapping=mapping)


CONFIRMED = replace(
    REQUEST, confirmed_at=NOW + 1, trial=Trial(at=NOW + 2, counts=Counts(items=3, published=2, refused=1))
)


@pytest.mark.parametrize(
    "kept", [REQUEST, CONFIRMED, replace(CONFIRMED, refused="Motif"), answered(REQUEST), answered(REQUEST, "essai")]
)
def test_a_request_is_read_as_it_was_written(kept: JoinRequest | Answered) -> None:
    record = request_record(kept)
    assert kept == read_request(record.key or b"", record.value or b"")


def test_what_stays_of_a_request_has_neither_address_nor_feed() -> None:
    value = request_record(answered(CONFIRMED, "essai")).value or b""
    assert b'{"asked_at":1800000000000,"network":"n1","platform":"essai"}' == value


def test_a_request_goes_on_step_by_step() -> None:
    kept = [REQUEST, CONFIRMED, replace(CONFIRMED, claim="c", claimed_at=NOW), replace(CONFIRMED, refused="Motif")]
    kept_rests = [answered(CONFIRMED, "essai"), answered(CONFIRMED)]
    assert ["asked", "open", "answering", "refused"] == [step_of(one) for one in kept]
    assert ["approved", "erased"] == [step_of(one) for one in kept_rests]
    assert CLAIM_MS > 0


def test_a_record_of_another_form_is_no_request() -> None:
    good = request_record(REQUEST)
    foreign = [b"[]", b"{}", b"nothing", (good.value or b"").replace(b"essai@", b"essai ")]
    found = fold_requests({}, [StoredRecord(0, 0, b"r1", value) for value in foreign])
    assert {} == found
    kept = fold_requests({}, [StoredRecord(0, 0, good.key, good.value)])
    assert {"r1": REQUEST} == kept
    assert {} == fold_requests(kept, [StoredRecord(1, 0, b"r1", None)])


def test_five_requests_a_day_of_one_network_and_fifty_in_all_are_taken_whatever_became_of_them() -> None:
    one = {str(number): answered(replace(REQUEST, id=str(number))) for number in range(A_DAY_EACH)}
    assert over_limit(one, "n1", now=NOW + DAY_MS - 1)
    assert not over_limit(one, "n2", now=NOW)
    assert not over_limit(one, "n1", now=NOW + DAY_MS)
    many = {str(number): replace(REQUEST, id=str(number), network=str(number)) for number in range(A_DAY)}
    assert over_limit(many, "another", now=NOW)


def test_a_network_cannot_be_compared_from_one_day_to_the_next() -> None:
    digests = {network_digest("198.51.100.0/24", day, b"secret") for day in ("2026-12-01", "2026-12-02")}
    assert 2 == len(digests)
    assert network_digest("198.51.100.0/24", "2026-12-01", b"another") not in digests


def test_the_operator_sees_the_domain_of_the_mail_beside_the_host_of_the_feed() -> None:
    assert ("example.org", "flux.example") == REQUEST.hosts
