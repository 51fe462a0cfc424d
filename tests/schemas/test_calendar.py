"""The calendars on file: one school year after the other, with the mandatory weeks that the national site computes."""

from datetime import timedelta
from itertools import pairwise

from adapters.national.simulator_rules import mandatory_weeks
from schemas.packaged import names, read_json
from schemas.schoolyear import june_year, monday_of, years, years_asked_for

MARKS = {"S", "I", "none"}


def test_no_school_year_is_missing_between_the_first_and_the_last_on_file() -> None:
    assert all(earlier.last + timedelta(days=1) == later.first for earlier, later in pairwise(years()))


def test_the_mandatory_weeks_are_those_that_the_site_computes() -> None:
    """The last two weeks whose Friday is in June; OFR-026 and NAT-003 rest on them."""
    for year in years():
        assert year.weeks == mandatory_weeks(year.last.replace(month=6, day=1)), year.name
        fridays = [monday + timedelta(days=4) for monday in map(monday_of, year.weeks) if monday is not None]
        assert [7, 6] == [(fridays[1] - fridays[0]).days, fridays[1].month]
        assert (fridays[1] + timedelta(days=7)).month == 7


def test_what_is_assumed_of_a_school_year_is_marked_with_its_source() -> None:
    for name in names("calendar", ".json"):
        body = read_json("calendar", f"{name}.json")
        for part in ("mandatory_weeks", "hours", "holidays"):
            assert body[part]["mark"] in MARKS, name
            assert body[part]["source"].strip(), name
    assumed = read_json("calendar", "2027-2028.json")
    assert ("I", "I") == (assumed["mandatory_weeks"]["mark"], assumed["holidays"]["mark"])


def test_the_last_year_on_file_is_asked_for_until_the_end_of_its_june() -> None:
    """After that no seconde offer is deliverable until a file is added."""
    last = years()[-1]
    assert last in years_asked_for(last.first)
    assert () == years_asked_for(last.last.replace(month=7, day=1))
    assert june_year(last.first) == last.last.year
