"""The pace of the relay: how many submissions it decides in one commit, and how long it rests after a commit."""

from dataclasses import dataclass

_BESIDE_SINGLES = 100
_REST_SECONDS = 0.05
_SINGLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class CommitPace:
    """At most ``at_once`` submissions are decided in one commit. ``shared``: commits of all processes wait for one
    another, as on the embedded log.
    """

    at_once: int = 750
    shared: bool = False

    def limit(self, *, since_single: float) -> int:
        """The number of submissions to decide in the next commit. One of 750 on a shared log would delay single offers,
        if there are any, by tens of ms.
        """
        return min(self.at_once, _BESIDE_SINGLES) if self._between_singles(since_single) else self.at_once

    def rest(self, *, decided: int, more: bool, singles: int, since_single: float, took: float) -> float:
        """The seconds to rest after a commit that took ``took`` seconds, 50 ms at most. ``more``: whether the log held
        more submissions. ``singles`` of the decided are single offers, not items of uploads; ``since_single`` seconds
        ago it last decided one of these.

        A commit costs about the same for one submission as for a hundred: when none waits the relay rests, and under
        load more are then decided together. On a shared log it also rests when it decides uploads while single offers
        arrive, which wait for its commits.
        """
        between_singles = singles * 2 < decided and self._between_singles(since_single)
        return min(_REST_SECONDS, 2 * took) if not more or between_singles else 0.0

    def _between_singles(self, since_single: float) -> bool:
        return self.shared and since_single < _SINGLE_SECONDS


SHARED = CommitPace(shared=True)
