"""When a loop rests, and for how long."""

import pytest

from gateway.resting import LONGEST_SECONDS, Rests


def rests(records: int, *, every: float, took: float) -> float:
    """The rest after the second of two steps that begin that many seconds apart."""
    one = Rests()
    one.after(records, began=10.0, ended=10.0 + took)
    return one.after(records, began=10.0 + every, ended=10.0 + every + took)


def test_the_first_step_has_no_rest() -> None:
    assert 0.0 == Rests().after(3, began=10.0, ended=10.01)


@pytest.mark.parametrize("records", [1, 2, 3])
def test_a_loop_whose_records_come_slowly_does_not_rest(records: int) -> None:
    """A hundred a second: a rest of 15 ms puts hardly two together."""
    assert 0.0 == rests(records, every=records / 100, took=0.01)


@pytest.mark.parametrize(("records", "every"), [(1, 0.003), (4, 0.012), (15, 0.045)])
def test_a_loop_whose_records_come_fast_rests_twice_as_long_as_its_step(records: int, every: float) -> None:
    """Also where each step takes one record: without a rest it would go on with one at a time."""
    assert pytest.approx(0.004) == rests(records, every=every, took=0.002)


def test_no_rest_is_longer_than_15_ms() -> None:
    assert LONGEST_SECONDS == 0.015 == rests(100, every=0.1, took=0.09)


def test_a_loop_that_is_behind_does_not_rest() -> None:
    assert 0.0 == rests(500, every=0.03, took=0.02)
