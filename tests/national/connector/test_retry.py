"""Backoff and the circuit breaker."""

import pytest

from adapters.national.site.timing import TRIPS_AFTER, Breaker, CountedTries, backoff

pytestmark = pytest.mark.slow

HOUR = 3_600_000


def test_tries_are_spread_and_never_more_than_an_hour_apart() -> None:
    assert [5_000, 10_000, 20_000] == [backoff(tries, lambda: 1.0) for tries in range(3)]
    assert 2_500 == backoff(0, lambda: 0.0)
    assert HOUR == backoff(1_000, lambda: 1.0)


def test_the_breaker_opens_after_some_failures_and_closes_with_the_first_answer() -> None:
    breaker = Breaker(lambda: 1.0)
    for _ in range(TRIPS_AFTER - 1):
        breaker.failed(0)
    assert (False, 0) == (breaker.tripped, breaker.wait(0))
    breaker.failed(0)
    assert (True, 30_000, 0) == (breaker.tripped, breaker.wait(0), breaker.wait(30_000))
    breaker.failed(30_000)
    assert 60_000 == breaker.wait(30_000)
    breaker.succeeded()
    assert (False, 0) == (breaker.tripped, breaker.wait(30_000))


def test_the_pause_never_exceeds_ten_minutes() -> None:
    breaker = Breaker(lambda: 1.0)
    now = 0
    for _ in range(100):
        breaker.failed(now)
        now += breaker.wait(now)
    breaker.failed(now)
    assert 600_000 == breaker.wait(now)


def test_concurrent_failures_lengthen_the_pause_once() -> None:
    breaker = Breaker(lambda: 1.0)
    for _ in range(TRIPS_AFTER + 10):
        breaker.failed(0)
    assert 30_000 == breaker.wait(0)


def test_the_pause_stays_short_while_reads_are_answered() -> None:
    breaker = Breaker(lambda: 1.0)
    now = 0
    for _ in range(TRIPS_AFTER):
        breaker.failed(now)
    for _ in range(20):
        now += breaker.wait(now)
        assert [True] == [breaker.needs_read]
        breaker.probed(writes=False)
        assert not breaker.needs_read
        breaker.failed(now)
        assert 30_000 == breaker.wait(now)


def test_a_failure_counts_only_beside_an_answer_to_another_offer_within_a_minute() -> None:
    tries = CountedTries()
    assert not tries.failed(("bretagne:1", "lycee"), 0)
    assert [] == tries.answered("bretagne:1", 10)  # its own answer does not count
    assert [("bretagne:1", "lycee")] == tries.answered("bretagne:2", 60_000)
    assert tries.failed(("bretagne:1", "lycee"), 120_000)
    assert not tries.failed(("bretagne:1", "lycee"), 120_001)
    assert [] == tries.answered("bretagne:3", 180_002)
    assert [("bretagne:1", "lycee")] == tries.uncounted()
    assert [] == tries.uncounted()
