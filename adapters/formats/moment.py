"""Parsers of dates, hours and weeks: in French, English and ISO notations, or by a pattern such as ``MM/DD/YYYY``."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from adapters.formats.problem import UnreadableValueError
from adapters.formats.text import plain
from schemas.schoolyear import monday_of, week_of, years
from schemas.texts import MONTHS

PARIS = ZoneInfo("Europe/Paris")
MAX_WEEKS = 60
"""The most weeks of an offer."""

_MONTH = {plain(name): number for names in MONTHS.values() for number, name in enumerate(names, 1)}

_CLOCK = r"(?:[T ,]{1,3}(?:à )?(?P<hour>[01]?\d|2[0-3])[:h](?P<minute>[0-5]\d)(?::[0-5]\d(?:[.,]\d{1,9})?)?)?"
_ZONE = r"\s?(?P<zone>Z|UTC|[+-][0-2]\d:?[0-5]\d)?"
_DATE = re.compile(
    r"(?<!\d)(?:(?P<year>20\d\d)[-/.](?P<month>\d\d?)[-/.](?P<day>\d\d?)"
    r"|(?P<fr_day>\d\d?)[-/.](?P<fr_month>\d\d?)[-/.](?P<fr_year>20\d\d|\d\d(?!\d))"
    r"|(?P<text_day>\d\d?)(?:er|st|nd|rd|th)?\s+(?P<text_month>[^\W\d_]{3,9})\.?,?\s+(?P<text_year>20\d\d)"
    r"|(?P<en_month>(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6})\.?\s+(?P<en_day>\d\d?)(?:st|nd|rd|th)?,?\s+(?P<en_year>20\d\d))"
    rf"(?!\d){_CLOCK}{_ZONE}"
)
_WEEK = re.compile(r"(?<![\dA-Za-z])(20\d\d)[\s-]?[WSws](\d\d?)(?!\d)")
_WEEK_BEFORE_YEAR = re.compile(r"(?:\b[WSws]|\bsem(?:aine|\.)?\s*)(\d\d?)[\s/(-]{1,3}(20\d\d)(?!\d)", re.IGNORECASE)
_RANGE = re.compile(
    r"\s*(?:au|à|to|until|jusqu['’]au|-|–|—|→|/|>)\s*"
    r"(?:(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|(?:mon|tues|wednes|thurs|fri|satur|sun)day),?\s+)?",
    re.IGNORECASE,
)

_SHARED = re.compile(
    r"(?<![\d/.-])(?P<day>\d\d?)(?:er)?(?P<month>\s+[^\W\d_]{3,9}\.?|[/.-]\d\d?)?(?P<between>\s*(?:au|à|to|-|–)\s*)"
    r"(?=\d\d?(?:er)?(?P<last>\s+[^\W\d_]{3,9}\.?|[/.-]\d\d?)(?P<year>\s+20\d\d|[/.-]20\d\d)(?!\d))",
    re.IGNORECASE,
)
"""A first day that shares the month or the year of the last day: ``14 au 25 juin 2027``, ``14/06 - 25/06/2027``."""

_WORDS_OF_SPAN = r"jusqu['’]au|au|à|to|until"
_BEFORE = re.compile(rf"(?:[-–—→>/+]|(?<![^\W_])(?:{_WORDS_OF_SPAN}))$", re.IGNORECASE)
_AFTER = re.compile(rf"\s*(?!à\s+(?-i:[A-ZÀ-Ý]))(?:[-–—→>/+]|(?:{_WORDS_OF_SPAN})\b)\s*(?=\S)", re.IGNORECASE)
"""Joins between two ends of a span, before and after the only day of a text. ``à Rennes`` is a locality."""
_MAX_JOIN = 12

_FOR = re.compile(
    r"\s*\+\s*(?:P(?P<iso>\d{1,2})(?P<iso_unit>[WD])\b"
    r"|(?P<number>\d{1,2})(?:[.,]0+)?(?![\d/.-])\s*(?P<unit>sem(?:aines?|\.)?|weeks?|jours?|days?)?(?!\s*[^\W\d_]))",
    re.IGNORECASE,
)
"""A duration after a first day or week, in weeks by default."""
_OTHER_UNIT = re.compile(r"\s*\+\s*\d{1,3}(?:[.,]\d+)?\s*(?P<word>[^\W\d_]+)")
"""A number with a word that is no unit of ``_FOR``: months, or the day of another date."""

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

    Two dates with a dash or *au* between them are a span, which covers each week that has a working day in it. A
    number after a plus sign is a duration: so many weeks from that of the date or week on, or so many days. A span of
    which one end is unreadable is unreadable. Raises UnreadableValueError.
    """
    weeks: set[str] = set()
    for text in texts:
        found = {*_numbered(text), *_dated(text)}
        if not found or _lacks_an_end(text):
            raise UnreadableValueError("weeks-unreadable", text)
        weeks |= found
    return sorted(weeks)


def holds_span(text: str) -> bool:
    """Whether a text has more than one day: a first and a last one, or several."""
    try:
        return len(_find_dates(_SHARED.sub(_completed, text))) > 1
    except UnreadableValueError:
        return False


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
    year = match["year"] or match["fr_year"] or match["text_year"] or match["en_year"]
    month = match["month"] or match["fr_month"] or _month(match["text_month"] or match["en_month"])
    day = match["day"] or match["fr_day"] or match["text_day"] or match["en_day"]
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
    named = [(match[1], match[2], match.end()) for match in _WEEK.finditer(text)]
    named += [(match[2], match[1], match.end()) for match in _WEEK_BEFORE_YEAR.finditer(text)]
    weeks = set()
    for year, number, end in named:
        week = f"{year}-W{int(number):02}"
        monday = monday_of(week)
        if monday is None:
            raise UnreadableValueError("weeks-unreadable", text)
        duration = _FOR.match(text, end)
        weeks |= {week} if duration is None else _lasting(monday, duration, text)
    return weeks


def _dated(text: str) -> set[str]:
    text = _SHARED.sub(_completed, text)
    found = _find_dates(text)
    weeks: set[str] = set()
    while found:
        first = last = found.pop(0)
        duration = _FOR.match(text, first.end)
        if duration is not None:
            weeks |= _lasting(first.day, duration, text)
            continue
        other = _OTHER_UNIT.match(text, first.end)
        if other is not None and not _month(other["word"]):
            raise UnreadableValueError("weeks-unreadable", text)
        if found and _RANGE.fullmatch(text[first.end : found[0].begin]):
            last = found.pop(0)
        weeks |= _span(first.day, last.day, text)
    return weeks


def _lacks_an_end(text: str) -> bool:
    """Whether a text joins its only day or week to something that is none: ``bientôt - 25/06/2027``."""
    text = _SHARED.sub(_completed, text)
    found = [match for pattern in (_DATE, _WEEK, _WEEK_BEFORE_YEAR) for match in pattern.finditer(text)]
    if len(found) != 1 or _FOR.match(text, found[0].end()):
        return False
    before = text[: found[0].start()].rstrip()
    joined = _BEFORE.search(before[-_MAX_JOIN:])
    if joined is not None and before[: -len(joined[0])].strip():
        return True
    after = _AFTER.match(text, found[0].end())
    return after is not None and _TIME.match(text, after.end()) is None


def _completed(match: re.Match[str]) -> str:
    return f"{match['day']}{match['month'] or match['last']}{match['year']}{match['between']}"


def _lasting(first: date, duration: re.Match[str], text: str) -> set[str]:
    """The weeks from the first day on; a first day at a weekend counts as the Monday after it."""
    number = int(duration["iso"] or duration["number"])
    if not 1 <= number <= MAX_WEEKS:
        raise UnreadableValueError("weeks-unreadable", text)
    if (duration["iso_unit"] or duration["unit"] or "W")[0].upper() in "JD":
        return _span(first, first + timedelta(number - 1), text)
    begin = first + timedelta(8 - first.isoweekday()) if first.isoweekday() > 5 else first
    return {week_of(begin + timedelta(7 * week)) for week in range(number)}


def _span(first: date, last: date, text: str) -> set[str]:
    """The weeks of the working days from ``first`` to ``last``; the week of ``first`` if there are none."""
    if not 0 <= (last - first).days <= 7 * MAX_WEEKS:
        raise UnreadableValueError("weeks-unreadable", text)
    days = [first + timedelta(number) for number in range((last - first).days + 1)]
    working = [day for day in days if day.isoweekday() <= 5]
    return {week_of(day) for day in working or [first]}


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
