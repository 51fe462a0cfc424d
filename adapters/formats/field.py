"""Fields of an offer, each with the parser of its values: a mapping only gives their paths."""

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from adapters.formats.moment import read_date, read_hours, read_weeks
from adapters.formats.problem import UnreadableValueError
from adapters.formats.sector import find_sectors, labels_of
from adapters.formats.sector_evidence import nearest_sectors
from adapters.formats.text import clean, one_line, plain, read_link
from schemas.decode import SAFE_INTEGER
from schemas.offer_field import mapped_fields
from schemas.registry import schema

_NAF = re.compile(r"([0-9]{2})[. ]?([0-9]{2}) ?([A-Z])")
_SIGNS = re.compile(r"[\s.\-_/]")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+|[0-9]{1,3}(?: [0-9]{3})+)(?:[.,][0-9]{1,20})?(?:[eE][+-]?[0-9]{1,2})?")
_SIRET_DIGITS = 14
_LEVELS = {
    "quatrieme": re.compile(r"\b(?:4 ?e|4 ?eme|quatriemes?)\b"),
    "troisieme": re.compile(r"\b(?:3 ?e|3 ?eme|troisiemes?)\b"),
    "seconde": re.compile(r"\b(?:2 ?n?de|2 ?e|secondes?)\b"),
}
_COUNTED = re.compile(r"([0-9]{1,5}) ([a-z]+)(?: (?:disponibles?|available|maximum|max|au total|in all))?")
_SEATS = frozenset((
    "place", "poste", "siege", "eleve", "stagiaire", "jeune", "personne", "collegien", "lyceen", "candidat", "stage",
    "seat", "pupil", "student", "intern", "trainee", "position", "opening", "person", "people", "vacancy", "internship",
))  # fmt: skip
_WEEKS = frozenset(("semaine", "sem", "week"))
"""Words after a number that say what it counts."""
_YES = frozenset(("oui", "yes", "true", "vrai", "o", "y", "x", "1"))
_NO = frozenset(("non", "no", "false", "faux", "n", "0"))


def read_sector(text: str) -> str:
    """The sector of a text: its code, its name or a NAF code. Raises UnreadableValueError."""
    text = one_line(text)
    codes = find_sectors(text)
    if len(codes) == 1:
        return codes[0]
    if codes:
        raise UnreadableValueError("sector-ambiguous", text, expected=list(codes), near=labels_of(codes))
    near = nearest_sectors(text)
    raise UnreadableValueError("sector-unknown", text, expected=list(near), near=labels_of(near))


def read_naf(text: str) -> str:
    """A NAF code in its usual form: ``62.01Z`` for ``6201z``; other texts unchanged."""
    text = one_line(text).upper()
    match = _NAF.fullmatch(text)
    return f"{match[1]}.{match[2]}{match[3]}" if match else text


def read_siret(text: str) -> str:
    """A SIRET without spaces and dots, with leading zeros that a spreadsheet removed.

    Raises UnreadableValueError.
    """
    digits = _SIGNS.sub("", one_line(text))
    if not digits.isascii() or not digits.isdigit() or not _SIRET_DIGITS - 3 < len(digits) <= _SIRET_DIGITS:
        raise UnreadableValueError("siret-unreadable", text)
    return digits.zfill(_SIRET_DIGITS)


def read_code(text: str) -> str:
    """A code or id: the text without blanks."""
    return "".join(one_line(text).split())


def read_levels(texts: Iterable[str]) -> list[str]:
    """The levels of the texts, in the order of the schema. Raises UnreadableValueError."""
    found: set[str] = set()
    for text in texts:
        known = {level for level, words in _LEVELS.items() if words.search(plain(text))}
        if not known:
            raise UnreadableValueError("level-unknown", text)
        found |= known
    return [level for level in _LEVELS if level in found]


def read_yes_no(text: str) -> bool:
    """Whether a text means yes. Raises UnreadableValueError."""
    word = plain(text)
    if word not in _YES | _NO:
        raise UnreadableValueError("yes-no-unreadable", text)
    return word in _YES


def read_accessibility(text: str) -> str:
    """``yes``, ``no`` or ``unknown``. Raises UnreadableValueError."""
    if plain(text) in ("unknown", "inconnu", "inconnue"):
        return "unknown"
    return "yes" if read_yes_no(text) else "no"


def read_number(text: str) -> float:
    """A number with a decimal comma or point and blanks between thousands. Raises UnreadableValueError."""
    spaced = one_line(text).replace("\u00a0", " ").replace("\u202f", " ")
    if _NUMBER.fullmatch(spaced) is None or len(spaced) > 40:
        raise UnreadableValueError("number-unreadable", text)
    return float(spaced.replace(" ", "").replace(",", "."))


def read_whole(text: str) -> int:
    """A whole number within ``SAFE_INTEGER``, exact in every JSON parser. Raises UnreadableValueError."""
    number = read_number(text)
    if not number.is_integer() or abs(number) > SAFE_INTEGER:
        raise UnreadableValueError("number-unreadable", text)
    return int(number)


def read_seats(text: str) -> int:
    """A number of seats, with or without a word for them: ``2``, ``2 places``, ``3 élèves``. Raises
    UnreadableValueError.
    """
    return _read_counted(text, _SEATS)


def read_stay(text: str) -> int:
    """A number of weeks, with or without a word for them: ``2``, ``2 semaines``. Raises UnreadableValueError."""
    return _read_counted(text, _WEEKS)


def _read_counted(text: str, words: Container[str]) -> int:
    found = _COUNTED.fullmatch(plain(re.sub(r"\(s\)", "", text)))
    if found is not None and (found[2] in words or found[2].removesuffix("s") in words):
        return int(found[1])
    return read_whole(text)


Read: TypeAlias = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class One:
    """A field with one value; ``read`` raises UnreadableValueError. ``text``: the value may be cut."""

    read: Read
    text: bool = False


@dataclass(frozen=True, slots=True)
class Many:
    """A field that is built from all values found."""

    read: Callable[[Sequence[str]], Any]


@dataclass(frozen=True, slots=True)
class Located:
    """A field that is resolved together with the other fields of the location, as a member of ``Written``."""

    member: str


Field: TypeAlias = One | Many | Located

YES_NO = One(read_yes_no)


def _codes(texts: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(map(read_code, texts)))


BY_KIND: Mapping[str, Field] = {
    "line": One(one_line, text=True),
    "text": One(clean, text=True),
    "day": One(lambda text: read_date(text).isoformat()),
    "web_address": One(read_link),
    "day_hours": Many(read_hours),
    "boolean": YES_NO,
    "integer": One(read_whole),
    "number": One(read_number),
    "array": Many(_codes),
    "code": One(read_code),
}
"""The parser of a field by its kind in the schema; every other text is a code."""
_OWN: Mapping[str, Field] = {
    "employer.siret": One(read_siret),
    "employer.naf": One(read_naf),
    "location.postal_code": Located("postcode"),
    "location.city": Located("city"),
    "location.insee_commune": Located("commune"),
    "levels": Many(read_levels),
    "weeks": Many(read_weeks),
    "stay_weeks": One(read_stay),
    "seats": One(read_seats),
    "sector": One(read_sector),
    "accessibility": One(read_accessibility),
}
_HINTS: Mapping[str, Field] = {
    "location.department": Located("department"),
    "location.country": Located("country"),
}


def _fields() -> Iterator[tuple[str, Field]]:
    for field in mapped_fields(schema("offer")):
        yield field.path, _OWN.get(field.path) or BY_KIND.get(field.kind, BY_KIND["code"])
        if field.path == "location.insee_commune":
            yield from _HINTS.items()


FIELDS: Mapping[str, Field] = dict(_fields())
"""By dotted name in the shared schema, in its order, and ``HINTS``."""

HINTS = frozenset(_HINTS)
"""Fields without a counterpart in the shared schema; they help to resolve the locality."""
