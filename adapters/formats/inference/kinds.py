"""Kinds of values: what share of the values at a path is a postcode, a date, an address or a sector."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from math import inf
from statistics import median
from typing import TypeVar

from adapters.formats.field import (
    read_accessibility,
    read_levels,
    read_naf,
    read_number,
    read_seats,
    read_siret,
    read_stay,
    read_yes_no,
)
from adapters.formats.gazetteer import area_of, read_country
from adapters.formats.inference.survey import PathValues
from adapters.formats.locality import Locality, resolve
from adapters.formats.location_texts import Written
from adapters.formats.moment import read_date, read_day, read_hours, read_weeks
from adapters.formats.problem import UnreadableValueError
from adapters.formats.sector import find_sector
from adapters.formats.text import html_to_text, one_line, plain
from schemas.communes import communes_of, exists
from schemas.rules.identifier import is_siret, is_uai

DATE_PATTERNS = ("MM/DD/YYYY", "YYYYMMDD", "DDMMYYYY", "MM-DD-YYYY", "YYYYMMDDTHHmmss")
"""Notations of dates that are not read without a pattern, the likeliest first."""

_URL = re.compile(r"(?:https?://|www\.)[^\s/]+\.[^\s]+", re.IGNORECASE)
_BARE_HOST = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,10}(?:/\S*)?", re.IGNORECASE)
_HOST_ONLY = re.compile(r"(?:https?://)?(?:[a-z0-9-]+\.)+[a-z]{2,10}/?(?:[a-z]{2}/?)?", re.IGNORECASE)
_FILE = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|ico|pdf|docx?|mp4)(?:\?|$)", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"(?:\+33|0)[\s.-]?[1-9](?:[\s.-]?[0-9]{2}){4}")
_POSTCODE = re.compile(r"[0-9]{5}")
_SHORT_POSTCODE = re.compile(r"[1-9][0-9]{3}(?:\.0)?")
_HELD_POSTCODE = re.compile(r"(?<![0-9])([0-9]{5})(?![0-9])")
_INSEE = re.compile(r"(?:[0-9]{2}|2[AB])[0-9]{3}")
_ISO_WEEK = re.compile(r"(?:20[0-9]{2}[\s-]?[WSws][0-9]{1,2}|[Ss](?:em(?:aine)?)?\.?\s?[0-9]{1,2}\D{1,3}20[0-9]{2})")
_WEEK_NUMBERS = re.compile(
    r"(?:(?:[SWsw]|sem(?:aine)?s?\.?)\s?[0-5]?[0-9]|1[0-9]|[2-5][0-9])(?:\s*[,;/+&]\s*(?:[SWsw]\s?)?[0-5]?[0-9])*"
)
_NAF = re.compile(r"[0-9]{2}\.?[0-9]{2}[A-Z]")
_ROME = re.compile(r"[A-N][0-9]{4}")
_UAI = re.compile(r"[0-9]{7}[A-Z]")
_SMALL = re.compile(r"(?:P?([0-9]{1,2})(?:[.,]0)?\s*(?:[WDwd]|sem(?:aines?|\.)?|weeks?|jours?|days?)?)")
_MARKUP = re.compile(
    r"</?(?:p|br|ul|li|div|strong|b|em|h[1-6]|span|ol|a)\b|&(?:lt|amp|nbsp|eacute|rsquo|#[0-9]+);", re.IGNORECASE
)
_SHORTENED = re.compile(r"(?:…|\.\.\.|&hellip;|&#8230;|\[\W*\])\W*(?:</?\w+>\s*)*$")
_LETTER = re.compile(r"[^\W\d_]")
_ABSOLUTE_TIME = re.compile(r"[0-9]{10}|[0-9]{13}")
_STREET = re.compile(
    r"\b(?:rue|avenue|av|boulevard|bd|place|quai|chemin|route|impasse|allee|cours|square|zone|za|zi|lieu dit|voie)\b"
)
_MAX_CHARACTERS = 400
_POSSIBLE = 0.6
"""The least share of dates among the values of a path of dates."""
_MAX_WEEKS = 2000
_LEVEL_CHARACTERS = 120

Value = TypeVar("Value")


def _readable(
    read: Callable[[str], Value], fits: Callable[[Value], bool] = lambda _: True, *, most: float = inf
) -> Callable[[str], bool]:
    """A predicate: whether a text of at most ``most`` characters can be read, as a value that fits."""

    def is_readable(text: str) -> bool:
        try:
            return len(text) <= most and fits(read(text))
        except UnreadableValueError:
            return False

    return is_readable


_are_weeks = _readable(lambda text: read_weeks([text]), most=_MAX_WEEKS)
_is_date = _readable(read_date, most=60)
_is_latitude = _readable(read_number, lambda at: at != 0 and (41 <= at <= 51.5 or -22 <= at <= 18.5))
_is_longitude = _readable(read_number, lambda at: at != 0 and (-5.5 <= at <= 10 or -64 <= at <= 56))


def _is_postcode(text: str) -> bool:
    code = text.strip().replace(" ", "")
    code = f"0{code[:4]}" if _SHORT_POSTCODE.fullmatch(code) else code
    return _POSTCODE.fullmatch(code) is not None and bool(communes_of(code))


def _is_insee(text: str) -> bool:
    return _INSEE.fullmatch(text.strip()) is not None and exists(text.strip())


@lru_cache(maxsize=2048)
def _is_town(text: str) -> bool:
    text = one_line(text)
    if len(text) > 80 or not _LETTER.search(text) or _URL.match(text):
        return False
    found = resolve(Written(city=text))
    return isinstance(found, Locality) or found.note.code in ("location-ambiguous", "location-abroad")


@lru_cache(maxsize=2048)
def _is_address(text: str) -> bool:
    """Whether a text holds a postcode and the name of a commune that it serves."""
    held = _HELD_POSTCODE.search(text)
    if held is None or len(text) > _MAX_CHARACTERS or not _LETTER.search(text) or _URL.match(text.strip()):
        return False
    line = one_line(text)
    return isinstance(resolve(Written(postcode=line, city=line)), Locality)


def _is_school(text: str) -> bool:
    return _UAI.fullmatch(text.strip().upper()) is not None and is_uai(text.strip().upper())


def _has_decimals(text: str) -> bool:
    return "." in text.replace(",", ".")


def _is_url(text: str) -> bool:
    return _URL.fullmatch(text.strip()) is not None


def _is_title(text: str) -> bool:
    """Whether a text is a short phrase: no code, address, number or date."""
    text = one_line(html_to_text(text)) if _MARKUP.search(text) else text.strip()
    return 3 <= len(text) <= 200 and _is_phrase(text)


def _is_phrase(text: str) -> bool:
    letters = len(_LETTER.findall(text[:_MAX_CHARACTERS]))
    if letters < 3 or _URL.match(text) or _EMAIL.fullmatch(text) or _PHONE.fullmatch(text):
        return False
    return letters >= len(text[:_MAX_CHARACTERS].replace(" ", "")) / 2 and not (
        len(text) <= 60 and (_is_date(text) or _ISO_WEEK.fullmatch(text) is not None)
    )


def _is_prose(text: str) -> bool:
    return len(text) >= 25 and " " in text.strip() and not _URL.fullmatch(text.strip()) and _is_phrase(text)


def _is_sector(text: str) -> bool:
    return find_sector(one_line(text)) is not None


def _is_named_sector(text: str) -> bool:
    return bool(_LETTER.search(text)) and len(text) > 3 and _is_sector(text)


KINDS: Mapping[str, Callable[[str], bool]] = {
    "url": _is_url,
    "site": lambda text: _is_url(text) or _BARE_HOST.fullmatch(text.strip()) is not None,
    "host": lambda text: _HOST_ONLY.fullmatch(text.strip()) is not None,
    "file": lambda text: _FILE.search(text) is not None,
    "email": lambda text: _EMAIL.fullmatch(text.strip()) is not None,
    "phone": lambda text: _PHONE.fullmatch(text.strip()) is not None,
    "postcode": _is_postcode,
    "insee": _is_insee,
    "town": _is_town,
    "address": _is_address,
    "area": lambda text: len(text) <= 60 and bool(area_of(text)),
    "department": lambda text: len(text) <= 60 and len(area_of(text)) == 1,
    "country": lambda text: len(text) <= 60 and read_country(text) is not None,
    "date": _is_date,
    "iso_week": lambda text: _ISO_WEEK.search(text) is not None and _are_weeks(text),
    "weeks": _are_weeks,
    "year": lambda text: re.fullmatch(r"20[0-9]{2}", text.strip()) is not None,
    "week_of_year": lambda text: re.fullmatch(r"(?:0?[1-9]|[1-4][0-9]|5[0-3])", text.strip()) is not None,
    "week_number": lambda text: _WEEK_NUMBERS.fullmatch(text.strip()) is not None,
    "levels": _readable(lambda text: read_levels([text]), most=_LEVEL_CHARACTERS),
    "sector": _is_sector,
    "sector_name": _is_named_sector,
    "naf": lambda text: _NAF.fullmatch(read_naf(text).replace(" ", "")) is not None,
    "siret": _readable(read_siret, is_siret),
    "rome": lambda text: _ROME.fullmatch(text.strip()) is not None,
    "uai": _is_school,
    "yes_no": _readable(read_yes_no),
    "accessibility": _readable(read_accessibility),
    "count": _readable(read_seats, lambda number: 1 <= number <= 6000),
    "stay": _readable(read_stay, lambda number: 1 <= number <= 2),
    "duration": lambda text: (found := _SMALL.fullmatch(text.strip())) is not None and 1 <= int(found[1]) <= 30,
    "latitude": lambda text: _has_decimals(text) and _is_latitude(text),
    "longitude": lambda text: _has_decimals(text) and _is_longitude(text),
    "hours": _readable(lambda text: read_hours([text])),
    "title": _is_title,
    "prose": _is_prose,
    "shortened": lambda text: _SHORTENED.search(text) is not None,
    "street": lambda text: (
        len(text) <= 150 and (bool(_STREET.search(plain(text))) or text[:1].isdigit()) and bool(_LETTER.search(text))
    ),
    "epoch": lambda text: _ABSOLUTE_TIME.fullmatch(text.strip()) is not None,
    "clock": lambda text: re.search(r"[T ][0-9]{2}:[0-9]{2}", text) is not None,
    "markup": lambda text: _MARKUP.search(text) is not None,
}
"""Whether a text is of each kind."""


def share(values: PathValues, kind: str) -> float:
    """The share of the values at a path that are of a kind."""
    known = values.kinds.get(kind)
    if known is None:
        counts = values.counts
        found = sum(count for text, count in counts.items() if KINDS[kind](text))
        known = values.kinds[kind] = found / counts.total() if counts else 0.0
    return known


def middle_length(values: PathValues) -> float:
    """The median length of the texts at a path."""
    texts = values.values
    return float(median(map(len, texts))) if texts else 0.0


def date_pattern(counts: Mapping[str, int]) -> str | None:
    """The pattern by which dates are read: empty if none is needed, None if they are no dates. ``counts``: how often
    each text occurs.

    Two numbers before a year are day and month, unless more of them can only be month and day. A few other texts, such
    as 31/06/2027 or ``bientôt``, do not change what the others are.
    """
    texts = {one_line(text): count for text, count in counts.items()}
    readers: list[tuple[str, Callable[[str], bool]]] = [("", _is_date)]
    readers += [(pattern, _readable(partial(read_day, pattern=pattern))) for pattern in DATE_PATTERNS]
    total = sum(texts.values())
    best, most = None, _POSSIBLE * total
    for pattern, is_readable in readers:
        found = sum(count for text, count in texts.items() if is_readable(text))
        if found > most or (found == most and best is None and found):
            best, most = pattern, found
        if found == total:
            break
    return best
