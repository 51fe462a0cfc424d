"""Phone numbers in a folded text: French, overseas and international ones, in every usual spelling (OFR-034).

Regular expressions of bounded length find candidates; ``schemas.numbering`` then tests each by its groups, its
separators and the words beside it, so that dates, times, lists and references stay. Numbers in French words
(« zéro six douze … », with or without digits) are read word by word.
"""

import re
from collections.abc import Callable, Iterator

from schemas.candidate import PhoneCandidate
from schemas.numbering import (
    is_bare,
    is_lettered,
    is_national,
    is_prefixed,
    is_short_of_zero,
    is_uniform,
    is_worded_first,
)
from schemas.suspicion import may_hold_international, may_hold_national, may_hold_other_phone

_GAP = r"[\s.\-/_()\[\],:|·¯*~'\"=\\{}«»]{0,5}"
_SAFE = r"[\s.\-/_()\[\]{}]{0,4}"
_FRENCH = r"(?:3_3|2_6_2|5_9_0|5_9_4|5_9_6)".replace("_", _SAFE)
_PACIFIC = r"(?:5_0_8|6_8_7|6_8_9|6_8_1)".replace("_", _SAFE)
_NEIGHBOURS = r"(?:3[0-9]|4[0-9]|1|212|213|216|22[1-9]|7)"
_SUBSCRIBER = rf"(?:{_GAP}0)?{_GAP}[1-9](?:{_GAP}\d){{8}}(?!\d)"

_PLUS = re.compile(rf"\+{_SAFE}(?:{_FRENCH}{_SUBSCRIBER}|[1-9](?:{_SAFE}\d){{8,13}}(?!\d))")
_PLUS_PACIFIC = re.compile(rf"\+{_SAFE}{_PACIFIC}(?:{_SAFE}\d){{6}}(?!\d)")
_ZEROS = re.compile(
    rf"0(?<!\d0)(?<!\d[.:,]0){_SAFE}0"
    rf"(?:{_SAFE}{_FRENCH}{_SUBSCRIBER}|{_SAFE}(?={_NEIGHBOURS})[1-9](?:{_SAFE}\d){{8,12}}(?!\d))"
)
_NATIONAL = re.compile(rf"0(?<!\d0){_GAP}[1-9](?:{_GAP}\d){{8}}(?:(?!\d)|(?=0[1-9]\d{{8}}(?!\d)))")
_ROW = re.compile(r"\d\d([\s.\-/])\d\d(?:\1\d\d){3,8}(?!\d)(?!\1\d\d(?!\d))")
_EQUAL_PAIRS = re.compile(r"(?<!\d)0[1-9]([\s.\-/])\d\d(?:\1\d\d){3}(?!\d)(?!\1\d\d(?!\d))")
_PAIR = re.compile(r"\d\d")
_PAIRS, _MAX_PAIRS = 5, 14
_UNIFORM = re.compile(r"0(?<!\d0)[1-9](\W{1,5})\d\d(?:\1\d\d){3}(?!\d)")
_WORDED = re.compile(
    r"0(?<!\d0)[1-9]([\s,]{1,2}(?:et|puis|ensuite|espace|tiret|point|slash|barre|virgule)[\s,]{1,2})\d\d(?:\1\d\d){3}(?!\d)",
    re.IGNORECASE,
)
_WORDED_FIRST = re.compile(
    r"0(?<!\d0)[1-9][\s,]{1,2}(?:puis|ensuite)[\s,]{1,2}\d\d"
    r"(?:(?:[\s,]{1,2}(?:puis|ensuite))?[\s.,-]{1,2}\d\d){3}(?!\d)",
    re.IGNORECASE,
)
_LETTERED = re.compile(r"[0oO](?<![^\W_][0oO])[1-9Il]([ .\-/_]{0,2})[\dOoIl]{2}(?:\1[\dOoIl]{2}){3}(?![^\W_])")
_PLUS_LETTERED = re.compile(
    r"(?:\+|00)33[ .\-/]?(?:\(0\)[ .\-/]?)?[1-9Il]([ .\-/_]{0,2})[\dOoIl]{2}(?:\1[\dOoIl]{2}){3}(?![^\W_])"
)
_BARE = re.compile(
    r"(?:(?<![\w+])|(?<=t[eé]l)|(?<=gsm)|(?<=phone)|(?<=mobile))"
    r"(?:33|[(\[]33[)\]])[\s.\-/]?(?:[(\[]?0[)\]]?[\s.\-/]?)?[1-9](?:[\s.\-/]?\d){8}(?!\w)",
    re.IGNORECASE,
)
_OVERSEAS = re.compile(r"(?<![\w+])(?:262(?:26|69)|590(?:59|69)|594(?:59|69)|596(?:59|69))\d{7}(?!\w)")
_NINE = re.compile(r"(?<![\w.,+])\d(?:[ .\-/]?\d){8}(?!\w)")
_MANY = re.compile(r"\d(?:[\s.\-/_()\[\],:|·¯*~'\"=\\{}]{0,5}\d){8,}")

_CLOSED = ((")", "("), ("]", "["), ("}", "{"))


def find_phones(text: str) -> Iterator[tuple[int, int]]:
    """The spans of phone numbers, which may overlap. ``text`` is folded."""
    if may_hold_international(text):
        yield from find_international(text)
    if may_hold_national(text):
        yield from find_national(text)
    if may_hold_other_phone(text):
        yield from find_others(text)


def find_international(text: str) -> Iterator[tuple[int, int]]:
    """Numbers with a plus sign."""
    yield from _found(text, _PLUS, _any)
    yield from _found(text, _PLUS_PACIFIC, _any)


def find_national(text: str) -> Iterator[tuple[int, int]]:
    """Numbers that begin with 0 or 00."""
    national = [*_settled(text, _found(text, _NATIONAL, is_national))]
    yield from national
    yield from _outside(national, _found(text, _ZEROS, is_prefixed))
    yield from _found(text, _UNIFORM, is_uniform)
    yield from _found(text, _WORDED, is_uniform)
    yield from _found(text, _WORDED_FIRST, is_worded_first)


def find_others(text: str) -> Iterator[tuple[int, int]]:
    """Numbers without their plus sign or their 0, or with letters for digits."""
    if "33" in text:
        yield from _found(text, _BARE, is_bare)
        yield from _found(text, _PLUS_LETTERED, _any)
    yield from _found(text, _OVERSEAS, is_bare)
    yield from _found(text, _NINE, is_short_of_zero)
    yield from _found(text, _LETTERED, is_lettered)


def find_digits(text: str) -> Iterator[tuple[int, int]]:
    """The spans of nine or more digits of any meaning: every phone number is within one of them."""
    for match in _MANY.finditer(text):
        yield match.span()


def _settled(text: str, spans: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The spans where digits before a number may belong to it. In a row of equal separators the span is longer if the
    number may also begin with a later pair, as in ``poste 01 02 99 …``; else five equal pairs that begin within it are
    the number, as in ``05 02.61.91.00.12``.
    """
    for start, end in spans:
        row = _ROW.match(text, start)
        if row is not None and row.end() >= end:
            pairs = _PAIR.findall(row.group())
            longer = _PAIRS < len(pairs) < 2 * _PAIRS and re.fullmatch("0[1-9]", pairs[-_PAIRS])
            yield start, row.end() if longer else end
            continue
        later = _EQUAL_PAIRS.search(text, start + 2, end + _MAX_PAIRS)
        yield later.span() if later is not None and later.start() < end else (start, end)


def _outside(spans: list[tuple[int, int]], others: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The other spans, without those that begin within one of the spans; both are in order."""
    at = 0
    for start, end in others:
        while at < len(spans) and spans[at][1] <= start:
            at += 1
        if at == len(spans) or start <= spans[at][0]:
            yield start, end


def _any(_: PhoneCandidate) -> bool:
    return True


def _found(text: str, pattern: re.Pattern[str], judge: Callable[[PhoneCandidate], bool]) -> Iterator[tuple[int, int]]:
    """The accepted matches. After a refused one the search advances by one character: another may begin within it."""
    at = 0
    while match := pattern.search(text, at):
        start, end = match.span()
        if judge(PhoneCandidate(text, start, end)):
            for closing, opening in _CLOSED:
                if match.group().count(closing) > match.group().count(opening):
                    start = _opened(text, start, opening)
            yield start, end
            at = end
        else:
            at = start + 1


def _opened(text: str, start: int, opening: str) -> int:
    """The start of a number, including an opening bracket before it that it closes."""
    before = start - 1 - (text[start - 1 : start] == " ")
    return before if text[before : before + 1] == opening and before >= 0 else start


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
_MAX_TOKENS = 24
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
    for _ in range(_MAX_TOKENS):
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
