"""Waits for a publisher: in full while it does what is expected, and bounded once it has failed."""

from conformance.role.waiting import RunWaits


def test_a_publisher_that_does_what_is_expected_gets_each_wait_in_full() -> None:
    waiting = RunWaits(patience=2.0)
    for _ in range(100):
        waiting.note(25.0, fault_seconds=5.0, found=True)
    assert 60.0 == waiting.seconds(30.0, fault_seconds=5.0)


def test_after_a_wait_without_success_the_next_ones_are_short_but_never_shorter_than_what_a_fault_asks() -> None:
    waiting = RunWaits(patience=1.0)
    waiting.note(30.0, fault_seconds=1.0, found=False)
    assert 8.0 == waiting.seconds(60.0, fault_seconds=5.0)
    assert 1.0 == waiting.seconds(1.0, fault_seconds=5.0)


def test_a_slow_publisher_is_waited_for_three_times_as_long_as_it_ever_took() -> None:
    waiting = RunWaits(patience=1.0)
    waiting.note(7.0, fault_seconds=1.0, found=True)
    waiting.note(30.0, fault_seconds=1.0, found=False)
    assert 19.0 == waiting.seconds(30.0, fault_seconds=1.0)


def test_forty_waits_without_success_take_less_than_ninety_seconds() -> None:
    waiting, seconds = RunWaits(patience=1.0), 0.0
    for _ in range(40):
        taken = waiting.seconds(20.0, fault_seconds=0.0)
        waiting.note(taken, fault_seconds=0.0, found=False)
        seconds += taken
    assert seconds < 90.0
