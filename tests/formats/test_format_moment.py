"""Dates, weeks and hours in the ways that feeds write them."""

from contextlib import suppress
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.formats.moment import (
    is_day_pattern,
    is_time_pattern,
    read_date,
    read_day,
    read_hours,
    read_time,
    read_weeks,
    school_weeks,
)
from adapters.formats.problem import UnreadableValueError

DAY = date(2025, 5, 22)
DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31))


@pytest.mark.parametrize(
    "text",
    [
        "2025-05-22",
        "2025-05-22T08:00:00",
        "2025-05-22 00:11:19",
        "2025-05-22T02:46:50.131Z",
        "2025-05-21T22:00:00Z",
        "2025-05-21T23:30:00+01:00",
        "2025-05-22T00:30:00+0200",
        "2025/05/22",
        "22-05-2025 00:11:19",
        "22-05-2025",
        "22/05/2025",
        "22/5/2025 à 9h30",
        "22.05.2025",
        "22/05/25",
        "22 mai 2025",
        "jeudi 22 mai 2025",
        "Le 22 MAI 2025 !",
        "22 May 2025",
    ],
)
def test_a_day_is_read_however_it_is_written(text: str) -> None:
    """[FMT-008]"""
    assert DAY == read_date(text)


@pytest.mark.parametrize("text", ["1er février 2027", "1 fev. 2027", "01 FÉVRIER 2027", "1 feb 2027", "1 févr. 2027"])
def test_months_have_their_french_and_english_names(text: str) -> None:
    """[FMT-008]"""
    assert date(2027, 2, 1) == read_date(text)


@pytest.mark.parametrize(
    "text",
    ["", "bientôt", "31/02/2027", "2027-13-01", "05/22/2025", "20250522", "1748000000", "22 brumaire 2025", "1 ma 2027",
     "22/05/2025 et 23/05/2025", "122/05/2025", "22/05/1925", "22-05-20255"],
)  # fmt: skip
def test_an_invalid_day_is_not_guessed(text: str) -> None:
    """[FMT-009]"""
    with pytest.raises(UnreadableValueError) as raised:
        read_date(text)
    assert "date-unreadable" == raised.value.code


@pytest.mark.parametrize("end", ["bientôt", "à définir", "?", "-", "n.c.", "juin 2027", "0000-00-00"])
@pytest.mark.parametrize(
    "joined", ["{} - {}", "{}-{}", "{} au {}", "{} à {}", "{} – {}", "{}/{}", "{} jusqu'au {}", "{} to {}"]
)
@pytest.mark.parametrize("known", ["25/06/2028", "2028-06-25", "25 juin 2028", "2028-06-25T08:00:00Z"])
def test_a_span_with_one_unreadable_end_is_unreadable(end: str, joined: str, known: str) -> None:
    """[FMT-009]"""
    for text in (joined.format(end, known), joined.format(known, end)):
        with pytest.raises(UnreadableValueError, match="unreadable"):
            read_weeks([text])


def test_a_locality_or_an_hour_behind_a_day_is_no_end_of_a_span() -> None:
    for text in ("14/06/2027 à Rennes", "14/06/2027 à 9h", "Le 14/06/2027 à Évreux"):
        assert ["2027-W24"] == read_weeks([text]), text


@pytest.mark.parametrize("first", ["2027-W24", "14/06/2027"])
def test_an_unreadable_duration_or_last_week_makes_the_weeks_unreadable(first: str) -> None:
    """[FMT-009]"""
    for rest in (" + bientôt", " + 2 mois", " - bientôt"):
        with pytest.raises(UnreadableValueError, match="weeks-unreadable"):
            read_weeks([first + rest])


@given(DAYS, st.sampled_from(["%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y 00:11:19", "%d.%m.%Y", "%Y-%m-%dT10:00:00Z"]))
def test_every_day_comes_back(day: date, form: str) -> None:
    """[FMT-008]"""
    assert day == read_date(day.strftime(form))


JUNE = ["2027-W24", "2027-W25"]


@pytest.mark.parametrize(
    ("texts", "weeks"),
    [
        (["2027-W24", "2027-W25"], JUNE),
        (["2027-W9"], ["2027-W09"]),
        (["2027W24, 2027-S25"], JUNE),
        (["S24 2027", "semaine 25 (2027)"], JUNE),
        (["semaine 24 2027", "Sem 25 2027"], JUNE),
        (["sem. 24/2027 et sem. 25/2027"], JUNE),
        (["du 14/06/2027 au 25/06/2027"], JUNE),
        (["14/06/2027 - 25/06/2027"], JUNE),
        (["2027-06-14/2027-06-25"], JUNE),
        (["2027-06-14T08:00:00 - 2027-06-25T18:00:00"], JUNE),
        (["Du 14 juin 2027 au 25 juin 2027"], JUNE),
        (["14-06-2027 00:11:19 - 25-06-2027 00:00:00"], JUNE),
        (["du 14/06/2027 au 18/06/2027, du 21/06/2027 au 25/06/2027"], JUNE),
        (["14/06/2027, 21/06/2027"], JUNE),
        (["14/06/2027, 14/06/2028"], ["2027-W24", "2028-W24"]),
        (["25/06/2027", "14/06/2027"], JUNE),
        (["du 12/06/2027 au 20/06/2027"], ["2027-W24"]),
        (["19/06/2027"], ["2027-W24"]),
        (["28/12/2026 - 08/01/2027"], ["2026-W53", "2027-W01"]),
        (["01/01/2027"], ["2026-W53"]),
        (["du 14 au 25 juin 2027"], ["2027-W24", "2027-W25"]),
        (["14 juin au 2 juillet 2027"], ["2027-W24", "2027-W25", "2027-W26"]),
        (["14/06 - 25/06/2027"], ["2027-W24", "2027-W25"]),
        (["du 1er au 5 février 2027"], ["2027-W05"]),
        (["June 14, 2027 to June 25, 2027"], ["2027-W24", "2027-W25"]),
        (["20-06-2027"], ["2027-W24"]),
        (["du lundi 7 juin 2027 au vendredi 25 juin 2027"], ["2027-W23", *JUNE]),
        (["from Monday 14 June 2027 to Friday, 25 June 2027"], JUNE),
        (["14/06/2027 à 9h", "jusqu'au 25/06/2027"], JUNE),
        (["14/06/2027 - 9h-17h"], ["2027-W24"]),
        (["- 14/06/2027"], ["2027-W24"]),
        (["25/06/2027 -"], ["2027-W25"]),
    ],
)
def test_weeks_are_read_by_number_by_day_and_by_span(texts: list[str], weeks: list[str]) -> None:
    """[FMT-008]"""
    assert weeks == read_weeks(texts)


@pytest.mark.parametrize(
    "texts",
    [
        ["juin"],
        ["2027-W24", "bientôt"],
        ["2027-W53"],
        ["25/06/2027 - 14/06/2027"],
        ["01/01/2026 - 01/06/2027"],
        ["30/02/2027"],
    ],
)
def test_a_text_without_weeks_is_not_guessed(texts: list[str]) -> None:
    """[FMT-009]"""
    with pytest.raises(UnreadableValueError):
        read_weeks(texts)


@given(DAYS.filter(lambda day: day.year < 2098), st.integers(0, 400))
def test_a_span_gives_the_weeks_of_its_working_days(first: date, days: int) -> None:
    """[FMT-008]"""
    last = first + timedelta(days)
    working = [day for day in (first + timedelta(n) for n in range(days + 1)) if day.isoweekday() < 6] or [first]
    expected = sorted({"{}-W{:02}".format(*day.isocalendar()) for day in working})
    assert expected == read_weeks([f"{first:%d/%m/%Y} - {last:%d/%m/%Y}"])


@pytest.mark.parametrize(
    ("texts", "hours"),
    [
        (["9h-17h"], {"start": "09:00", "end": "17:00"}),
        (["9h30 à 16 h 30"], {"start": "09:30", "end": "16:30"}),
        (["09:00 - 17:00"], {"start": "09:00", "end": "17:00"}),
        (["9:00", "17:00"], {"start": "09:00", "end": "17:00"}),
        (["09:00:00", "17:00:00"], {"start": "09:00", "end": "17:00"}),
        (["9 - 17"], {"start": "09:00", "end": "17:00"}),
        (["9h-12h30 / 13h30-17h"], {"start": "09:00", "end": "17:00", "break_minutes": 60}),
        (["9h 12h 14h 17h"], {"start": "09:00", "end": "17:00", "break_minutes": 120}),
        (["de 9H à 12H et de 14H à 17H"], {"start": "09:00", "end": "17:00", "break_minutes": 120}),
    ],
)
def test_hours_of_a_day_are_read_with_their_break(texts: list[str], hours: dict[str, str | int]) -> None:
    """[FMT-008]"""
    assert hours == read_hours(texts)


@pytest.mark.parametrize(
    "texts",
    [["matin"], ["9h"], ["17h-9h"], ["9h-9h"], ["9h-12h-14h"], ["540"], ["25:00-26:00"], ["9:5-17:5"], ["9h17h"], []],
)
def test_a_text_without_hours_is_not_guessed(texts: list[str]) -> None:
    """[FMT-009]"""
    with pytest.raises(UnreadableValueError):
        read_hours(texts)


@pytest.mark.parametrize(
    ("on", "weeks"),
    [
        (date(2026, 11, 24), ("2027-W24", "2027-W25")),
        (date(2027, 6, 27), ("2027-W24", "2027-W25")),
        (date(2026, 6, 28), ("2026-W25", "2026-W26")),
        (date(2026, 6, 29), ("2027-W24", "2027-W25")),
    ],
)
def test_the_school_weeks_are_the_next_ones_that_are_not_over(on: date, weeks: tuple[str, ...]) -> None:
    """[FMT-008]"""
    assert weeks == school_weeks(on)


def test_school_weeks_beyond_the_calendar_are_not_guessed() -> None:
    """[FMT-009]"""
    with pytest.raises(UnreadableValueError):
        school_weeks(date(2080, 1, 1))


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("MM/DD/YYYY", "05/22/2025"),
        ("YYYYMMDD", "20250522"),
        ("D.M.YY", "22.5.25"),
        ("YYYY-MM-DD HH:mm:ss", "2025-05-22 00:11:19"),
        ("le DD/MM/YYYY", " le 22/05/2025 "),
        ("DD.MM.YYYY (+)", "22.05.2025 (+)"),
    ],
)
def test_a_mapping_may_say_how_dates_are_written(pattern: str, text: str) -> None:
    """[FMT-008]"""
    assert is_day_pattern(pattern)
    assert "2025-05-22" == read_day(text, pattern)


@pytest.mark.parametrize("text", ["22/05/2025", "2025-02-30", "", "2025-5-22"])
def test_a_date_that_does_not_follow_the_pattern_is_not_guessed(text: str) -> None:
    """[FMT-009]"""
    with pytest.raises(UnreadableValueError):
        read_day(text, "YYYY-MM-DD")


@pytest.mark.parametrize(
    ("pattern", "text"), [("HHmm", "0930"), ("H.mm", "9.30"), ("HH:mm:ss", "09:30:59"), ("mmHH", "3009")]
)
def test_a_mapping_may_say_how_times_are_written(pattern: str, text: str) -> None:
    """[FMT-008]"""
    assert is_time_pattern(pattern)
    assert "09:30" == read_time(text, pattern)


@pytest.mark.parametrize("pattern", ["", "YYYY-MM", "DD/MM/DD/YYYY", "HH:mm", "YYYY YY MM DD", "jj/mm/aaaa"])
def test_a_pattern_names_each_part_of_a_date_once(pattern: str) -> None:
    """[FMT-012]"""
    assert not is_day_pattern(pattern)


@pytest.mark.parametrize("pattern", ["", "mm", "HH:HH", "YYYY HH"])
def test_a_pattern_of_times_names_the_hour_and_no_date(pattern: str) -> None:
    """[FMT-012]"""
    assert not is_time_pattern(pattern)


@given(st.text())
def test_no_text_makes_a_reader_of_moments_fail_otherwise(text: str) -> None:
    """[FMT-009]"""
    for read in (read_date, lambda given: read_weeks([given]), lambda given: read_hours([given])):
        with suppress(UnreadableValueError):
            read(text)
