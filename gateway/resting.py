"""How long a loop that takes records and commits rests before it takes the next ones (ADR 0011)."""

from math import inf

LONGEST_SECONDS = 0.015
_MANY = 500
"""After so many records or more the next ones wait already."""
_GAIN = 2
"""A rest is worth it if so many records are likely to come within the longest one."""


class Rests:
    """The rests of one loop.

    A step costs about the same for one record as for a hundred. So where records come fast, the loop rests for twice as
    long as the step took, at most 15 ms, and takes more at once. Where they come slowly a rest only delays them.
    """

    def __init__(self) -> None:
        self._began = -inf

    def after(self, records: int, *, began: float, ended: float) -> float:
        """Seconds to rest after a step on that many records; ``began`` and ``ended`` are its instants in seconds.

        The records have come since the step before began, which gives their rate.
        """
        interval, self._began = began - self._began, began
        if records >= _MANY or records * LONGEST_SECONDS < _GAIN * interval:
            return 0.0
        return min(LONGEST_SECONDS, 2 * (ended - began))
