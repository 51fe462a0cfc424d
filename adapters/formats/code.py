"""Parsers of codes in their usual notations: sectors, NAF, SIRET, levels, yes and no, numbers."""

import re
from collections.abc import Iterable

from adapters.formats.error import UnreadableValueError
from adapters.formats.sector import find_sectors, labels_of, nearest_sectors
from adapters.formats.text import one_line, plain
from schemas.decode import SAFE_INTEGER

_NAF = re.compile(r"([0-9]{2})[. ]?([0-9]{2}) ?([A-Z])")
_SIGNS = re.compile(r"[\s.\-_/]")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+|[0-9]{1,3}(?: [0-9]{3})+)(?:[.,][0-9]{1,20})?(?:[eE][+-]?[0-9]{1,2})?")
_SIRET_DIGITS = 14
_LEVELS = {
    "quatrieme": re.compile(r"\b(?:4 ?e|4 ?eme|quatriemes?)\b"),
    "troisieme": re.compile(r"\b(?:3 ?e|3 ?eme|troisiemes?)\b"),
    "seconde": re.compile(r"\b(?:2 ?n?de|2 ?e|secondes?)\b"),
}
_YES = frozenset(("oui", "yes", "true", "vrai", "o", "y", "x", "1"))
_NO = frozenset(("non", "no", "false", "faux", "n", "0"))


def read_sector(text: str) -> str:
    """Return the sector of a text: its code, its name or a NAF code. Raises UnreadableValueError."""
    text = one_line(text)
    meant = find_sectors(text)
    if meant.code is not None:
        return meant.code
    if meant.codes:
        raise UnreadableValueError("sector-ambiguous", text, expected=list(meant.codes), near=labels_of(meant.codes))
    near = nearest_sectors(text)
    raise UnreadableValueError("sector-unknown", text, expected=list(near), near=labels_of(near))


def read_naf(text: str) -> str:
    """Return a NAF code in its usual form: ``62.01Z`` for ``6201z``; other texts unchanged."""
    text = one_line(text).upper()
    match = _NAF.fullmatch(text)
    return f"{match[1]}.{match[2]}{match[3]}" if match else text


def read_siret(text: str) -> str:
    """Return a SIRET without spaces and dots, with leading zeros that a spreadsheet removed.

    Raises UnreadableValueError.
    """
    digits = _SIGNS.sub("", one_line(text))
    if not digits.isascii() or not digits.isdigit() or not _SIRET_DIGITS - 3 < len(digits) <= _SIRET_DIGITS:
        raise UnreadableValueError("siret-unreadable", text)
    return digits.zfill(_SIRET_DIGITS)


def read_code(text: str) -> str:
    """Return a code or id: the text without blanks."""
    return "".join(one_line(text).split())


def read_levels(texts: Iterable[str]) -> list[str]:
    """Return the levels of the texts, in the order of the schema. Raises UnreadableValueError."""
    found: set[str] = set()
    for text in texts:
        known = {level for level, words in _LEVELS.items() if words.search(plain(text))}
        if not known:
            raise UnreadableValueError("level-unknown", text)
        found |= known
    return [level for level in _LEVELS if level in found]


def read_yes_no(text: str) -> bool:
    """Return whether a text means yes. Raises UnreadableValueError."""
    word = plain(text)
    if word not in _YES | _NO:
        raise UnreadableValueError("yes-no-unreadable", text)
    return word in _YES


def read_accessibility(text: str) -> str:
    """Return ``yes``, ``no`` or ``unknown``. Raises UnreadableValueError."""
    if plain(text) in ("unknown", "inconnu", "inconnue"):
        return "unknown"
    return "yes" if read_yes_no(text) else "no"


def read_number(text: str) -> float:
    """Return a number with a decimal comma or point and blanks between thousands. Raises UnreadableValueError."""
    spaced = one_line(text).replace("\u00a0", " ").replace("\u202f", " ")
    if _NUMBER.fullmatch(spaced) is None or len(spaced) > 40:
        raise UnreadableValueError("number-unreadable", text)
    return float(spaced.replace(" ", "").replace(",", "."))


def read_whole(text: str) -> int:
    """Return a whole number within ``SAFE_INTEGER``, exact in every JSON parser. Raises UnreadableValueError."""
    number = read_number(text)
    if not number.is_integer() or abs(number) > SAFE_INTEGER:
        raise UnreadableValueError("number-unreadable", text)
    return int(number)
