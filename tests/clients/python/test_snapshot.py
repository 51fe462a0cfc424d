"""The complete set on the mock: the mark first, equal attempts, and no withdrawal without a confirmation."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from passerelle_client import (
    ConfirmError,
    ExportError,
    Publisher,
    RefusedError,
    Revisions,
    Summary,
    clock,
    snapshot,
    take_mark,
)
from tests.clients.python.servers import Impatient, MockServer, document, mocked

POST = "POST /v1/snapshots"


def publisher(mock: MockServer, folder: Path) -> Publisher:
    return Publisher(mock.connection(), Revisions(folder / "revisions.db"))


def export(count: int, **more: Any) -> Callable[[], list[dict[str, Any]]]:
    return lambda: [document(number, **more) for number in range(count)]


def live(mock: MockServer) -> set[str]:
    """The offers of the publisher that another platform reads."""
    with mock.connection("occitanie") as connection:
        params = {"territory": "all", "platform": "bretagne", "limit": "1000"}
        page = connection.call("GET", "/v1/changes", params=params).body
    return {one["id"].partition(":")[2] for one in page["changes"] if one["op"] == "upsert"}


def test_the_export_starts_after_the_mark_was_taken_so_that_what_is_published_meanwhile_stays(tmp_path: Path) -> None:
    """PUB-020."""
    with mocked() as mock:
        own = publisher(mock, tmp_path)
        own.batch(export(3)())

        def exporting() -> Iterator[dict[str, Any]]:
            assert 1 == len(mock.requests("POST", "/v1/snapshots/marks"))
            yield document(0)
            own.publish(document(7))
            yield document(1)

        summary = snapshot(own, exporting)
        assert ({"duplicate": 2}, 1) == (dict(summary.counts), summary.withdrawn)
        assert {"0", "1", "7"} == live(mock)


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ([], "has no offer"),
        ([{"count": 0}], "has no offer"),
        ([document(1), {"count": 2}], "says that it has 2 offers"),
    ],
)
def test_an_export_of_no_rows_or_of_another_number_is_an_error_and_sends_nothing(
    documents: list[dict[str, Any]], message: str, tmp_path: Path
) -> None:
    """PUB-024, PUB-028."""
    with mocked() as mock:
        with pytest.raises(ExportError, match=message):
            snapshot(publisher(mock, tmp_path), lambda: documents, confirm=0)
        assert [] == mock.requests("POST", "/v1/snapshots?")


def test_an_export_that_fails_half_way_sends_nothing(tmp_path: Path) -> None:
    def failing() -> Iterator[dict[str, Any]]:
        yield document(1)
        raise OSError("the database is away")

    with mocked() as mock:
        with pytest.raises(OSError, match="away"):
            snapshot(publisher(mock, tmp_path), failing)
        assert [] == mock.requests("POST", "/v1/snapshots?")


def test_the_guard_is_never_answered_by_the_client_itself(tmp_path: Path) -> None:
    """PUB-028: the number comes from a person, with the mark of the first attempt."""
    with mocked() as mock:
        own = publisher(mock, tmp_path)
        own.batch(export(30)())
        with pytest.raises(ConfirmError, match=r"would withdraw 20 offers.*--confirm=20") as caught:
            snapshot(own, export(10))
        assert (20, 30) == (caught.value.would_withdraw, len(live(mock)))
        assert all("confirm" not in one["target"] for one in mock.requests("POST", "/v1/snapshots?"))
        own.publish(document(99))
        summary = snapshot(own, export(10), mark=caught.value.mark, confirm=caught.value.would_withdraw)
        assert (20, {*map(str, range(10)), "99"}) == (summary.withdrawn, live(mock))


@pytest.mark.parametrize("fault", ["unavailable", "lost", "busy"])
def test_every_attempt_sends_the_same_mark_key_and_bytes(fault: str, tmp_path: Path) -> None:
    """PUB-022: a new mark would withdraw what was published since the export."""
    seconds = {} if fault == "lost" else {"seconds": 0}
    with mocked({"fault": fault, "on": POST, "times": 2, **seconds}) as mock:
        assert {"accepted": 5} == dict(snapshot(publisher(mock, tmp_path), export(5)).counts)
        sent = mock.requests("POST", "/v1/snapshots?")
        assert 3 == len(sent)
        assert 1 == len({(one["target"], one["headers"]["Idempotency-Key"], str(one["body"])) for one in sent})


def test_a_lost_answer_is_given_again_by_the_key(tmp_path: Path) -> None:
    """PUB-041: the connection was cut after the snapshot was applied."""
    with mocked({"fault": "cut", "on": POST}) as mock:
        summary = snapshot(publisher(mock, tmp_path), export(5))
        assert ({"accepted": 5}, True) == (dict(summary.counts), summary.ok)


@pytest.mark.slow
def test_a_lost_answer_above_256_kb_is_asked_for_by_a_second_run(tmp_path: Path) -> None:
    """PUB-045: it is not replayed; the gateway runs the same key again, and finds everything there."""
    with mocked({"fault": "cut", "on": POST}) as mock:
        own = publisher(mock, tmp_path)
        own.batch([document(9_999)])
        summary = snapshot(own, export(3_000))
        absent = mock.connection().call("GET", "/v1/offers/bretagne:9999").status
        assert ({"duplicate": 3_000}, 410) == (dict(summary.counts), absent)


@pytest.mark.slow
def test_the_outcome_of_a_mark_that_a_lost_attempt_used_is_read_from_its_receipts(tmp_path: Path) -> None:
    """PUB-022, RCP-007: the mark is stale, though the snapshot was applied; its withdrawals are among the receipts."""
    with mocked({"fault": "unavailable", "seconds": 0, "on": POST, "stored": True}) as mock:
        own = publisher(mock, tmp_path)
        own.batch([document(9_999)])
        summary = snapshot(own, export(5))
        answers = [one["status"] for one in mock.requests("POST", "/v1/snapshots?")]
        assert ([503, 409], {"accepted": 5}, 1) == (answers, dict(summary.counts), summary.withdrawn)


@pytest.mark.slow
def test_the_receipts_of_a_lost_answer_leave_open_what_was_refused(tmp_path: Path) -> None:
    """PUB-045, PUB-003: what is refused has no receipt."""
    with mocked({"fault": "unavailable", "seconds": 0, "on": POST, "stored": True}) as mock:
        summary = snapshot(publisher(mock, tmp_path), lambda: [*export(3)(), document(4, seats=0)])
        assert ({"accepted": 3, "pending": 1}, False) == (dict(summary.counts), summary.ok)


def test_a_mark_that_was_used_before_is_refused_with_the_next_step(tmp_path: Path) -> None:
    """PUB-022: the receipts of another snapshot are no answer to this one."""
    with mocked() as mock:
        own = publisher(mock, tmp_path)
        mark, _ = take_mark(own.connection)
        snapshot(own, export(3), mark=mark)
        with pytest.raises(RefusedError, match="409"):
            snapshot(own, export(2), mark=mark)
        assert {"0", "1", "2"} == live(mock)


def test_refused_and_stale_documents_count_as_present_and_stale_ones_are_healed_for_the_next_time(
    tmp_path: Path,
) -> None:
    """PUB-025, REV-005: a mark serves once."""
    ahead = clock.now() + 3_600_000
    with mocked() as mock:
        own = publisher(mock, tmp_path)
        Publisher(mock.connection()).batch([document(number, revision=ahead) for number in range(3)])
        documents = [document(0, seats=9), document(1, seats=0), document(2, revision=ahead)]
        summaries = [snapshot(own, lambda: documents) for _ in range(2)]
        assert [{"stale": 1, "refused": 1, "duplicate": 1}, {"accepted": 1, "refused": 1, "duplicate": 1}] == [
            dict(one.counts) for one in summaries
        ]
        assert [0, 1] == sorted(one.index for one in summaries[0].wrong if one.index is not None)
        assert 9 == mock.connection().call("GET", "/v1/offers/bretagne:0").body["offer"]["seats"]


def test_an_offer_that_a_set_left_out_is_published_again_under_a_new_revision(tmp_path: Path) -> None:
    """WDR-003: the gateway takes the revision and content of what it withdrew as absent for an old state."""
    with mocked() as mock:
        own = publisher(mock, tmp_path)
        own.batch(export(3)())
        snapshot(own, export(2))
        assert {"0", "1"} == live(mock)
        assert "accepted" == own.publish(document(2)).verdict
        assert {"duplicate": 2} == dict(own.batch(export(2)()).counts)


def test_late_decisions_are_read_from_the_receipts(tmp_path: Path) -> None:
    """PUB-018: decisions that the answer does not wait for."""
    with mocked({"fault": "late", "seconds": 1, "on": POST}) as mock:
        own = Publisher(mock.connection(made=Impatient), Revisions(tmp_path / "revisions.db"))
        summary: Summary = snapshot(own, lambda: [*export(5)(), document(6, seats=0)])
        assert {"accepted": 5, "refused": 1} == dict(summary.counts)
        assert [5] == [one.index for one in summary.wrong]


def test_documents_are_sent_compressed_with_their_count(tmp_path: Path) -> None:
    with mocked() as mock:
        snapshot(publisher(mock, tmp_path), lambda: [json.dumps(document(1)).encode(), {"count": 1}])
        [sent] = mock.requests("POST", "/v1/snapshots?")
        assert "gzip" == sent["headers"]["Content-Encoding"]
