"""When partners last sent requests, seen from several processes."""

import os
from pathlib import Path

from gateway.runtime.activity import Activity, key_of, shared_memory

ONE, OTHER, THIRD = map(key_of, ("bretagne", "normandie", "occitanie"))


def test_a_partners_own_requests_are_not_others() -> None:
    activity = Activity()
    assert not activity.others_since(ONE, 0.0)
    activity.note(ONE, 1.0)
    assert not activity.others_since(ONE, 0.0)
    assert activity.others_since(OTHER, 0.0)
    assert not activity.others_since(OTHER, 1.0)


def test_the_latest_request_of_another_partner_is_known_after_many_of_ones_own() -> None:
    activity = Activity()
    activity.note(OTHER, 1.0)
    for time in (2.0, 3.0):
        activity.note(ONE, time)
    assert activity.others_since(ONE, 0.5)
    assert not activity.others_since(ONE, 1.5)
    activity.note(THIRD, 4.0)
    assert activity.others_since(ONE, 3.5)


def test_every_process_knows_the_requests_of_all(tmp_path: Path) -> None:
    with shared_memory(tmp_path, 3) as file:
        first, second, third = (Activity.attach(os.dup(file.fileno()), process=number)[0] for number in range(3))
    second.note(ONE, 1.0)
    assert [one.others_since(OTHER, 0.0) for one in (first, second, third)] == [True] * 3
    assert [one.others_since(ONE, 0.0) for one in (first, second, third)] == [False] * 3
    first.note(OTHER, 2.0)
    assert third.others_since(ONE, 1.5)
