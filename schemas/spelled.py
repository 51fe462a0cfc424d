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
_MOST_TOKENS = 24
_COUNTED = [*range(1, 10)]


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
    """The end of the number that begins at ``start``; None if it is not ten digits long, or only counts from 0 to 9.

    ``quatre vingt-six`` is 4 26 or 86: all readings are followed, each with its digits so far and its last value.
    """
    head = start.group()
    digits = "".join(filter(str.isdigit, head)) or "0"
    readings = {(len(digits), 0, 0)}
    values: list[int] = []
    wanted = _DIGITS_OF_A_NUMBER
    at, words, end = start.end(), not head[0].isdigit(), None
    for _ in range(_MOST_TOKENS):
        token = _TOKEN.match(text, at)
        if token is None:
            break
        word = (token[1] or "").lower()
        value, width = (_VALUES[word], 0) if word else (int(token[2]), len(token[2]))
        if not values and len(digits) == 1:
            wanted += (token[2] or str(value))[0] == "0"  # a 0 after the country code
        values.append(value)
        words = words or bool(word)
        readings = {reading for known in readings for reading in _continued(known, word, value, width)}
        readings = {reading for reading in readings if reading[0] <= wanted}
        at = token.end()
        if not readings:
            break
        if words and values != _COUNTED and any(reading[0] == wanted for reading in readings):
            end = at
    return end


def _continued(reading: tuple[int, int, int], word: str, value: int, width: int) -> Iterator[tuple[int, int, int]]:
    """The readings that a value allows: by itself, or added to the last one if French joins them (soixante-dix-huit,
    quatre-vingt-un). ``width`` is the number of digits of a value that is not a word.
    """
    length, last, last_width = reading
    if not word:
        yield length + width, value, width
        return
    wide = 2 if value > 9 else 1
    yield length + wide, value, wide
    if word.startswith("vingt") and (last, last_width) == (4, 1):
        yield length + 1, 80, 2
    elif last_width == 2 and _joins(last, value):
        yield length, last + value, 2


def _joins(last: int, value: int) -> bool:
    """Whether French adds a word's value to the one before it."""
    if 1 <= value <= 6:
        return last in (20, 30, 40, 50, 60, 70, 80, 90)
    if 7 <= value <= 9:
        return last in (10, 20, 30, 40, 50, 60, 70, 80, 90)
    return 10 <= value < 17 and last in (60, 80)
