"""Date and time patterns of a mapping, such as ``MM/DD/YYYY``."""

import re
from datetime import date
from functools import lru_cache

from adapters.formats.error import UnreadableValueError

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


def read_day(text: str, pattern: str) -> str:
    """Return the ISO date of a text that matches the pattern. Raises UnreadableValueError."""
    found = _match(text, pattern, "date-unreadable")
    year = found.get("year") or "20" + found["short_year"]
    try:
        return date(int(year), int(found["month"]), int(found["day"])).isoformat()
    except ValueError:
        raise UnreadableValueError("date-unreadable", text) from None


def read_time(text: str, pattern: str) -> str:
    """Return the time of a text that matches the pattern, as ``HH:MM``. Raises UnreadableValueError."""
    found = _match(text, pattern, "hours-unreadable")
    return f"{int(found['hour']):02}:{int(found.get('minute') or 0):02}"


def is_day_pattern(pattern: str) -> bool:
    """Return whether the pattern has day, month and year, each once."""
    parts = _parts(pattern)
    return sorted(set(parts) - {"hour", "minute", "second"}) in (
        ["day", "month", "year"],
        ["day", "month", "short_year"],
    ) and len(parts) == len(set(parts))


def is_time_pattern(pattern: str) -> bool:
    """Return whether the pattern has the hour and no part of a date."""
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
