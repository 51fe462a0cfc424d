"""Weeks: real ones, how far ahead, how long a stay, holidays, and until when (OFR-023 to OFR-027, OFR-040)."""

from datetime import date, timedelta

import pytest

from tests.schemas.documents import GONE, changed, check, codes, errors, found


@pytest.mark.parametrize(
    "week",
    [
        "2027-W9",
        "2027W24",
        "2027-24",
        "27-W24",
        "2027-w24",
        "2027-W00",
        "2027-W54",
        "2027-W24 ",
        "2027-W24\n",
        "2027-W\u0662\u0664",
    ],
)
def test_malformed_weeks_are_refused(week: str) -> None:
    """OFR-023"""
    assert errors(check(changed(weeks=[week, "2027-W24", "2027-W25"]))) == [("week-malformed", "/weeks/0")]


def test_an_unpadded_week_is_returned_padded() -> None:
    """OFR-023"""
    assert check(changed(weeks=["2027-W9"])).problems[0].expected == "2027-W09"


def test_week_53_exists_in_some_years_only() -> None:
    """OFR-023"""
    on = date(2026, 9, 1)
    assert errors(check(changed(weeks=["2026-W53"], levels=["troisieme"], stay_weeks=1), on=on)) == []
    assert errors(check(changed(weeks=["2027-W24", "2027-W25", "2027-W53"]))) == [("week-unreal", "/weeks/2")]


def test_the_last_week_ends_at_most_400_days_ahead() -> None:
    """OFR-024"""
    last = date.fromisocalendar(2027, 50, 7)
    offer = changed(levels=["troisieme"], stay_weeks=1, weeks=["2027-W50"])
    assert errors(check(offer, on=last - timedelta(days=400))) == []
    assert errors(check(offer, on=last - timedelta(days=401))) == [("week-too-far", "/weeks")]


def test_an_offer_is_live_until_the_sunday_of_its_last_week() -> None:
    """OFR-040, OFR-041"""
    offer = changed()
    assert check(offer, on=date(2027, 6, 27)).expires_on == "2027-06-27"
    assert errors(check(offer, on=date(2027, 6, 28))) == [("expired", "/weeks")]


def test_expires_on_is_the_last_day() -> None:
    """OFR-040, OFR-041"""
    offer = changed(expires_on="2027-01-31")
    assert check(offer, on=date(2027, 1, 31)).expires_on == "2027-01-31"
    assert errors(check(offer, on=date(2027, 2, 1))) == [("expired", "/expires_on")]
    assert errors(check(offer, on=date(2027, 6, 30))) == [("expired", "/expires_on")]


def test_expires_on_is_at_most_400_days_ahead() -> None:
    """OFR-040"""
    on = date(2026, 11, 24)
    near, far = ((on + timedelta(days=days)).isoformat() for days in (400, 401))
    assert found(check(changed(expires_on=near))) == [("expiry-after-weeks", "/expires_on")]
    assert found(check(changed(expires_on=far))) == [("expiry-too-far", "/expires_on")]


@pytest.mark.parametrize(
    "text",
    [
        "2027-02-29",
        "2027-13-01",
        "2027-00-10",
        "27-01-01",
        "20270627",
        "2027-W24-1",
        "2027-06-27T00:00:00Z",
        "2027-06-27\n",
        "1999-01-01",
    ],
)
def test_expires_on_is_a_real_date(text: str) -> None:
    """OFR-040"""
    assert errors(check(changed(expires_on=text))) == [("date-malformed", "/expires_on")]


@pytest.mark.parametrize(
    ("levels", "weeks", "stay"),
    [
        (["seconde"], ["2027-W24", "2027-W25"], 2),
        (["seconde"], ["2027-W25", "2027-W24"], 2),
        (["seconde"], ["2027-W25"], 1),
        (["seconde"], ["2027-W10", "2027-W24"], 1),
        (["seconde"], ["2026-W53", "2027-W01"], 2),
        (["troisieme"], ["2027-W24", "2027-W25"], 1),
        (["quatrieme", "troisieme"], ["2027-W24", "2027-W25"], 1),
        (["troisieme", "seconde"], ["2027-W24", "2027-W25"], 2),
    ],
)
def test_the_length_of_a_stay_has_a_default(levels: list[str], weeks: list[str], stay: int) -> None:
    """OFR-025"""
    verdict = check(changed(levels=levels, weeks=weeks, stay_weeks=GONE))
    assert verdict.offer is not None
    assert verdict.offer["stay_weeks"] == stay
    assert verdict.document is not None
    assert "stay_weeks" not in verdict.document


def test_two_weeks_need_two_weeks_in_a_row() -> None:
    """OFR-025"""
    assert errors(check(changed(weeks=["2027-W23", "2027-W25"], stay_weeks=2))) == [
        ("stay-without-weeks", "/stay_weeks")
    ]
    assert "stay-too-long" in codes(check(changed(levels=["troisieme"], stay_weeks=2)))
    assert "stay-too-long" not in codes(check(changed(levels=["troisieme", "seconde"], stay_weeks=2)))


def test_seconde_goes_in_the_mandatory_weeks() -> None:
    """OFR-026"""
    verdict = check(changed(weeks=["2027-W23", "2027-W24", "2027-W25"]))
    assert found(verdict) == [("week-outside-period", "/weeks/0")]
    assert verdict.problems[0].expected == ["2027-W24", "2027-W25"]
    assert found(check(changed(weeks=["2026-W25", "2026-W26"]), on=date(2026, 5, 1))) == []
    assert "week-outside-period" not in codes(check(changed(levels=["troisieme"], stay_weeks=1, weeks=["2027-W23"])))


@pytest.mark.parametrize(
    ("postal_code", "city", "insee", "weeks", "in_holidays"),
    [
        ("29870", "Lannilis", "29117", ["2027-W08", "2027-W09", "2027-W07", "2027-W10"], ["/weeks/0", "/weeks/1"]),
        ("69001", "Lyon", "69123", ["2027-W07", "2027-W08", "2027-W09"], ["/weeks/0", "/weeks/1"]),
        ("75001", "Paris", "75056", ["2027-W06", "2027-W07", "2027-W08"], ["/weeks/0", "/weeks/1"]),
        ("20000", "Ajaccio", "2A004", ["2027-W06", "2027-W07", "2027-W08"], []),
        ("97400", "Saint-Denis", "97411", ["2027-W06"], []),
        (
            "75001",
            "Paris",
            "75056",
            ["2026-W52", "2026-W53", "2027-W01", "2027-W27"],
            ["/weeks/0", "/weeks/1", "/weeks/3"],
        ),
    ],
)
def test_weeks_within_the_zones_holidays_are_reported(
    postal_code: str, city: str, insee: str, weeks: list[str], in_holidays: list[str]
) -> None:
    """OFR-027"""
    location = {"postal_code": postal_code, "city": city, "insee_commune": insee}
    verdict = check(changed(location=location, levels=["troisieme"], weeks=weeks, stay_weeks=1))
    assert verdict.accepted
    assert [pointer for code, pointer in found(verdict) if code == "week-in-holidays"] == in_holidays
