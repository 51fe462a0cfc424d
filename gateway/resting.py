"""How long a loop that takes records and commits rests before it takes the next ones (ADR 0011)."""

LONGEST_SECONDS = 0.015
FEW = 4
"""After fewer records a rest gains nothing: hardly any others come meanwhile."""
MANY = 500
"""After so many or more the next ones wait already."""


def rest_seconds(records: int, took: float) -> float:
    """Seconds to rest after a step of that many records which took so long: as long as the step itself, at most 15 ms.

    A step costs about the same for one record as for a hundred, so under load two small ones are put together. Nothing
    after a few records, nor after many.
    """
    return min(LONGEST_SECONDS, took) if FEW <= records < MANY else 0.0
