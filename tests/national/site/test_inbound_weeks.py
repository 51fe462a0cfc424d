"""Weeks of offers made at the site: it lists those of this school year and the next, past ones included."""

import copy
from datetime import date
from typing import Any

import pytest

from adapters.national.inbound.offer import document, is_out_of_season, judge
from adapters.national.site.reading import read_page
from schemas import Verdict
from tests.national.site.harness import JUNE, ON
from tests.national.site.test_malformed_items import GOOD, page

URL = "https://1eleve1stage.education.gouv.fr"


def judged(weeks: list[str], *, on: date = ON, **changes: Any) -> Verdict:
    read = read_page(page({**copy.deepcopy(GOOD), "weeks": spans(weeks), "grades": ["troisieme"], **changes}))
    assert read is not None
    (listed,) = read.listed
    return judge(document(listed, public_url=URL), revision=1, on=on)


def spans(weeks: list[str]) -> str:
    days = [[date.fromisocalendar(int(week[:4]), int(week[6:]), day) for day in (1, 5)] for week in weeks]
    return ", ".join(f"du {monday:%d/%m/%Y} au {friday:%d/%m/%Y}" for monday, friday in days)


def year(first: int) -> list[str]:
    """All weeks of a school year in which the site's form lets pupils of collège come."""
    autumn = [f"{first}-W{number:02}" for number in range(36, 54 if first == 2026 else 53)]
    return autumn + [f"{first + 1}-W{number:02}" for number in range(1, 23)]


def weeks_of(verdict: Verdict) -> list[str]:
    assert verdict.offer is not None, [problem.to_json() for problem in verdict.problems]
    weeks: list[str] = verdict.offer["weeks"]
    return weeks


def test_an_offer_that_reaches_into_the_next_school_year_comes_with_the_weeks_of_the_next_400_days() -> None:
    """The site's form offers the weeks up to the end of the next school year; the federation takes 400 days."""
    assert ["2027-W10", "2027-W40"] == weeks_of(judged(["2027-W10", "2027-W40", "2028-W20"]))


def test_the_weeks_left_out_come_when_they_are_near_enough() -> None:
    assert ["2027-W10", "2027-W40", "2028-W20"] == weeks_of(
        judged(["2027-W10", "2027-W40", "2028-W20"], on=date(2027, 6, 1))
    )


def test_an_offer_of_two_whole_school_years_comes_without_the_weeks_that_are_over() -> None:
    """More than 60 weeks are too many; those that are over go first."""
    weeks = [*year(2025), *year(2026)]
    assert len(weeks) > 60
    taken = weeks_of(judged(weeks))
    assert [week for week in year(2026) if week >= "2026-W47"] == taken


def test_an_offer_keeps_past_weeks_while_there_is_room_for_them() -> None:
    """Otherwise every offer of a whole year would get a new revision each week."""
    assert ["2026-W40", "2027-W10"] == weeks_of(judged(["2026-W40", "2027-W10"]))


@pytest.mark.parametrize("weeks", [["2028-W20"], ["2026-W40"], [], ["9999-W52"]])
def test_an_offer_of_no_week_within_reach_is_refused(weeks: list[str]) -> None:
    assert not judged(weeks).accepted


def test_an_offer_of_several_employers_is_taken_as_one_of_its_coordinator() -> None:
    """The site writes type `Multi` as all others: coordinator's name and address, no web site, no description, and the
    coordinates of the first employer.
    """
    multi: dict[str, Any] = {
        "employer_name": "Mission locale de Lille",
        "employer_website": None,
        "employer_description": None,
        "grades": ["troisieme", "quatrieme"],
        "is_public": True,
        "sector": "Fonction publique",
        "latitude": 0.0,
        "longitude": 0.0,
        "street": None,
    }
    verdict = judged(["2027-W10"], **multi)
    assert verdict.offer is not None
    assert {"name": "Mission locale de Lille", "public": True} == verdict.offer["employer"]
    assert {"postal_code": "59000", "city": "Lille"} == verdict.offer["location"]


@pytest.mark.parametrize(
    ("on", "week", "hidden"),
    [
        (date(2026, 6, 30), "2026-W26", False),
        (date(2027, 3, 1), "2027-W25", False),
        (date(2027, 3, 1), "2027-W26", True),
        (date(2027, 7, 1), "2028-W26", False),
        (date(2027, 7, 1), "2028-W27", True),
        (date(2027, 3, 1), "2027-W40", True),
    ],
)
def test_the_season_ends_with_the_mandatory_weeks_of_the_year_in_force(on: date, week: str, *, hidden: bool) -> None:
    assert hidden is is_out_of_season([week], on=on)


def test_an_offer_that_search_returned_in_this_season_is_not_hidden_by_it() -> None:
    """An offer with weeks past 31 August that was shown and is gone was deleted there."""
    assert not is_out_of_season(["2027-W40"], on=date(2027, 6, 30), last_season=2027)
    assert is_out_of_season(["2027-W40"], on=date(2027, 7, 1), last_season=2027)
    assert is_out_of_season(["2027-W40"], on=date(2027, 6, 30), last_season=None)


def test_one_week_in_the_first_half_of_any_year_suffices_to_be_returned() -> None:
    assert not is_out_of_season(["2027-W40", "2028-W03"], on=ON)
    assert not is_out_of_season([*JUNE, "2027-W40"], on=ON)
