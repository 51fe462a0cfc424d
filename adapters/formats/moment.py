"""Parsers of dates, hours and weeks: in French, English and ISO notations, or by a pattern such as ``MM/DD/YYYY``."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from adapters.formats.problem import UnreadableValueError
from adapters.formats.text import plain
from schemas.schoolyear import monday_of, years

PARIS = ZoneInfo("Europe/Paris")
MAX_WEEKS = 60
"""The most weeks of an offer."""

_MONTHS = (
    ("janvier", "fevrier", "mars", "avril", "mai", "juin", "juillet", "aout", "septembre", "octobre", "novembre",
     "decembre"),
    ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
     "december"),
)  # fmt: skip
_MONTH = {name: number for names in _MONTHS for number, name in enumerate(names, 1)}

_CLOCK = r"(?:[T ,]{1,3}(?:à )?(?P<hour>[01]?\d|2[0-3])[:h](?P<minute>[0-5]\d)(?::[0-5]\d(?:[.,]\d{1,9})?)?)?"
_ZONE = r"\s?(?P<zone>Z|UTC|[+-][0-2]\d:?[0-5]\d)?"
_DATE = re.compile(
    r"(?<!\d)(?:(?P<year>20\d\d)[-/.](?P<month>\d\d?)[-/.](?P<day>\d\d?)"
    r"|(?P<fr_day>\d\d?)[-/.](?P<fr_month>\d\d?)[-/.](?P<fr_year>20\d\d|\d\d(?!\d))"
    r"|(?P<text_day>\d\d?)(?:er)?\s+(?P<text_month>[^\W\d_]{3,9})\.?\s+(?P<text_year>20\d\d))"
    rf"(?!\d){_CLOCK}{_ZONE}"
)
_WEEK = re.compile(r"(?<![\dA-Za-z])(20\d\d)[\s-]?[WSws](\d\d?)(?!\d)")
_WEEK_BEFORE_YEAR = re.compile(r"(?:\b[WSws]|\bsem(?:aine|\.)?\s*)(\d\d?)[\s/(-]{1,3}(20\d\d)(?!\d)", re.IGNORECASE)
_RANGE = re.compile(r"\s*(?:au|à|to|until|jusqu['’]au|-|–|—|→|/|>)\s*", re.IGNORECASE)

_TIME = re.compile(
    r"(?<!\d)(?P<hour>[01]?\d|2[0-3])"
    r"(?:\s?[hH](?:\s?(?P<past>[0-5]\d)(?!\d|\s?[hH:]))?|:(?P<minute>[0-5]\d)(?::[0-5]\d)?)(?!\d)"
)
_BARE = re.compile(r"\s*([01]?\d|2[0-3])\s*(?:-|–|à)\s*([01]?\d|2[0-3])\s*")
_PARTS = {
    "YYYY": ("year", r"20\d\d"),
    "YY": ("short_year", r"\d\d"),
    "MM": ("month", r"\d\d"),
    "DD": ("day", r"\d\d"),
    "HH": ("hour", r"[01]\d|2[0-3]"),
    "mm": ("minute", r"[0-5]\d"),
    "ss": ("second", r"[0-5]\d"),
    "M": ("month", r"\d\d?"),
    "D": ("day", r"\d\d?"),
    "H": ("hour", r"[01]?\d|2[0-3]"),
}
_TOKEN = re.compile("|".join(_PARTS))


@dataclass(frozen=True, slots=True)
class _Found:
    """A date in a text, with its start and end index."""

    day: date
    begin: int
    end: int


def read_date(text: str) -> date:
    """The day of the one date in a text, in ISO or French order, with the month as a number or a name.

    A time after the date is ignored; a time with a zone is converted to Europe/Paris first. Raises
    UnreadableValueError.
    """
    found = _find_dates(text)
    if len(found) != 1:
        raise UnreadableValueError("date-unreadable", text)
    return found[0].day


def read_weeks(texts: Iterable[str]) -> list[str]:
    """The ISO weeks of the texts, sorted: given by number, by a date, or by the first and last day.

    Two dates with a dash or *au* between them are a span, which covers each week that has a working day in it. Raises
    UnreadableValueError.
    """
    weeks: set[str] = set()
    for text in texts:
        found = {*_numbered(text), *_dated(text)}
        if not found:
            raise UnreadableValueError("weeks-unreadable", text)
        weeks |= found
    return sorted(weeks)


def read_hours(texts: Sequence[str]) -> dict[str, str | int]:
    """``start``, ``end`` and ``break_minutes`` of a day from ``9h-17h`` or ``9:00-12:30 / 13:30-17:00``.

    The gap between two spans is the break. Raises UnreadableValueError.
    """
    text = " - ".join(texts)
    times = [int(match["hour"]) * 60 + int(match["past"] or match["minute"] or 0) for match in _TIME.finditer(text)]
    bare = _BARE.fullmatch(text)
    if bare:
        times = [int(bare[1]) * 60, int(bare[2]) * 60]
    if len(times) not in (2, 4) or times != sorted(set(times)):
        raise UnreadableValueError("hours-unreadable", text)
    hours: dict[str, str | int] = {"start": _clock(times[0]), "end": _clock(times[-1])}
    if len(times) == 4:
        hours["break_minutes"] = times[2] - times[1]
    return hours


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _find_dates(text: str) -> list[_Found]:
    found = []
    for match in _DATE.finditer(text):
        day = _day_of(match)
        if day is None:
            raise UnreadableValueError("date-unreadable", match[0])
        found.append(_Found(day, *match.span()))
    return found


def _day_of(match: re.Match[str]) -> date | None:
    year = match["year"] or match["fr_year"] or match["text_year"]
    month = match["month"] or match["fr_month"] or _month(match["text_month"])
    day = match["day"] or match["fr_day"] or match["text_day"]
    try:
        found = date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day))
        if not match["zone"] or not match["hour"]:
            return found
        zone = "+00:00" if match["zone"] in ("Z", "UTC") else match["zone"]
        instant = datetime.strptime(f"{found} {match['hour']}:{match['minute']} {zone}", "%Y-%m-%d %H:%M %z")
        return instant.astimezone(PARIS).date()
    except (ValueError, OverflowError):
        return None


def _month(name: str) -> int:
    """The number of a month from its name or an unambiguous prefix of it; 0 if there is none."""
    known = plain(name)
    fitting = {number for month, number in _MONTH.items() if month.startswith(known)}
    return _MONTH.get(known) or (fitting.pop() if len(fitting) == 1 else 0)


def _numbered(text: str) -> set[str]:
    named = [(match[1], match[2]) for match in _WEEK.finditer(text)]
    named += [(match[2], match[1]) for match in _WEEK_BEFORE_YEAR.finditer(text)]
    weeks = {f"{year}-W{int(number):02}" for year, number in named}
    for week in weeks:
        if monday_of(week) is None:
            raise UnreadableValueError("weeks-unreadable", text)
    return weeks


def _dated(text: str) -> set[str]:
    found = _find_dates(text)
    weeks: set[str] = set()
    while found:
        first = last = found.pop(0)
        if found and _RANGE.fullmatch(text[first.end : found[0].begin]):
            last = found.pop(0)
        weeks |= _span(first.day, last.day, text)
    return weeks


def _span(first: date, last: date, text: str) -> set[str]:
    """The weeks of the working days from ``first`` to ``last``; the week of ``first`` if there are none."""
    if not 0 <= (last - first).days <= 7 * MAX_WEEKS:
        raise UnreadableValueError("weeks-unreadable", text)
    days = [first + timedelta(number) for number in range((last - first).days + 1)]
    working = [day for day in days if day.isoweekday() <= 5]
    return {"{}-W{:02}".format(*day.isocalendar()[:2]) for day in working or [first]}


def school_weeks(on: date) -> tuple[str, ...]:
    """The internship weeks of the seconde classes: the first of the calendar that have not ended on ``on``.

    Raises UnreadableValueError if the calendar ends before that day.
    """
    for year in years():
        last = monday_of(year.weeks[-1])
        if last is not None and on <= last + timedelta(days=6):
            return year.weeks
    raise UnreadableValueError("school-weeks-unknown", on.isoformat())


def read_day(text: str, pattern: str) -> str:
    """The ISO date of a text that matches the pattern. Raises UnreadableValueError."""
    found = _match(text, pattern, "date-unreadable")
    year = found.get("year") or "20" + found["short_year"]
    try:
        return date(int(year), int(found["month"]), int(found["day"])).isoformat()
    except ValueError:
        raise UnreadableValueError("date-unreadable", text) from None


def read_time(text: str, pattern: str) -> str:
    """The time of a text that matches the pattern, as ``HH:MM``. Raises UnreadableValueError."""
    found = _match(text, pattern, "hours-unreadable")
    return f"{int(found['hour']):02}:{int(found.get('minute') or 0):02}"


def is_day_pattern(pattern: str) -> bool:
    """Whether the pattern has day, month and year, each once."""
    parts = _parts(pattern)
    return sorted(set(parts) - {"hour", "minute", "second"}) in (
        ["day", "month", "year"],
        ["day", "month", "short_year"],
    ) and len(parts) == len(set(parts))


def is_time_pattern(pattern: str) -> bool:
    """Whether the pattern has the hour and no part of a date."""
    parts = _parts(pattern)
    return "hour" in parts and set(parts) <= {"hour", "minute", "second"} and len(parts) == len(set(parts))


def _parts(pattern: str) -> list[str]:
    return [_PARTS[token][0] for token in _TOKEN.findall(pattern)]


def _match(text: str, pattern: str, code: str) -> dict[str, str]:
    match = _compile(pattern).fullmatch(text.strip())
    if match is None:
        raise UnreadableValueError(code, text)
    return match.groupdict()


@lru_cache(maxsize=256)
def _compile(pattern: str) -> re.Pattern[str]:
    """Compile the pattern to a regular expression; other characters match literally, so none is slow."""
    pieces, at = [], 0
    for token in _TOKEN.finditer(pattern):
        name, form = _PARTS[token[0]]
        pieces += [re.escape(pattern[at : token.start()]), f"(?P<{name}>{form})"]
        at = token.end()
    return re.compile("".join(pieces) + re.escape(pattern[at:]), re.ASCII)
