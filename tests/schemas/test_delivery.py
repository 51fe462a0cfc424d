"""What the national site would refuse is reported in advance, as warnings (NAT-001 to NAT-008)."""

from datetime import date
from typing import Any

import pytest

from schemas.schoolyear import years
from tests.schemas.documents import GONE, changed, check, found

COLLEGE = {"levels": ["troisieme"], "stay_weeks": 1}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"apply_url": "https://a.fr/attestation"}, [("not-deliverable:apply-url-word", "/apply_url")]),
        ({"apply_url": "https://TEST.a.fr/"}, [("not-deliverable:apply-url-word", "/apply_url")]),
        ({"apply_url": "https://staging.a.fr/latest"}, [("not-deliverable:apply-url-word", "/apply_url")] * 2),
        ({"restrictions": {"schools": ["0750655E"]}}, [("not-deliverable:reserved-schools", "/restrictions/schools")]),
        (
            {"redistribution": {"mask_employer": True}},
            [("not-deliverable:masked-employer", "/redistribution/mask_employer")],
        ),
        ({"employer.description": GONE}, [("employer-undescribed", "/employer/description")]),
        ({"weeks": ["2027-W24"], "stay_weeks": 1}, [("not-deliverable:mandatory-weeks", "/weeks")]),
        ({"weeks": ["2027-W24"], "stay_weeks": GONE}, [("not-deliverable:mandatory-weeks", "/weeks")]),
        ({"stay_weeks": 1}, [("not-deliverable:one-week-stay", "/stay_weeks")]),
        ({"stay_weeks": GONE}, []),
        ({"levels": ["troisieme", "seconde"]}, [("levels-mixed", "/levels")]),
        ({**COLLEGE, "weeks": ["2027-W10"]}, []),
    ],
)
def test_each_obstacle_is_a_warning(changes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    """NAT-001, NAT-002, NAT-003, NAT-004, NAT-005, NAT-007, NAT-008"""
    verdict = check(changed(changes))
    assert (verdict.accepted, found(verdict)) == (True, expected)


@pytest.mark.parametrize(
    ("postal_code", "city", "refused"),
    [
        ("97500", "Saint-Pierre", True),
        ("98600", "Uvea", True),
        ("97400", "Saint-Denis", False),
        ("98800", "Nouméa", False),
    ],
)
def test_some_postcodes_are_refused_there(postal_code: str, city: str, *, refused: bool) -> None:
    """NAT-006"""
    verdict = check(changed(location={"postal_code": postal_code, "city": city}, **COLLEGE))
    expected = [("not-deliverable:postal-code", "/location/postal_code")] if refused else []
    assert (verdict.accepted, found(verdict)) == (True, expected)


@pytest.mark.parametrize(("postal_code", "city"), [("97700", "Saint-Barthélemy"), ("97800", "Saint-Martin")])
def test_postcodes_that_the_site_lists_in_la_reunion_are_warned_about(postal_code: str, city: str) -> None:
    """NAT-006: delivered all the same."""
    verdict = check(changed(location={"postal_code": postal_code, "city": city}, **COLLEGE))
    assert verdict.accepted
    assert ("national-other-region", "/location/postal_code") in found(verdict)


@pytest.mark.parametrize("weeks", [["2029-W24", "2029-W25"], ["2029-W25", "2029-W26"], ["2029-W24"]])
def test_weeks_beyond_the_calendar_are_unknown_yet_and_not_called_wrong(weeks: list[str]) -> None:
    """NAT-003: in June 2028 offers name June 2029, whose school year may not be on file."""
    last = years()[-1].last
    later = [week.replace("2029", str(last.year + 1)) for week in weeks]
    verdict = check(changed(weeks=later, levels=["seconde"], stay_weeks=GONE), on=last.replace(month=7, day=2))
    assert verdict.accepted
    assert [("not-deliverable:year-unknown", "/weeks")] == [
        one for one in found(verdict) if one[0].startswith("not-deliverable:")
    ]


def test_a_monaco_postcode_with_a_french_commune_is_reported() -> None:
    """NAT-006"""
    location = {"postal_code": "98000", "city": "Beausoleil", "insee_commune": "06012"}
    assert ("not-deliverable:postal-code", "/location/postal_code") in found(check(changed(location=location)))


@pytest.mark.parametrize("fields", [{"redistribution": {"national": False}}, {"id": "national:7"}])
def test_offers_not_for_the_national_site_get_no_warning(fields: dict[str, Any]) -> None:
    """NAT-001"""
    offer = changed(
        {
            "employer.description": GONE,
            "apply_url": "https://test.a.fr",
            "restrictions": {"schools": ["0750655E"]},
            **fields,
        },
        stay_weeks=1,
    )
    offer["redistribution"]["mask_employer"] = True
    assert (check(offer).accepted, found(check(offer))) == (True, [])


def test_the_weeks_are_those_of_the_offers_school_year() -> None:
    """NAT-003"""
    on = date(2026, 3, 1)
    assert found(check(changed(weeks=["2026-W25", "2026-W26"]), on=on)) == []
    assert ("not-deliverable:mandatory-weeks", "/weeks") in found(check(changed(weeks=["2026-W24", "2026-W25"]), on=on))


@pytest.mark.parametrize(
    ("on", "weeks", "expected"),
    [
        # Until 30 June the site asks for the weeks of this June, from 1 July on for those of the next.
        (date(2027, 6, 30), ["2027-W24", "2027-W25", "2027-W27"], []),
        (date(2027, 7, 1), ["2027-W24", "2027-W25", "2027-W27"], ["2028-W25", "2028-W26"]),
        (date(2027, 7, 1), ["2027-W24", "2027-W25", "2028-W25", "2028-W26"], []),
        (date(2027, 6, 30), ["2028-W25", "2028-W26"], []),
    ],
)
def test_mandatory_weeks_that_the_site_counts_as_past_are_reported(
    on: date, weeks: list[str], expected: list[str]
) -> None:
    """NAT-003"""
    warnings = [
        one for one in check(changed(weeks=weeks, stay_weeks=2), on=on).problems if one.requirement == "NAT-003"
    ]
    assert [expected] * bool(expected) == [one.expected for one in warnings]


def test_mandatory_weeks_of_an_unknown_year_are_reported() -> None:
    """NAT-003: the connector delivers no seconde offer of a school year whose weeks are unknown."""
    warnings = found(check(changed(weeks=["2029-W24", "2029-W25"], stay_weeks=2), on=date(2028, 9, 1)))
    assert ("not-deliverable:year-unknown", "/weeks") in warnings
