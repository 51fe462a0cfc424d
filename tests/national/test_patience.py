"""Backing off, and the breaker."""

from adapters.national.outbox_patience import TRIPS_AFTER, Breaker, backoff

HOUR = 3_600_000


def test_tries_are_spread_and_never_more_than_an_hour_apart():
    assert [5_000, 10_000, 20_000] == [backoff(tries, lambda: 1.0) for tries in range(3)]
    assert 2_500 == backoff(0, lambda: 0.0)
    assert HOUR == backoff(1_000, lambda: 1.0)


def test_the_breaker_opens_after_some_failures_and_closes_with_the_first_answer():
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


def test_the_pause_never_exceeds_ten_minutes():
    breaker = Breaker(lambda: 1.0)
    for _ in range(100):
        breaker.failed(0)
    assert 600_000 == breaker.wait(0)
