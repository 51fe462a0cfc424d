"""How long the relay rests after a commit."""

import pytest

from gateway.relay import SHARED, CommitPace

FULL = SHARED.at_once


@pytest.mark.parametrize(
    ("pace", "decided", "more", "singles", "since_single", "rest"),
    [
        (SHARED, 1, False, 1, 0.0, 0.02),
        (SHARED, FULL, True, 0, 5.0, 0.0),
        (SHARED, FULL, True, 1, 0.0, 0.02),
        (SHARED, FULL, True, 0, 0.5, 0.02),
        (SHARED, FULL, True, FULL, 0.0, 0.0),
        (CommitPace(), FULL, True, 1, 0.0, 0.0),
        (CommitPace(), 140, True, 0, 5.0, 0.0),
        (CommitPace(), 140, False, 0, 5.0, 0.02),
    ],
    ids=[
        "a single offer",
        "an upload alone",
        "an upload with a single offer among it",
        "an upload between single offers",
        "many single offers",
        "a log that is not shared",
        "few large submissions of many",
        "the last submissions",
    ],
)
def test_the_relay_rests_when_no_submission_or_single_offers_wait(
    *, pace: CommitPace, decided: int, more: bool, singles: int, since_single: float, rest: float
) -> None:
    assert pace.rest(decided=decided, more=more, singles=singles, since_single=since_single, took=0.01) == rest


def test_a_rest_is_short() -> None:
    assert SHARED.rest(decided=1, more=False, singles=1, since_single=0.0, took=3.0) == 0.05
