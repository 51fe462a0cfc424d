"""How long a loop that takes records and commits rests before it takes the next ones (ADR 0011)."""

from collections import deque
from math import inf
from statistics import median

LONGEST_SECONDS = 0.05
_MANY = 500
"""After so many records or more the next ones wait already."""
_GAIN = 2
"""A rest is worth it if so many records are likely to come within it."""
_STEPS = 5


class Rests:
    """The rests of one loop: ``share`` times as long as a step takes, at most 50 ms, where a rest gains something.

    A step costs about the same for one record as for a hundred. Where records come fast, the loop rests and takes more
    at once; where they come slowly, a rest only delays them. The median of the last five steps is the measure: a single
    slow step is not followed by a long rest, and a machine under load rests longer by itself.
    """

    def __init__(self, *, share: float) -> None:
        self._share = share
        self._began = -inf
        self._lengths = deque[float](maxlen=_STEPS)

    def after(self, records: int, *, began: float, ended: float) -> float:
        """Seconds to rest after a step on that many records; ``began`` and ``ended`` are its instants in seconds.

        The records have come since the step before began, which gives their rate.
        """
        interval, self._began = began - self._began, began
        self._lengths.append(ended - began)
        rest = min(LONGEST_SECONDS, self._share * median(self._lengths))
        return rest if records < _MANY and records * rest >= _GAIN * interval else 0.0
