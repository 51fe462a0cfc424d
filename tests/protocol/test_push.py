"""The progress of a subscription: each outcome of a push, each order of its owner, and what is stored of it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import CLOCKS_MS
from gateway.protocol.cursor import FRESH_MS
from gateway.protocol.push import (
    BACKOFF_MS,
    DEADLINE_MS,
    GIVEN_UP_MS,
    JITTER,
    MAX_WAIT_MS,
    REJECTIONS,
    PushOutcome,
    PushPage,
    PushProgress,
    PushRow,
    announce,
    begin,
    follow,
    must_send,
    passed,
    push_id,
    restart,
    scope_of,
    settle,
)
from gateway.protocol.push_record import (
    SubscriptionTopic,
    attempt_record,
    fold_subscriptions,
    progress_record,
    read_attempt,
    read_progress,
)
from gateway.protocol.record import Record, StoredRecord
from gateway.protocol.subscription import (
    HOUR_MS,
    OVERLAP_MS,
    PlatformSubscriptions,
    SigningKey,
    Subscription,
    erased_record,
    platform_record,
    rotated,
    within_an_hour,
)
from gateway.protocol.visibility import VISIBILITY_RULES, Filter

NOW = 1_800_000_000_000
LOOK_MS = 1_000
SCOPE = scope_of("normandie", Filter(), "L")
ONE = Subscription(id="a1", name="copie", url="https://example.org/p?k=1", keys=(SigningKey(nonce="n1"),))
START = begin(ONE, SCOPE, ends=(9, 9), now=NOW)


def page(number: int = 1, *, more: bool = False, at: int = 9, fresh: int = NOW) -> PushPage:
    changes = [{"op": "removal", "id": f"bretagne:{n}", "sequence": n} for n in range(number)]
    return PushPage(changes=changes, positions=(at, at), more=more, fresh=fresh)


def after(progress: PushProgress, outcome: PushOutcome, this: PushPage | None = None, **terms: Any) -> PushProgress:
    terms = {"gap": 100, "now": outcome.at, "jitter": 0.0, **terms}
    return settle(announce(progress, now=outcome.at), this or page(), outcome, **terms)[0]


def failing(status: int | None = None, at: int = NOW) -> PushOutcome:
    return PushOutcome(at=at, status=status, reason=None if status else "timeout")


def test_a_push_that_arrives_moves_the_cursor_and_frees_the_subscription() -> None:
    moved = after(START, PushOutcome(at=NOW, status=204))
    assert (moved.positions, moved.complete, moved.deadline, moved.next_at) == ((9, 9), True, None, NOW + 100)


def test_an_announcement_holds_the_subscription_until_no_push_of_it_can_arrive() -> None:
    assert NOW + DEADLINE_MS == announce(START, now=NOW).due_at


def test_failures_in_a_row_wait_as_long_as_the_table_says() -> None:
    progress, waits = START, []
    for _ in range(len(BACKOFF_MS) + 1):
        progress = after(progress, failing())
        waits.append(progress.next_at - NOW)
    assert [*BACKOFF_MS, BACKOFF_MS[-1]] == waits
    assert progress.positions == START.positions


@given(jitter=st.floats(-1, 1), failures=st.integers(0, 20))
def test_jitter_is_a_fifth_at_most(jitter: float, failures: int) -> None:
    wait = after(replace(START, failures=failures), failing(), jitter=jitter).next_at - NOW
    planned = BACKOFF_MS[min(failures, len(BACKOFF_MS) - 1)]
    assert planned * (1 - JITTER) - 1 <= wait <= planned * (1 + JITTER) + 1


@pytest.mark.parametrize(
    ("asked", "wait"), [(1_000, BACKOFF_MS[0]), (7_200_000, 7_200_000), (10 * MAX_WAIT_MS, MAX_WAIT_MS)]
)
def test_retry_after_is_waited_for_up_to_a_day(asked: int, wait: int) -> None:
    assert NOW + wait == after(START, PushOutcome(at=NOW, status=503, wait=asked)).next_at


def test_five_days_of_failures_disable_and_an_arrival_in_between_counts_from_zero() -> None:
    first = after(START, failing())
    last = NOW + GIVEN_UP_MS
    assert after(first, failing(at=last)).stopped == "failing"
    assert after(after(first, PushOutcome(at=NOW, status=200)), failing(at=last)).stopped is None


def test_the_last_attempt_is_at_the_end_of_the_fifth_day() -> None:
    at = NOW
    progress = after(START, failing(at=at))
    while progress.stopped is None:
        at = progress.next_at
        progress = after(progress, failing(at=at))
    assert NOW + GIVEN_UP_MS == at


def test_410_disables_at_once() -> None:
    assert after(START, failing(410)).stopped == "gone"


@pytest.mark.parametrize("status", [301, 307, 500, 503, 429, 408, None])
def test_what_is_no_verdict_on_the_content_halves_no_page(status: int | None) -> None:
    progress = START
    for _ in range(REJECTIONS + 2):
        progress = after(progress, failing(status), page(8))
    assert (progress.limit, progress.rejected) == (None, 0)


def test_after_three_rejections_pages_are_halved_down_to_the_change_that_is_refused() -> None:
    progress, sizes, size = START, [], 20
    while progress.blocked is None:
        sizes.append(size)
        progress = after(progress, failing(400), page(size))
        size = min(size, progress.limit or size)
    assert [20, 20, 20, 10, 5, 2, 1] == sizes
    assert progress.blocked == ("bretagne:0", 0)


def test_a_refused_change_is_found_within_two_minutes() -> None:
    progress, at, size = START, NOW, 64
    while progress.blocked is None:
        progress = after(progress, failing(400, at), page(size), jitter=1.0)
        size = min(size, progress.limit or size)
        found, at = at, progress.next_at
    assert found - NOW <= 120_000


def test_the_row_of_a_refused_change_names_it() -> None:
    _, rows = settle(replace(START, limit=1), page(1), failing(422), gap=0, now=NOW, jitter=0)
    assert rows == (PushRow(at=NOW, changes=1, status=422, offer="bretagne:0"),)


def test_pages_grow_again_behind_a_refused_change() -> None:
    limits = []
    progress = replace(START, limit=2)
    for _ in range(3):
        progress = after(progress, PushOutcome(at=NOW, status=200), page(min(progress.limit or 10, 6), more=True))
        limits.append(progress.limit)
    assert limits == [4, 8, None]


def test_successes_of_a_minute_are_one_row_and_a_failure_closes_it() -> None:
    minute = NOW - NOW % 60_000
    progress, seen = START, list[PushRow]()
    for at, status in ((0, 200), (20_000, 204), (61_000, 200), (62_000, None), (70_000, 200)):
        outcome = PushOutcome(at=minute + at, status=status, reason=None if status else "timeout")
        progress, rows = settle(progress, page(3), outcome, gap=0, now=outcome.at, jitter=0)
        seen.extend(rows)
    assert seen == [
        PushRow(at=minute, pushes=2, changes=6),
        PushRow(at=minute + 61_000, pushes=1, changes=3),
        PushRow(at=minute + 62_000, changes=3, reason="timeout"),
    ]
    assert progress.successes is not None
    assert progress.successes.pushes == 1


def test_a_page_without_changes_is_sent_only_to_end_a_generation() -> None:
    assert must_send(START, page(0))
    assert not must_send(START, page(0, more=True))
    assert not must_send(replace(START, complete=True), page(0))
    assert must_send(replace(START, complete=True), page(1))


@pytest.mark.parametrize(
    ("change", "settings"),
    [
        ({"scope": scope_of("normandie", Filter(), "M")}, ONE),
        ({"scope": scope_of("normandie", Filter(sector=frozenset({"s5"})), "L")}, ONE),
        ({}, replace(ONE, replays=1)),
        ({"fresh": NOW - FRESH_MS - 1}, ONE),
    ],
)
def test_another_log_or_filter_a_replay_and_seven_days_start_the_next_generation(
    change: dict[str, Any], settings: Subscription
) -> None:
    before = replace(after(START, PushOutcome(at=NOW, status=200)), **change)
    then = follow(before, settings, SCOPE, ends=(9, 9), now=NOW)
    assert (then.generation, then.positions, then.began) == (before.generation + 1, (0, 0), (0, 0))
    assert not then.complete
    assert then.replays == settings.replays
    assert follow(then, settings, SCOPE, ends=(9, 9), now=NOW) == then


def test_a_restart_waits_for_a_view_that_has_what_was_pushed() -> None:
    before = after(START, PushOutcome(at=NOW, status=200))
    again = restart(before, SCOPE, ends=(9, 9), now=NOW)
    assert again.wanted() == (9, 9)
    assert restart(before, scope_of("normandie", Filter(), "M"), ends=(9, 9), now=NOW).wanted() == (0, 0)
    assert restart(again, SCOPE, ends=(9, 9), now=NOW).wanted() == (9, 9)


def test_a_disabled_subscription_waits_for_its_owner_and_keeps_its_cursor() -> None:
    stopped = after(after(START, PushOutcome(at=NOW, status=200)), failing(410))
    late = NOW + FRESH_MS + 1
    assert follow(stopped, replace(ONE, replays=1), SCOPE, ends=(9, 9), now=late) == stopped
    soon = follow(stopped, replace(ONE, enables=1), SCOPE, ends=(9, 9), now=NOW)
    assert (soon.stopped, soon.failures, soon.generation, soon.positions) == (None, 0, stopped.generation, (9, 9))
    assert follow(stopped, replace(ONE, enables=1), SCOPE, ends=(9, 9), now=late).generation > stopped.generation


def test_a_subscription_that_was_deleted_and_added_begins_above_every_earlier_generation() -> None:
    before = restart(restart(START, SCOPE, ends=(9, 9), now=NOW), SCOPE, ends=(9, 9), now=NOW)
    again = follow(announce(before, now=NOW), replace(ONE, id="b2"), SCOPE, ends=(9, 9), now=NOW + 1_000)
    assert again.generation > before.generation
    assert again.due_at == NOW + DEADLINE_MS


def test_times_of_a_clock_that_was_ahead_hold_no_push_up() -> None:
    day = 24 * 3_600_000
    ahead = replace(announce(START, now=NOW + day), next_at=NOW + day)
    assert NOW + DEADLINE_MS >= follow(ahead, ONE, SCOPE, ends=(9, 9), now=NOW).due_at
    for failures in (0, 12):  # none while a page is halved
        waiting = replace(START, failures=failures, failing_since=NOW, next_at=NOW + day)
        assert NOW + day == follow(waiting, ONE, SCOPE, ends=(9, 9), now=NOW).due_at


def lasting(progress: PushProgress) -> PushProgress:
    """The progress after an hour from now on."""
    for at in (NOW, NOW + 1_000, NOW + HOUR_MS):
        progress = follow(progress, ONE, SCOPE, ends=(9, 9), now=at)
    return progress


@pytest.mark.parametrize("days", [3, 8, 30, 3_000])
def test_a_clock_that_is_behind_for_a_moment_disables_nothing_and_starts_nothing_again(days: int) -> None:
    """[PSH-007] [PSH-008]"""
    behind = NOW - days * 24 * HOUR_MS
    for before in (START, after(START, failing(at=NOW))):
        looked = moved = before
        old = page(fresh=behind)
        for at in (behind, behind + LOOK_MS):
            looked = follow(looked, ONE, SCOPE, ends=(9, 9), now=at)
        moved = after(follow(moved, ONE, SCOPE, ends=(9, 9), now=behind), failing(at=behind))
        arrived = after(follow(before, ONE, SCOPE, ends=(9, 9), now=behind), PushOutcome(at=behind, status=200), old)
        for found in (looked, moved, passed(looked, old), arrived):
            right = follow(found, ONE, SCOPE, ends=(9, 9), now=NOW + 60_000)
            assert (START.generation, NOW) == (right.generation, right.fresh)
            assert right.doubted is None
            later = after(right, failing(at=right.due_at))
            assert later.stopped is None
            assert later.failing_since is not None
            assert NOW <= later.failing_since


def test_a_clock_that_is_behind_for_a_moment_enables_for_one_push_at_most() -> None:
    """[PSH-008]"""
    stopped = after(after(START, failing()), failing(at=NOW + GIVEN_UP_MS))
    pushed = after(follow(stopped, ONE, SCOPE, ends=(9, 9), now=NOW - HOUR_MS), failing(at=NOW - HOUR_MS))
    right = follow(pushed, ONE, SCOPE, ends=(9, 9), now=NOW + GIVEN_UP_MS)
    assert "failing" == after(right, failing(at=NOW + GIVEN_UP_MS)).stopped


def test_five_days_of_a_clock_that_was_ahead_disable_nothing_once_it_is_right() -> None:
    """[PSH-008]"""
    ahead = after(after(START, failing()), failing(at=NOW + GIVEN_UP_MS))
    assert ahead.stopped == "failing"
    right = follow(ahead, ONE, SCOPE, ends=(9, 9), now=NOW + 10_000)
    assert (None, NOW, 2) == (right.stopped, right.failing_since, right.failures)
    assert right.due_at <= NOW + 10_000
    assert "failing" == follow(ahead, ONE, SCOPE, ends=(9, 9), now=NOW + GIVEN_UP_MS).stopped
    began_ahead = lasting(after(START, failing(at=NOW + GIVEN_UP_MS)))
    assert NOW == began_ahead.failing_since


def test_freshness_of_a_clock_that_was_ahead_does_not_last_longer() -> None:
    """[PSH-007]"""
    ahead = lasting(replace(START, fresh=NOW + 10 * FRESH_MS))
    assert (NOW, START.generation) == (ahead.fresh, ahead.generation)
    assert ahead.generation < follow(ahead, ONE, SCOPE, ends=(9, 9), now=NOW + FRESH_MS + 1).generation


def test_a_key_that_was_replaced_by_a_clock_that_was_ahead_hinders_no_rotation() -> None:
    """[PSH-013]"""
    ahead = rotated(ONE, "n2", now=NOW + 5 * OVERLAP_MS)
    right = rotated(ahead, "n3", now=NOW)
    assert [("n3", None), ("n2", NOW + OVERLAP_MS), ("n1", NOW + OVERLAP_MS)] == [
        (key.nonce, key.ends_at) for key in right.keys
    ]
    with pytest.raises(ValueError, match=str(NOW + OVERLAP_MS)):
        rotated(right, "n4", now=NOW + 1)


def test_clocks_of_two_gateways_that_differ_a_little_give_no_third_key_and_no_further_act() -> None:
    """[PSH-013]"""
    both = rotated(ONE, "n2", now=NOW)
    for behind in (1, CLOCKS_MS):
        with pytest.raises(ValueError, match=str(NOW + OVERLAP_MS)):
            rotated(both, "n3", now=NOW - behind)
        assert (NOW,) == within_an_hour([NOW], NOW - behind)
    assert () == within_an_hour([NOW], NOW - CLOCKS_MS - 1)


def test_a_clock_that_was_ahead_gives_no_later_subscription_a_lower_generation() -> None:
    before = replace(START, generation=NOW + 1_000_000)
    assert before.generation < follow(before, replace(ONE, id="b2"), SCOPE, ends=(9, 9), now=NOW).generation


def test_the_id_of_a_push_is_that_of_its_changes_from_their_start() -> None:
    """[PSH-005]"""
    same = push_id(START, b"[1]")
    assert same == push_id(replace(START, failures=3, fresh=1, limit=2), b"[1]")
    others = [
        push_id(START, b"[2]"),
        push_id(replace(START, positions=(1, 0)), b"[1]"),
        push_id(replace(START, generation=1), b"[1]"),
        push_id(replace(START, subscription="b2"), b"[1]"),
    ]
    assert len({same, *others}) == 5


def test_progress_of_later_visibility_rules_is_left_to_a_later_gateway() -> None:
    assert not START.later
    assert replace(START, scope=f"L@00~{VISIBILITY_RULES + 1}").later


@given(
    numbers=st.tuples(st.integers(0, 2**53), st.integers(0, 2**53)),
    limit=st.none() | st.integers(1, 500),
    blocked=st.none() | st.tuples(st.just("bretagne:1"), st.integers(0, 2**53)),
    deadline=st.none() | st.integers(0, 2**53),
)
def test_progress_comes_back_as_it_was_stored(
    numbers: tuple[int, int], limit: int | None, blocked: tuple[str, int] | None, deadline: int | None
) -> None:
    stored = replace(START, positions=numbers, limit=limit, blocked=blocked, deadline=deadline, stopped="gone")
    stored = replace(
        stored, successes=None if limit is None else after(START, PushOutcome(at=NOW, status=200)).successes
    )
    assert read_progress(progress_record("normandie", "copie", stored).value or b"") == stored


def test_settings_come_back_as_they_were_stored() -> None:
    one = replace(
        ONE,
        criteria=Filter(region=frozenset({"53"}), bbox=(1, 2, 3, 4)).to_json(),
        own_territory=False,
        skip=("bretagne:1", 7),
    )
    kept = PlatformSubscriptions(platform="normandie", joined_at=5, tested=(1, 2), items=(one,))
    topic = fold_subscriptions(SubscriptionTopic(), stored(platform_record(kept), progress_record("x", "y", START)))
    assert topic.of("normandie", 5) == kept
    assert topic.of("normandie", 6).items == ()
    assert topic.progress == {("x", "y"): START}
    assert one.filter(frozenset({"14"})) == Filter(region=frozenset({"53"}), bbox=(1, 2, 3, 4))
    assert ONE.filter(frozenset({"14"})) == Filter(department=frozenset({"14"}))
    assert not fold_subscriptions(topic, stored(erased_record("normandie"))).platforms


def test_records_that_nobody_can_read_are_none() -> None:
    broken = [
        b"{}",
        b"[]",
        b"1",
        b"",
        b'{"items": [1], "tested": [], "acted": []}',
        b'{"positions": [1], "began": [], "floor": []}',
    ]
    records = [Record(key, value) for value in broken for key in (b"normandie", b"normandie/copie")]
    topic = fold_subscriptions(SubscriptionTopic(), stored(*records))
    assert topic == SubscriptionTopic()


def test_no_url_and_no_nonce_is_in_the_text_of_a_subscription() -> None:
    assert "k=1" not in repr(ONE)
    assert "n1" not in repr(ONE)


def test_a_replaced_key_signs_for_another_day_and_two_at_most() -> None:
    both = rotated(ONE, "n2", now=NOW)
    assert [key.nonce for key in both.signing(NOW)] == ["n2", "n1"]
    with pytest.raises(ValueError, match=str(NOW + OVERLAP_MS)):
        rotated(both, "n3", now=NOW + OVERLAP_MS - 1)
    third = rotated(both, "n3", now=NOW + OVERLAP_MS)
    assert [key.nonce for key in third.keys] == ["n3", "n2"]


def test_an_attempt_comes_back_as_it_was_stored() -> None:
    for row in (PushRow(at=1, pushes=2, changes=3), PushRow(at=1, status=400, offer="bretagne:1", test=True)):
        assert read_attempt(attempt_record("x", "y", row).value or b"") == row


def test_a_page_that_shows_nothing_moves_the_cursor_without_a_push() -> None:
    moved = passed(replace(START, rejected=2, blocked=("bretagne:1", 1)), page(0, fresh=NOW + 5))
    assert (moved.positions, moved.rejected, moved.blocked, moved.fresh) == ((9, 9), 0, None, NOW + 5)


def stored(*records: Record) -> list[StoredRecord]:
    return [StoredRecord(n, NOW, record.key, record.value) for n, record in enumerate(records)]
