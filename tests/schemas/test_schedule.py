"""Hours of presence: in order, within the limits of day, week and age, with a break (OFR-029 to OFR-032)."""

from typing import Any

import pytest

from tests.schemas.documents import changed, check, errors, found


def day(start: str, end: str, pause: int | None = None) -> dict[str, Any]:
    """The hours of one day."""
    return {"start": start, "end": end} | ({} if pause is None else {"break_minutes": pause})


def week(hours: dict[str, Any], days: int) -> dict[str, Any]:
    """The same hours on the first days of the week."""
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    return dict.fromkeys(names[:days], hours)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ({"monday": day("09:00", "17:00", 60)}, []),
        ({"monday": day("09:00", "09:00")}, [("hours-reversed", "/schedule/monday/end")]),
        ({"monday": day("17:00", "09:00", 60)}, [("hours-reversed", "/schedule/monday/end")]),
        ({"monday": day("09:00", "09:30", 30)}, [("break-too-long", "/schedule/monday/break_minutes")]),
        ({"monday": day("09:00", "17:00", 59)}, [("day-too-long", "/schedule/monday")]),
        ({"monday": day("09:00", "16:00")}, []),
        ({"monday": day("09:00", "16:01")}, [("day-maybe-too-long", "/schedule/monday")]),
        (week(day("09:00", "17:00", 60), 5), []),
        (week(day("09:00", "17:00", 60), 6), [("too-many-days", "/schedule"), ("week-too-long", "/schedule")]),
        (week(day("09:00", "12:00", 0), 6), [("too-many-days", "/schedule")]),
        (
            {**week(day("09:00", "17:00", 60), 4), "friday": day("09:00", "16:00")},
            [],
        ),
        (
            {**week(day("09:00", "16:00"), 5), "saturday": day("09:00", "09:01")},
            [("too-many-days", "/schedule"), ("week-maybe-too-long", "/schedule")],
        ),
        ({"monday": day("09:00", "13:30", 0)}, []),
        ({"monday": day("09:00", "13:31", 0)}, [("break-too-short", "/schedule/monday/break_minutes")]),
        ({"monday": day("09:00", "13:31", 30)}, []),
        ({"monday": day("06:00", "10:00")}, []),
        ({"monday": day("05:59", "10:00")}, [("hours-at-night", "/schedule/monday")]),
        ({"monday": day("18:00", "22:00")}, []),
        ({"monday": day("18:00", "22:01")}, [("hours-at-night", "/schedule/monday")]),
        ({"lunch_break": "Repas pris sur place, au réfectoire."}, []),
    ],
)
def test_hours_of_presence(schedule: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    """OFR-029, OFR-030, OFR-031, OFR-032"""
    assert found(check(changed(schedule=schedule))) == expected


def test_collegiens_have_shorter_hours() -> None:
    """OFR-030, OFR-032"""
    fields = {"levels": ["troisieme"], "stay_weeks": 1}
    assert found(check(changed(schedule=week(day("09:00", "16:00", 60), 5), **fields))) == []
    longer = changed(schedule=week(day("09:00", "16:01", 60), 5), **fields)
    assert found(check(longer)) == [("college-week-too-long", "/schedule")]
    assert found(check(changed(schedule={"monday": day("16:00", "20:00")}, **fields))) == []
    late = changed(schedule={"monday": day("16:00", "20:01")}, **fields)
    assert found(check(late)) == [("hours-at-night", "/schedule/monday")]


@pytest.mark.parametrize("time", ["9:00", "24:00", "09:60", "09h00", "0900", "09:00\n", "\u0660\u0669:00"])
def test_times_are_padded_hours_and_minutes(time: str) -> None:
    """OFR-029"""
    assert errors(check(changed(schedule={"monday": day(time, "17:00")}))) == [
        ("time-malformed", "/schedule/monday/start")
    ]


def test_a_break_written_with_a_fraction_is_whole_in_the_offer() -> None:
    """OFR-039"""
    verdict = check(changed(schedule={"monday": {"start": "09:00", "end": "17:00", "break_minutes": 60.0}}))
    assert verdict.offer is not None
    assert repr(verdict.offer["schedule"]["monday"]["break_minutes"]) == "60"
