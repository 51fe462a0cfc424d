"""Phone numbers in French words: « zéro six douze trente-quatre … », with or without digits (OFR-034)."""

import re
from collections.abc import Iterator

_UNITS = ("zero", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf")
_TEENS = ("dix", "onze", "douze", "treize", "quatorze", "quinze", "seize")
_TENS = {"vingt": 20, "vingts": 20, "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60}
_BELGIAN = {"septante": 70, "huitante": 80, "octante": 80, "nonante": 90}
_VALUES = {
    **{word: value for value, word in enumerate(_UNITS)},
    **{word: 10 + value for value, word in enumerate(_TEENS)},
    **_TENS,
    **_BELGIAN,
    "une": 1,
    "zéro": 0,
}
_NUMBER = "|".join(sorted(_VALUES, key=len, reverse=True))
_STARTS = re.compile(
    r"(?<![^\W_])(?:(?:double z[ée]ro|z[ée]ro[\s-]z[ée]ro|plus)[\s-]{0,3}trente[\s-]{1,2}trois(?![^\W_])"
    rf"|[0o](?:(?![^\W_])|(?=(?:{_NUMBER})(?![^\W_])))|z[ée]ro(?![^\W\d_]))"
    rf"|(?<![^\W_])0[1-9](?:[\s.-]\d\d){{0,3}}(?=[\s,.(\[-]{{1,3}}(?:{_NUMBER}|quatre)(?![^\W_]))",
    re.IGNORECASE,
)
_TOKEN = re.compile(rf"[\s,.·¯/()\[\]-]{{0,3}}(?:et[\s-]{{1,2}})?(?:({_NUMBER})|(\d{{1,2}}))(?![^\W_])", re.IGNORECASE)
_DIGITS_OF_A_NUMBER = 10
_COUNTED = "0123456789"


def find_spelled(text: str) -> Iterator[tuple[int, int]]:
    """The spans of phone numbers in words. ``text`` is folded."""
    at = 0
    while start := _STARTS.search(text, at):
        end = _end_of_number(text, start)
        if end is None:
            at = start.start() + 1
        else:
            yield start.start(), end
            at = end


def _end_of_number(text: str, start: re.Match[str]) -> int | None:
    """The end of the number that begins at ``start``; None if it is not ten digits long, or only counts from 0 to 9."""
    head = start.group()
    digits = "".join(filter(str.isdigit, head)) or "0"
    values: list[tuple[int, int]] = []
    at, words, end = start.end(), not head[0].isdigit(), None
    while len(values) < _DIGITS_OF_A_NUMBER and (token := _TOKEN.match(text, at)):
        word = (token[1] or "").lower()
        words = words or bool(word)
        _append(values, word, token[2])
        at = token.end()
        spelled = digits + "".join(f"{value:0{width}d}" for value, width in values)
        if len(spelled) > _DIGITS_OF_A_NUMBER + (spelled[1] == "0"):
            break
        # Ten digits, or eleven if a 0 follows the country code.
        if words and len(spelled) == _DIGITS_OF_A_NUMBER + (spelled[1] == "0") and spelled != _COUNTED:
            end = at
    return end


def _append(values: list[tuple[int, int]], word: str, written: str | None) -> None:
    """Append a word's value, or add it to the last one if French joins them (soixante-dix-huit, quatre-vingt-un)."""
    last, width = values[-1] if values else (0, 0)
    if written is not None:
        values.append((int(written), len(written)))
        return
    value = _VALUES[word]
    if word.startswith("vingt") and (last, width) == (4, 1):
        values[-1] = (80, 2)
    elif width == 2 and _joins(last, value):
        values[-1] = (last + value, 2)
    else:
        values.append((value, 2 if value > 9 else 1))


def _joins(last: int, value: int) -> bool:
    """Whether French adds a word's value to the one before it."""
    if 1 <= value <= 6:
        return last in (20, 30, 40, 50, 60, 70, 80, 90)
    if 7 <= value <= 9:
        return last in (10, 20, 30, 40, 50, 60, 70, 80, 90)
    return 10 <= value < 17 and last in (60, 80)
