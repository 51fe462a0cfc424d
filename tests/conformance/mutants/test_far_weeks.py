"""Wrong gateways that take weeks too far ahead do so on every day: their case sends the first such week."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from tests.conformance.mutants import times

MONDAY = date(2026, 11, 23)
MAX_DAYS = 400


@pytest.mark.parametrize("weekday", range(7))
@pytest.mark.parametrize("fault", [times.allows_410_days, times.allows_any_distance_in_lines])
def test_the_fault_acts_on_the_first_week_that_is_too_far(
    fault: Callable[[dict[str, object]], None], weekday: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = MONDAY + timedelta(weekday)
    monkeypatch.setattr(times, "today", lambda: day)
    end = day + timedelta(MAX_DAYS + 1)
    while end.isoweekday() != 7:
        end += timedelta(1)
    year, week, _ = end.isocalendar()
    offer: dict[str, object] = {"weeks": [f"{year}-W{week:02}"]}
    fault(offer)
    assert {"weeks": ["2027-W10"]} == offer
