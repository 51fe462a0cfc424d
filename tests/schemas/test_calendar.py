"""The calendars on file: one school year after the other, with the mandatory weeks that the national site computes."""

from datetime import date, timedelta
from itertools import pairwise

from gateway.clock import now
from gateway.protocol.paris_time import paris_date
from schemas.packaged import names, read_json
from schemas.schoolyear import june_year, monday_of, years, years_ahead

MARKS = {"S", "I", "none"}


def test_no_school_year_is_missing_between_the_first_and_the_last_on_file() -> None:
    assert all(earlier.last + timedelta(days=1) == later.first for earlier, later in pairwise(years()))


def test_the_mandatory_weeks_are_those_that_the_site_computes() -> None:
    """The last two weeks whose Friday is in June; OFR-026 and NAT-003 depend on them."""
    for year in years():
        days = [date(year.last.year, 6, day) for day in range(1, 31)]
        fridays = [day for day in days if day.isoweekday() == 5]
        mondays = [friday - timedelta(days=4) for friday in fridays[-2:]]
        assert mondays == [monday_of(week) for week in year.weeks], year.name


def test_what_is_assumed_of_a_school_year_is_marked_with_its_source() -> None:
    for name in names("calendar", ".json"):
        body = read_json("calendar", f"{name}.json")
        for part in ("mandatory_weeks", "hours", "holidays"):
            assert body[part]["mark"] in MARKS, name
            assert body[part]["source"].strip(), name
    assumed = read_json("calendar", "2027-2028.json")
    assert ("I", "I") == (assumed["mandatory_weeks"]["mark"], assumed["holidays"]["mark"])


def test_a_year_before_the_calendar_ends_the_next_school_year_is_on_file() -> None:
    """By the real date: once this fails, add `schemas/calendar/YEAR.json` (CONTRIBUTING, “add a school year”)."""
    today = date.fromisoformat(paris_date(now()))
    assert (years()[-1].last - today).days >= 365, "the calendar ends within a year: add the next school year"


def test_the_last_year_on_file_is_ahead_until_the_end_of_its_june() -> None:
    """After that no seconde offer is deliverable until a file is added."""
    last = years()[-1]
    assert last in years_ahead(june_year(last.first))
    assert [] == years_ahead(june_year(last.last.replace(month=7, day=1)))
    assert june_year(last.first) == last.last.year
