"""When a loop rests, and for how long."""

import pytest

from gateway.resting import LONGEST_SECONDS, Rests


def rests(records: int, *, every: float, took: float, steps: int = 2) -> float:
    """The rest after the last of some steps that begin that many seconds apart."""
    one = Rests(share=2)
    rest = [one.after(records, began=10.0 + step * every, ended=10.0 + step * every + took) for step in range(steps)]
    return rest[-1]


def test_the_first_step_has_no_rest() -> None:
    assert 0.0 == rests(3, every=0.01, took=0.01, steps=1)


@pytest.mark.parametrize("records", [1, 2, 3])
def test_a_loop_whose_records_come_slowly_does_not_rest(records: int) -> None:
    """A hundred a second over three partitions: not even one more comes during a rest of 24 ms."""
    assert 0.0 == rests(records, every=records / 33, took=0.012)


@pytest.mark.parametrize(("records", "every"), [(1, 0.001), (10, 0.030), (15, 0.045)])
def test_a_loop_whose_records_come_fast_rests_twice_as_long_as_its_step(records: int, every: float) -> None:
    """Also where each step takes one record: without a rest it would go on with one at a time."""
    assert pytest.approx(0.024) == rests(records, every=every, took=0.012)


def test_a_single_slow_step_is_not_followed_by_a_long_rest() -> None:
    one = Rests(share=2)
    for step in range(4):
        one.after(10, began=10.0 + step * 0.03, ended=10.01 + step * 0.03)
    assert pytest.approx(0.02) == one.after(20, began=10.12, ended=10.32)


def test_no_rest_is_longer_than_50_ms() -> None:
    assert LONGEST_SECONDS == 0.05 == rests(100, every=0.1, took=0.09)


def test_a_loop_that_is_behind_does_not_rest() -> None:
    assert 0.0 == rests(500, every=0.03, took=0.02)
