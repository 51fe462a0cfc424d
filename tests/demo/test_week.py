"""The weeks that generated offers may name."""

from datetime import date, timedelta

import pytest

from gateway.demo.week import calendar_on
from schemas.schoolyear import holiday_of, monday_of, years


@pytest.mark.parametrize("day", [date(2026, 9, 1) + timedelta(days=9 * step) for step in range(100)])
def test_weeks_are_in_the_future_and_within_the_allowed_period(day: date) -> None:
    """Whatever the day, also in years without a calendar on file: none is over, none too far (OFR-024, OFR-041)."""
    calendar = calendar_on(day)
    for week in {*calendar.seconde, *(week for weeks in calendar.college.values() for week in weeks)}:
        monday = monday_of(week)
        assert monday is not None
        assert day < monday <= day + timedelta(days=393)


def test_the_rule_for_a_year_without_calendar_gives_the_weeks_of_the_years_on_file() -> None:
    """The last two full weeks before 1 July, as the calendars that are on file have it."""
    for year in years()[1:]:
        before = date(year.first.year, 10, 1)
        assert year.weeks == calendar_on(before).seconde
    assert ("2028-W25", "2028-W26") == calendar_on(date(2027, 10, 1)).seconde


def test_weeks_of_colleges_avoid_the_holidays_of_their_zone() -> None:
    calendar = calendar_on(date(2026, 11, 25))
    for zone in "ABC":
        assert [] == [week for week in calendar.college[zone] if holiday_of(week, zone) is not None]
    assert calendar.college["A"] != calendar.college["C"]
