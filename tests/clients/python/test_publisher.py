"""Offers, withdrawals and batches on the mock: followed to the decision, healed only where that is safe."""

import json
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from passerelle_client import ClockError, Connection, Outcome, Publisher, RefusedError, Revisions, clock
from tests.clients.python.servers import Impatient, MockServer, Scripted, document, mocked, scripted

SOON = 10 * 60_000


def publisher(mock: MockServer, folder: Path, name: str = "revisions.db") -> Publisher:
    return Publisher(mock.connection(), Revisions(folder / name))


def test_an_offer_is_published_changed_and_withdrawn_with_revisions_of_the_file(tmp_path: Path) -> None:
    with mocked() as mock:
        own = publisher(mock, tmp_path)
        found = [
            own.publish(document(1)),
            own.publish(document(1)),
            own.publish(document(1, seats=3)),
            own.publish(document(1)),
            own.withdraw("bretagne:1", "filled"),
            own.withdraw("bretagne:1", "filled"),
            own.publish(document(1)),
        ]
    verdicts = [one.verdict for one in found]
    assert ["accepted", "duplicate", *["accepted"] * 3, "duplicate", "accepted"] == verdicts
    assert 5 == len({one.revision for one in found})


def test_a_refused_offer_is_an_outcome_with_its_problems_and_a_dry_run_stores_nothing(tmp_path: Path) -> None:
    with mocked() as mock:
        own = publisher(mock, tmp_path)
        assert ("valid", "refused") == (own.dry_run(document(1)).verdict, own.dry_run(document(1, seats=0)).verdict)
        refused = own.publish(document(1, seats=0))
        assert ("refused", False, "/seats") == (refused.verdict, refused.ok, refused.problems[0]["pointer"])
        assert 404 == mock.connection().call("GET", "/v1/offers/bretagne:1").status


@pytest.mark.slow
def test_late_decisions_are_read_by_their_receipt_or_batch(tmp_path: Path) -> None:
    """PUB-005, RCP-005, RCP-007: one receipt, and the receipts of the batch alone."""
    late = {"fault": "late", "seconds": 1}
    with mocked({**late, "on": "PUT /v1/offers/*"}, {**late, "on": "POST /v1/offers/batch"}) as mock:
        own = Publisher(mock.connection(made=Impatient), Revisions(tmp_path / "revisions.db"))
        assert "accepted" == own.publish(document(1)).verdict
        assert {"accepted": 3, "duplicate": 1} == dict(own.batch(document(number) for number in range(4)).counts)
        assert mock.requests("GET", "/v1/receipts/")
        assert all("batch=" in one["target"] for one in mock.requests("GET", "/v1/receipts?"))


@pytest.mark.parametrize("body", [b"", {}, [], {"statuses": "qq", "results": []}, {"statuses": 3}])
def test_an_answer_that_is_not_of_the_gateway_is_refused(body: object) -> None:
    """A proxy's page, or the answer to something else."""
    with (
        scripted(Scripted(200, body)) as (url, _),
        Connection(url, client_id="bretagne", client_secret="s") as connection,
        pytest.raises(RefusedError),
    ):
        Publisher(connection).batch([document(1, revision=1)])


def test_the_last_undecided_document_of_a_batch_is_waited_for() -> None:
    """PUB-018: the others were decided in the answer, and their receipts come first in the list."""
    receipts = [
        {"receipt": f"r{n}", "publisher": "bretagne", "id": f"bretagne:{n}", "verdict": "accepted"} for n in range(4)
    ]
    results = [{"index": n, "id": f"bretagne:{n}", "receipt": f"r{n}", "status": "accepted"} for n in range(3)]
    waits = {"index": 3, "id": "bretagne:3", "receipt": "r3", "status": "queued"}
    taken: dict[str, Any] = {
        "rules": {},
        "warnings": {},
        "statuses": "aaaq",
        "results": [*results, waits],
        "batch": "b",
        "receipts": "/v1/receipts?batch=b",
    }
    pages = [
        {"receipts": receipts[:3], "cursor": "c", "more": False},
        {"receipts": receipts[3:], "cursor": "d", "more": False},
    ]
    with (
        scripted(Scripted(202, taken), *(Scripted(200, one) for one in pages)) as (url, _),
        Connection(url, client_id="bretagne", client_secret="s") as connection,
    ):
        summary = Publisher(connection).batch(document(n, revision=1) for n in range(4))
    assert {"accepted": 4} == dict(summary.counts)


def test_a_batch_reports_each_document_in_order_and_counts_the_rest(tmp_path: Path) -> None:
    """PUB-011: refused documents hold back no others."""
    seen: list[Outcome] = []
    with mocked() as mock:
        own = publisher(mock, tmp_path)
        documents = [document(number, **({"seats": 0} if number % 100 == 0 else {})) for number in range(620)]
        broken = [b'{"id": "bretagne:x", ', b"[]"]
        summary = own.batch([*documents, *broken, {"id": "bretagne:1", "withdrawn": "filled"}], seen.append)
    assert {"accepted": 614, "refused": 9} == dict(summary.counts)
    assert list(range(623)) == [one.index for one in seen]
    assert [0, 100, 200, 300, 400, 500, 600, 620, 621] == [one.index for one in summary.wrong]
    assert not summary.ok
    assert summary.text("en").startswith("623 document(s): 614 accepted, 9 refused")


@pytest.mark.parametrize("stored", [False, True])
def test_a_batch_that_is_answered_503_is_sent_again_and_nothing_is_there_twice(*, stored: bool, tmp_path: Path) -> None:
    """ERR-009."""
    fault = {"fault": "unavailable", "seconds": 0, "on": "POST /v1/offers/batch", "stored": stored}
    with mocked(fault) as mock:
        summary = publisher(mock, tmp_path).batch(document(number) for number in range(5))
        assert {"duplicate" if stored else "accepted": 5} == dict(summary.counts)
        sent = [one["body"] for one in mock.requests("POST", "/v1/offers/batch")]
        assert 2 == len(sent)
        assert sent[0] == sent[1]


def test_a_stale_offer_is_healed_where_it_was_never_sent_before(tmp_path: Path) -> None:
    """A new file beside revisions of another origin, one offer and in a batch."""
    ahead = clock.now() + 3_600_000
    with mocked() as mock:
        own = publisher(mock, tmp_path)
        Publisher(mock.connection()).batch([document(1, revision=ahead), document(2, revision=ahead)])
        outcome = own.publish(document(1, seats=4))
        summary = own.batch([document(2, seats=4), document(3)])
        assert (("accepted", ahead + 1), {"accepted": 2}) == ((outcome.verdict, outcome.revision), dict(summary.counts))
        current = mock.connection().call("GET", "/v1/offers/bretagne:2").body["offer"]
        assert (4, ahead + 1) == (current["seats"], current["revision"])


def test_a_withdrawal_by_others_is_never_revived(tmp_path: Path) -> None:
    """WDR-002: the offer is known, so a revision above its own was intended."""
    with mocked() as mock:
        own = publisher(mock, tmp_path)
        first = own.publish(document(1))
        assert first.revision is not None
        Publisher(mock.connection()).withdraw("bretagne:1", "filled", revision=first.revision + SOON)
        single, batch = own.publish(document(1, seats=5)), own.batch([document(1, seats=6)])
        assert ("stale", {"stale": 1}) == (single.verdict, dict(batch.counts))
        assert 410 == mock.connection().call("GET", "/v1/offers/bretagne:1").status


def test_a_stale_answer_to_a_resent_offer_is_not_healed(tmp_path: Path) -> None:
    """The first attempt may have taken effect, and others may have withdrawn the offer since."""
    with mocked({"fault": "lost", "on": "PUT /v1/offers/bretagne:1"}) as mock:
        ahead = clock.now() + SOON
        Publisher(mock.connection()).withdraw("bretagne:1", "filled", revision=ahead)
        assert "stale" == publisher(mock, tmp_path).publish(document(1)).verdict


@pytest.mark.parametrize("minutes", [-11, 11])
def test_no_revision_is_made_while_the_clocks_differ_by_more_than_ten_minutes(minutes: int, tmp_path: Path) -> None:
    """A revision of next year would make every later one stale."""
    date = formatdate(clock.now() / 1000 + minutes * 60, usegmt=True)
    token = Scripted(200, {"access_token": "t", "expires_in": 60}, {"Date": date})
    with (
        scripted(Scripted(), token=token) as (url, came),
        Connection(url, client_id="bretagne", client_secret="s", language="en") as connection,
    ):
        own = Publisher(connection, Revisions(tmp_path / "revisions.db"))
        for send in (lambda: own.publish(document(1)), lambda: own.batch([document(1)])):
            with pytest.raises(ClockError, match=r"differ by 1[01] minutes.*timedatectl"):
                send()
    assert {("POST", "/oauth/token")} == set(came)


def test_a_call_that_is_refused_as_a_whole_is_an_error_with_its_next_step(tmp_path: Path) -> None:
    """IDN-003: a document of another platform."""
    with mocked() as mock, pytest.raises(RefusedError, match=r"publish normandie:1.*403.*may not do that"):
        publisher(mock, tmp_path).publish({**document(1), "id": "normandie:1"})


def test_documents_with_revisions_of_their_own_are_sent_to_the_letter(tmp_path: Path) -> None:
    with mocked() as mock:
        raw = json.dumps(document(1, revision=7)).encode()
        assert publisher(mock, tmp_path).batch([raw]).ok
        assert raw.decode() == mock.requests("POST", "/v1/offers/batch")[0]["body"].strip()
