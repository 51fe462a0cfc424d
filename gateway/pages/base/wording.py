"""Numbers, days, times and the names of codes as they are written in French and in English."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache

import schemas
from gateway.protocol.paris_time import PARIS
from schemas.closed_list import CLOSED_LISTS, words
from schemas.offer_field import further_fields
from schemas.texts import Language, day_in_words, load_texts

_FRIDAY = timedelta(days=4)
LEVELS: Mapping[str, str] = {level: word["fr"] for level, word in words("levels").items()}
"""The names of the levels by code, which are French in both languages."""
_SPACES = (
    (re.compile(r" (?=[:»])|(?<=«) "), "\u00a0"),
    (re.compile(r"[ \u00a0](?=[;?!])"), "\u202f"),
    (re.compile(r"(?<=\d)–(?=[SW]\d)"), "–\u2060"),
)


def number(value: float, language: Language) -> str:
    """``64 218`` with a narrow no-break space in French, ``64,218`` in English."""
    written = f"{value:,}"
    return written if language == "en" else written.replace(",", "\u202f").replace(".", ",")


def day(value: date | int | str, language: Language, *, year: bool = True) -> str:
    """``9 mars 2027``, or ``9 mars``: a date, also as ISO text, or the day of an instant (aware, or in milliseconds) in
    Europe/Paris.
    """
    if isinstance(value, str):
        value = date.fromisoformat(value)
    that = value if isinstance(value, date) and not isinstance(value, datetime) else _local(value)
    written = day_in_words(that, language)
    return (written if year else written.rpartition(" ")[0]).replace(" ", "\u00a0")


def span_of_weeks(mondays: Sequence[date], language: Language) -> str:
    """``14 au 25 juin 2027 (S24–S25)``: the school days of weeks that follow each other, by their Mondays; a month or a
    year that the first and the last day have in common is written once.
    """
    first, last = mondays[0], mondays[-1] + _FRIDAY
    begin = day(first, language, year=first.year != last.year)
    if (first.year, first.month) == (last.year, last.month):
        begin = begin.partition("\u00a0")[0]
    to, letter = ("au", "S") if language == "fr" else ("to", "W")
    numbers = dict.fromkeys(monday.isocalendar().week for monday in (first, mondays[-1]))
    return f"{begin} {to} {day(last, language)} ({'–'.join(f'{letter}{number}' for number in numbers)})"


def time(value: datetime | int, language: Language) -> str:
    """``10 h 42`` in French, ``10:42`` in English: an instant (aware, or in milliseconds) in Europe/Paris."""
    that = _local(value)
    return f"{that:%H}\u00a0h\u00a0{that:%M}" if language == "fr" else f"{that:%H:%M}"


def exact(value: int, language: Language) -> str:
    """``06:01:14,203``: an instant in milliseconds, in Europe/Paris, as it is compared with the lines of a log."""
    that, mark = _local(value), "," if language == "fr" else "."
    return f"{that:%H:%M:%S}{mark}{value % 1_000:03}"


def stamp(value: int) -> str:
    """``2026-12-01 10:42:05``: an instant in milliseconds, in Europe/Paris, as spreadsheets read and sort it."""
    return f"{_local(value):%Y-%m-%d %H:%M:%S}"


def _local(value: date | int) -> datetime:
    if isinstance(value, datetime):
        return value.astimezone(PARIS)
    if isinstance(value, date):
        raise TypeError("a date has no time")
    return datetime.fromtimestamp(value / 1_000, UTC).astimezone(PARIS)


def name_of(reference: str, code: object, language: Language = "fr") -> str:
    """The name of a code in a list; empty for any other value."""
    return names_of(reference, language).get(code, "") if isinstance(code, str) else ""


@cache
def names_of(reference: str, language: Language = "fr") -> Mapping[str, str]:
    """The names of a list by code; French where the list has no others."""
    items = schemas.reference(reference)["items"]
    return {item["code"]: typographic(item.get(f"name_{language}") or item["name"]) for item in items}


@cache
def label_of(field: str, language: Language) -> str | None:
    """The label of a field of the offer, by its dotted path; None for what is no field with a text of its own."""
    known = load_texts("schemas", "reference.json")["fields"].get(field, {})
    label: str | None = known["label"][language] if "label" in known else None
    return label


def meaning_of(field: str, language: Language) -> str:
    """The meaning of a field of the offer in one sentence, by its dotted path."""
    text: str = load_texts("schemas", "reference.json")["fields"][field]["text"][language]
    return text


def yes_no(language: Language) -> Mapping[str, str]:
    """The words for both values of a flag, under ``yes`` and ``no``."""
    texts = load_texts("schemas", "reference.json")["words"]["yes_no"]
    return {value: text[language] for value, text in texts.items()}


PLAIN_FIELDS = further_fields(schemas.schema("offer"))


def plain_value(field: str, value: object, language: Language) -> str:
    """The value of one of ``PLAIN_FIELDS`` in words; empty where it is malformed."""
    if isinstance(value, bool):
        return yes_no(language)["yes" if value else "no"]
    if field == "sector":
        return name_of("sectors", value, language)
    if field in CLOSED_LISTS:
        return words(field)[value][language] if isinstance(value, str) and value in words(field) else ""
    return number(value, language) if isinstance(value, int | float) else value if isinstance(value, str) else ""


def spaced(text: str) -> str:
    """A sentence of the catalogue or of an offer with the no-break spaces of French; it is written there with plain
    ones. Numbers of weeks stay together, too.
    """
    for plain, space in _SPACES:
        text = plain.sub(space, text)
    return text


def typographic(text: str) -> str:
    """A name of a list or a text of the contract with the apostrophe of print."""
    return text.replace("'", "’")
