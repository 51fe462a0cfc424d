"""How long the relay rests after a commit."""

import pytest

from gateway.relay import SHARED, Pace

FULL = SHARED.at_once
BESIDE_SINGLES = SHARED.limit(since_single=0.0)


@pytest.mark.parametrize(
    ("pace", "decided", "singles", "since_single", "rest"),
    [
        (SHARED, 1, 1, 0.0, 0.02),
        (SHARED, FULL, 0, 5.0, 0.0),
        (SHARED, FULL, 1, 0.0, 0.02),
        (SHARED, FULL, 0, 0.5, 0.02),
        (SHARED, FULL, FULL, 0.0, 0.0),
        (SHARED, BESIDE_SINGLES, BESIDE_SINGLES, 0.0, 0.0),
        (Pace(), Pace().at_once, 1, 0.0, 0.0),
        (Pace(), 10, 0, 5.0, 0.02),
    ],
    ids=[
        "a single offer",
        "an upload alone",
        "an upload with a single offer among it",
        "an upload between single offers",
        "many single offers",
        "as many single offers as a commit holds beside them",
        "a log that is not shared",
        "few submissions",
    ],
)
def test_the_relay_rests_when_it_decides_few_or_single_offers_wait(
    pace: Pace, decided: int, singles: int, since_single: float, rest: float
) -> None:
    assert pace.rest(decided=decided, singles=singles, since_single=since_single, took=0.01) == rest


def test_a_rest_is_short() -> None:
    assert SHARED.rest(decided=1, singles=1, since_single=0.0, took=3.0) == 0.05
