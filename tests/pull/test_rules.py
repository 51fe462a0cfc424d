"""The pure rules of runs: revisions, schedule, and the records of ``runs``."""

from dataclasses import replace
from datetime import date

import orjson
import pytest

from adapters.profile.profile import profiles
from adapters.pull.collect import is_published, next_revision
from adapters.pull.run import (
    FULL_EVERY_MS,
    MAX_BACKOFF_MS,
    Beginning,
    FeedContent,
    applied,
    failed,
    is_due,
    is_fresh,
    partial,
    pending,
    unchanged,
)
from gateway.ingest.snapshot import SnapshotRefusedError
from gateway.protocol.paris_time import paris_midnight
from gateway.protocol.source_run import Counts, Failure, RunOrder, SourceRun, order_record, read_run, run_record
from gateway.protocol.submission import Known
from tests.pull.pull_harness import failure

NOW = 1_800_000_000_000
HOUR_MS = 3_600_000
PROFILE = profiles()["auvergne-rhone-alpes"]
FAILURE = Failure(at=NOW + 5, code="feed-cut", fr="coupé", en="cut")
CONTENT = FeedContent(
    counts=Counts(items=3, published=2, refused=1), problems=[{"code": "x"}], validators={"etag": "1"}, digest="d"
)


def known(revision: int = 5, digest: str = "d", reason: str | None = None) -> Known:
    return Known(
        revision=revision,
        digest=digest,
        sequence=1,
        position=1,
        appended_at=1,
        reason=reason,
    )


def beginning(last: SourceRun | None = None, order: RunOrder | None = None) -> Beginning:
    return Beginning(platform="bretagne", started_at=NOW, profile="p", last=last, order=order)


def test_a_new_offer_gets_the_start_of_the_run_as_its_revision() -> None:
    assert NOW == next_revision(None, "d", began=NOW)


def test_an_unchanged_offer_keeps_its_revision() -> None:
    assert 5 == next_revision(known(5), "d", began=NOW)


def test_a_changed_offer_gets_a_higher_revision_even_when_the_clock_is_behind() -> None:
    assert NOW == next_revision(known(5), "e", began=NOW)
    assert NOW + 8 == next_revision(known(NOW + 7), "e", began=NOW)


def test_an_offer_that_expired_by_a_clock_ahead_gets_a_higher_revision() -> None:
    assert NOW == next_revision(known(5, reason="expired"), "d", began=NOW)
    assert NOW + 8 == next_revision(known(NOW + 7, reason="expired"), "d", began=NOW)


def test_only_a_published_offer_of_the_same_content_is_unchanged() -> None:
    assert is_published(known(), "d")
    assert not is_published(known(), "e")
    assert not is_published(known(reason="absent"), "d")
    assert not is_published(None, "d")


def test_a_new_or_changed_profile_is_due_at_once() -> None:
    assert is_due(None, PROFILE, jitter=0.5, now=0)
    assert is_due(failed(beginning(), FAILURE), PROFILE, jitter=0.5, now=0)


def due_in(*, jitter: float = 0.5, failures: int = 0) -> int:
    """Whole minutes after the start of the last run."""
    last = replace(failed(beginning(), FAILURE), profile=PROFILE.digest)
    return next(
        minutes
        for minutes in range(24 * 60)
        if is_due(last, PROFILE, jitter=jitter, now=NOW + minutes * 60_000, failures=failures)
    )


@pytest.mark.parametrize(("jitter", "minutes"), [(0.0, 54), (0.5, 60), (1.0, 66)])
def test_a_feed_is_due_after_its_period_give_or_take_a_tenth(jitter: float, minutes: int) -> None:
    assert minutes == due_in(jitter=jitter)


def test_a_feed_that_fails_again_and_again_is_due_less_often_and_within_six_hours() -> None:
    assert [60, 120, 240, MAX_BACKOFF_MS // 60_000] == [due_in(failures=count) for count in (1, 2, 3, 50)]


def test_a_run_of_a_clock_that_was_ahead_does_not_put_off_the_next_one() -> None:
    for ahead in (10 * 60_000, 24 * 3_600_000, 365 * 24 * 3_600_000):
        last = replace(failed(beginning(), FAILURE), started_at=NOW + ahead, profile=PROFILE.digest)
        assert is_due(last, PROFILE, jitter=0.5, now=NOW)


def test_an_applied_feed_is_fresh_for_a_day_under_the_same_profile() -> None:
    last = replace(applied(beginning(), CONTENT, withdrawn=0, at=NOW), profile=PROFILE.digest)
    assert is_fresh(last, PROFILE, now=NOW + FULL_EVERY_MS - 1)
    assert not is_fresh(last, PROFILE, now=NOW + FULL_EVERY_MS)
    assert not is_fresh(replace(last, profile="other"), PROFILE, now=NOW)
    assert not is_fresh(None, PROFILE, now=NOW)


def test_a_feed_judged_before_the_day_of_a_release_is_read_again_on_it() -> None:
    """OFR-050: unchanged as it is, it has the field that was left out until then."""
    day = date(2027, 9, 1)
    midnight = paris_midnight(day)
    last = replace(applied(beginning(), CONTENT, withdrawn=0, at=midnight - 2 * HOUR_MS), profile=PROFILE.digest)
    assert is_fresh(last, PROFILE, now=midnight - 1, days=[day])
    assert not is_fresh(last, PROFILE, now=midnight, days=[day])
    assert not is_fresh(replace(last, applied_at=midnight + 1), PROFILE, now=midnight + 2, days=[day])  # begun before
    assert is_fresh(replace(last, applied_at=midnight + HOUR_MS), PROFILE, now=midnight + 2 * HOUR_MS, days=[day])


def test_a_failure_keeps_the_last_applied_set_and_its_reason() -> None:
    first = applied(beginning(), CONTENT, withdrawn=1, at=NOW)
    run = failed(beginning(first), FAILURE)
    assert ("failed", FAILURE, Counts()) == (run.outcome, run.last_error, run.counts)
    assert (NOW, {"etag": "1"}, "d") == (run.last_success_at, run.validators, run.digest)


def test_an_error_is_still_reported_after_the_next_success() -> None:
    run = applied(beginning(failed(beginning(), FAILURE)), CONTENT, withdrawn=0, at=NOW + 9)
    assert FAILURE == run.last_error
    assert (NOW + 9, NOW + 9) == (run.first_success_at, run.last_success_at)


def test_an_unchanged_feed_still_has_the_problems_of_its_items() -> None:
    run = unchanged(beginning(applied(beginning(), CONTENT, withdrawn=7, at=NOW)), at=NOW + 9)
    assert Counts(items=3, unchanged=2, refused=1) == run.counts
    assert ({"code": "x"},) == run.problems
    assert (NOW, NOW + 9) == (run.applied_at, run.last_success_at)


@pytest.mark.parametrize("between", ["failed", "pending"])
def test_an_unchanged_feed_is_reported_as_it_was_applied_whatever_failed_in_between(between: str) -> None:
    first = applied(beginning(), CONTENT, withdrawn=7, at=NOW)
    refusal = SnapshotRefusedError("snapshot-shrinks-too-much", actual=30, expected=40)
    other = replace(CONTENT, counts=Counts(items=1), problems=[{"code": "y"}])
    last = failed(beginning(first), FAILURE)
    if between == "pending":
        last = pending(beginning(first), other, refusal, at=NOW + 5)
    record = run_record(last)
    read = read_run(record.key, record.value)
    assert isinstance(read, SourceRun)
    run = unchanged(beginning(read), at=NOW + 9)
    assert Counts(items=3, unchanged=2, refused=1) == run.counts
    assert ({"code": "x"},) == run.problems
    again = unchanged(beginning(run), at=NOW + 10)
    assert (run.counts, run.problems) == (again.counts, again.problems)


def test_a_record_of_an_earlier_version_without_the_applied_set_is_read() -> None:
    first = applied(beginning(), CONTENT, withdrawn=0, at=NOW)
    body = orjson.loads(run_record(first).value or b"")
    del body["applied_counts"], body["applied_problems"]
    read = read_run(b"bretagne", orjson.dumps(body))
    assert replace(first, applied_counts=None, applied_problems=None) == read
    assert isinstance(read, SourceRun)
    assert Counts(items=3, unchanged=2, refused=1) == unchanged(beginning(read), at=NOW + 9).counts


def test_a_partial_run_is_read_again_the_next_time() -> None:
    run = partial(beginning(applied(beginning(), CONTENT, withdrawn=0, at=NOW)), CONTENT, at=NOW + 9)
    assert ("partial", None, {}, None) == (run.outcome, run.applied_at, run.validators, run.digest)


def test_a_pending_run_names_the_number_and_the_command_in_both_languages() -> None:
    refusal = SnapshotRefusedError("snapshot-shrinks-too-much", actual=30, expected=40)
    run = pending(beginning(), CONTENT, refusal, at=NOW + 9)
    assert 30 == run.would_withdraw
    for words in (failure(run).fr, failure(run).en):
        assert "passerelle platform run bretagne --confirm 30" in words


def test_a_run_says_which_order_it_answers_and_later_ones_remember() -> None:
    order = RunOrder(platform="bretagne", id="o1", ordered_at=NOW, confirm=3)
    run = failed(beginning(order=order), FAILURE)
    assert "o1" == run.order
    assert "o1" == failed(beginning(run), FAILURE).order


def test_runs_and_orders_survive_the_log() -> None:
    run = pending(
        beginning(applied(beginning(), CONTENT, withdrawn=1, at=NOW)),
        CONTENT,
        SnapshotRefusedError("snapshot-shrinks-too-much", actual=30, expected=40),
        at=NOW + 9,
    )
    record = run_record(run)
    assert b"bretagne" == record.key
    assert run == read_run(record.key, record.value)
    order = RunOrder(platform="bretagne", id="o1", ordered_at=NOW)
    record = order_record(order)
    assert b"bretagne/order" == record.key
    assert order == read_run(record.key, record.value)


def test_other_keys_and_tombstones_are_no_runs() -> None:
    assert read_run(b"bretagne/turn", orjson.dumps({})) is None
    assert read_run(b"bretagne", None) is None
    assert read_run(None, b"{}") is None
