"""The guards of the token endpoint are bounded and count failed attempts."""

import pytest

from gateway.oauth.failed_attempts import (
    ATTEMPTS,
    FailedAttempts,
    ReplaysFullError,
    SeenAssertions,
)


def test_waiting_begins_with_the_last_allowed_failure_and_ends_with_the_minute() -> None:
    guesses = FailedAttempts()
    for at in range(ATTEMPTS):
        assert 0 == guesses.wait("a", "peer", now=at)
        guesses.failed("a", "peer", now=at)
    assert 60 == guesses.wait("a", "peer", now=ATTEMPTS)
    assert 1 == guesses.wait("a", "peer", now=59_999)
    assert 0 == guesses.wait("a", "peer", now=60_000)
    guesses.failed("a", "peer", now=60_000)
    assert 0 == guesses.wait("a", "peer", now=60_001)


@pytest.mark.parametrize(("processes", "expected"), [(1, 20), (2, 10), (3, 7), (64, 1)])
def test_processes_that_answer_together_share_the_attempts(processes: int, expected: int) -> None:
    """[SEC-013]: T-04."""
    guesses = FailedAttempts(processes=processes)
    tried = 0
    while not guesses.wait("a", "peer", now=0):
        guesses.failed("a", "peer", now=0)
        tried += 1
    assert expected == tried


def test_failed_attempts_from_elsewhere_do_not_lock_out_the_platform() -> None:
    guesses = FailedAttempts()
    for _ in range(ATTEMPTS):
        guesses.failed("a", "stranger", now=0)
    assert (60, 0, 0) == tuple(
        guesses.wait(*pair, now=0) for pair in (("a", "stranger"), ("a", "peer"), ("b", "stranger"))
    )


def test_memory_is_bounded_by_forgetting_the_oldest() -> None:
    guesses = FailedAttempts()
    for number in range(10_050):
        guesses.failed(f"client {number}", "peer", now=0)
    assert 10_000 == len(guesses._failures)


def test_an_id_is_new_once_until_it_ends_and_per_client() -> None:
    replays = SeenAssertions()
    assert [True, False, True, False, True] == [
        replays.first_use(client, "id", until=until, now=now)
        for client, until, now in (("a", 10, 0), ("a", 10, 9), ("b", 10, 9), ("b", 99, 9), ("a", 20, 10))
    ]


def test_a_client_with_too_many_live_ids_waits_and_others_do_not() -> None:
    replays = SeenAssertions()
    assert all(replays.first_use("a", str(number), until=100, now=0) for number in range(10_000))
    with pytest.raises(ReplaysFullError):
        replays.first_use("a", "one more", until=100, now=99)
    assert replays.first_use("b", "one more", until=100, now=99)
    assert replays.first_use("a", "one more", until=200, now=100)
    assert 1 == len(replays._seen["a"])
