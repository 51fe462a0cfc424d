"""Generated offers: each gets exactly the verdict and the problems that the generator states."""

from collections import Counter
from datetime import date, timedelta
from itertools import islice

import pytest

import schemas
from demo.fault import FAULTS
from demo.generator import WRONG, generate
from demo.week import calendar_on
from gateway.partners.onboarding import presets
from schemas.schoolyear import holiday_of, monday_of, year_of, years
from tests.revision import revised, withdrawal

pytestmark = pytest.mark.slow

DAYS = (date(2026, 11, 25), date(2027, 1, 4), date(2027, 6, 8), date(2027, 6, 20), date(2027, 7, 15))


@pytest.mark.parametrize("platform", sorted(presets()))
def test_each_generated_offer_is_judged_as_it_says(platform: str) -> None:
    """On any day of the year, for every platform; a third of the offers wrong, so that every fault comes up."""
    for on in DAYS:
        for offer in generate(11, platform, 120, on, wrong=0.4):
            verdict = schemas.check(offer.raw, on=on)
            codes = frozenset(problem.code for problem in verdict.problems)
            assert (offer.id, offer.revision, offer.accepted, offer.expected) == (
                verdict.id,
                verdict.revision,
                verdict.accepted,
                codes,
            ), offer.raw


def test_a_platform_without_a_preset_gets_offers_too() -> None:
    offers = list(generate(1, "platform-12", 50, DAYS[0], wrong=0.0))
    assert [f"platform-12:2026-{number:06}" for number in range(1, 51)] == [offer.id for offer in offers]
    assert all(schemas.check(offer.raw, on=DAYS[0]).accepted for offer in offers)


def test_the_same_seed_gives_the_same_offers_and_another_one_others() -> None:
    first, again, other = (list(generate(seed, "bretagne", 200, DAYS[0])) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_more_offers_begin_like_fewer() -> None:
    """So that a demo of any size shows the same first offers."""
    assert list(generate(1, "normandie", 20, DAYS[0])) == list(islice(generate(1, "normandie", 60, DAYS[0]), 20))


def test_about_three_in_a_hundred_are_wrong_and_every_fault_comes_up() -> None:
    offers = [offer for slug in presets() for offer in generate(3, slug, 3_000, DAYS[0])]
    wrong = Counter(offer.expected for offer in offers if offer.expected)
    assert 0.8 * WRONG < wrong.total() / len(offers) < 1.2 * WRONG
    assert {frozenset(fault.codes) for fault in FAULTS} == set(wrong)


def test_offers_are_spread_over_all_sectors_levels_and_many_communes() -> None:
    documents = [offer.document for offer in generate(5, "occitanie", 3_000, DAYS[0], wrong=0.0)]
    assert {f"s{number}" for number in range(1, 52)} == {document["sector"] for document in documents}
    assert {"quatrieme", "troisieme", "seconde"} == {level for document in documents for level in document["levels"]}
    assert len({document["location"]["postal_code"] for document in documents}) > 150


def test_every_value_of_a_field_with_a_closed_list_comes_up() -> None:
    """By the schema: a new field needs no edit of the generator."""
    documents = [offer.document for offer in generate(5, "occitanie", 300, DAYS[0], wrong=0.0)]
    lists = {name: set(form["enum"]) for name, form in schemas.schema("offer")["properties"].items() if "enum" in form}
    assert lists == {name: {document[name] for document in documents if name in document} for name in lists}
    assert "accessibility" in lists


def test_most_offers_of_a_region_are_in_its_territory() -> None:
    territory = presets()["bretagne"].territory
    verdicts = [schemas.check(offer.raw, on=DAYS[0]) for offer in generate(5, "bretagne", 1_000, DAYS[0], wrong=0.0)]
    at_home = sum(verdict.territory["department"] in territory for verdict in verdicts if verdict.territory)
    assert 750 < at_home < 950


def test_seconde_goes_in_the_mandatory_weeks_of_the_current_school_year() -> None:
    year = year_of(date(2027, 6, 14))
    offers = [offer.document for offer in generate(5, "grand-est", 300, DAYS[0], wrong=0.0)]
    assert year is not None
    assert {year.weeks} == {tuple(offer["weeks"]) for offer in offers if offer["levels"] == ["seconde"]}


def test_a_revised_offer_is_judged_like_the_one_before() -> None:
    for offer in generate(9, "ile-de-france", 300, DAYS[0], wrong=0.5):
        later = revised(offer, 7)
        verdict = schemas.check(later.raw, on=DAYS[0])
        assert (offer.id, 7, offer.accepted) == (verdict.id, verdict.revision, verdict.accepted)
        assert offer.expected == {problem.code for problem in verdict.problems}


def test_a_withdrawal_is_a_valid_line() -> None:
    offer = next(generate(9, "ile-de-france", 1, DAYS[0]))
    verdict = schemas.check_submission(withdrawal(offer, 2, "filled"), on=DAYS[0])
    assert (True, offer.id, 2, "filled") == (verdict.accepted, verdict.id, verdict.revision, verdict.withdrawal)


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
