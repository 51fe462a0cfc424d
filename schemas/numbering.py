"""Decides which candidate is a phone number, by digit groups, separators and the words beside it (OFR-034).

A date, opening hours, a list of rooms, a SIRET or an ISBN can have the ten digits of a phone number. Each rule reads a
bounded part of the text, so that the search stays linear (SEC-010).
"""

import re
from itertools import pairwise

from schemas import number_context
from schemas.candidate import (
    BEFORE,
    DIGITS,
    GAPS,
    PhoneCandidate,
    are_hours,
    are_opening_hours,
    begins_later,
    is_after_hour,
    is_alternating,
    is_date,
    is_hours,
)

_SAFE_SIGNS = frozenset(".-/_()[]{}«»")
_POINTS = frozenset("·¯")
_DASHES = frozenset("-_/")
_LISTING_SIGNS = frozenset(",:|")
_USUAL_SIGNS = frozenset(".-/_()[],:|·¯*~'\"=\\{}«»")

_HASH = 16
_MAX_RUN = 30
_HOURS_IN_A_ROW = 6
_LEAST_DIGITS, _LEAST_DIGITS_IN_A_ROW = 5, 7
_GROUPS_OF_NINE = ([9], [1, 2, 2, 2, 2], [3, 2, 2, 2], [1, 4, 4])
_GROUPS_OF_CODES = ([2, 4, 4], [3, 4, 3], [4, 4, 2], [2, 3, 5], [2, 5, 3], [4, 2, 4])
_LOW, _LOW_OF_LANDLINE, _LOW_OF_PLURAL = 32, 51, 75
_LONG_DISTANCE_DIGITS = 13
_VAT_DIGITS = 11
_DECIMALS = re.compile(
    r"(?:\d[.,]\d{1,3}[\s;/-]{1,3}){2,}\d(?:[.,]\d{0,3})?|(?:\d{2}[.,]\d[\s;/-]{1,3}){2,}\d+(?:[.,]\d?)?"
)
_BELGIAN_GROUPS = ([9], [2, 3, 2, 2], [3, 2, 2, 2], [3, 6], [2, 7])
_WITH_WORD = frozenset(";+&%£$<>=¥")
_SELDOM_LISTING = frozenset(("+", ";", "puis", "ensuite"))
_DEPARTMENTS_BETWEEN = frozenset(";")
"""Between the numbers of departments. A comma is not among the unusual signs: see ``is_national``."""
_SIGN_WORDS = frozenset(("espace", "tiret", "point", "slash", "barre"))


def is_national(number: PhoneCandidate) -> bool:
    """Whether ten digits that begin with 0 are a French phone number."""
    signs = {sign for gap in number.gaps for sign in gap if sign != " "}
    if signs - (_SAFE_SIGNS | _POINTS if number.sizes == [2] * 5 and not number.paired else _SAFE_SIGNS):
        if not number.paired:
            return False
        if signs & _LISTING_SIGNS and not (number.beside_word or _is_introduced(number)):
            return _is_glued(number)
        return number.beside_word or not _is_list(number)
    if _is_numeric(number) or _is_identifier(number):
        return False
    if number.beside_word:
        return not are_opening_hours(number)
    return not (
        begins_later(number)
        or is_date(number)
        or is_hours(number)
        or is_alternating(number)
        or _is_list(number)
        or _is_row(number)
        or _is_reference(number)
    )


def is_uniform(number: PhoneCandidate) -> bool:
    """Whether five pairs with the same unusual sign, or the same word, between them are a phone number."""
    gap = number.gaps[0].lower()
    if set(gap) <= _USUAL_SIGNS or _is_identifier(number):
        return False
    if number.beside_word:
        return True
    listing = set(gap) & _WITH_WORD or (gap[:1].isalpha() and gap not in _SIGN_WORDS)
    if (listing and gap not in _SELDOM_LISTING) or (gap in _DEPARTMENTS_BETWEEN and _are_departments(number)):
        return _is_introduced(number)
    if number_context.UNIT_AFTER.match(number.after) or (listing and _is_continued(number)):
        return False
    return not (_is_list(number) or ((listing or _is_ascending(number)) and _is_among_rooms(number)))


def is_lettered(number: PhoneCandidate) -> bool:
    """Whether digits mixed with the letters O, I and l are a phone number."""
    digits = sum(map(str.isdigit, number.body))
    contiguous = number.body.isalnum()
    least = _LEAST_DIGITS_IN_A_ROW if contiguous and not number.beside_word else _LEAST_DIGITS
    if not number_context.LETTER_BESIDE.search(number.body) or digits < least:
        return False
    if number.beside_word:
        return True
    return not (_is_identifier(number) or (contiguous and number_context.REFERENCE.search(number.words_before)))


def is_prefixed(number: PhoneCandidate) -> bool:
    """Whether a number with the prefix 00 is an international phone number."""
    digits = "".join(number.groups)
    if digits[2] in "17" and len(digits) != _LONG_DISTANCE_DIGITS:
        return number.beside_word
    if _is_identifier(number) or _is_row(number) or _is_decimal_row(number) or is_after_hour(number):
        return False
    if number.sizes[-2:] == [6, 6]:
        return False  # an EAN
    if number_context.VAT_BEFORE.search(number.words_before) and not (
        digits[2:4] == "33" and len(digits) > _VAT_DIGITS
    ):
        return False
    if not digits.startswith("0033") and number_context.REFERENCE.search(number.words_before):
        return number.beside_word
    coded = number_context.DASHED_CODE_BEFORE.search(number.words_before) or number_context.MIXED_BEFORE.search(
        number.words_before
    )
    return digits.startswith("0033") or number.beside_word or coded is None


def is_bare(number: PhoneCandidate) -> bool:
    """Whether the digits of an international number without its plus sign are a phone number."""
    if _is_identifier(number) or number_context.VAT_BEFORE.search(number.words_before) or _is_decimal_part(number):
        return False
    if number.beside_word:
        return True
    if number_context.DIGIT_BEFORE.search(number.before):
        return False
    if (
        number.sizes[-1] > 2
        and not number.contiguous
        and (
            "".join(number.groups).removeprefix("33").lstrip("0")[0] not in "67"
            or number_context.UNIT_AFTER.match(number.after)
        )
    ):
        return False
    return number_context.REFERENCE.search(number.words_before) is None


def is_short_of_zero(number: PhoneCandidate) -> bool:
    """Whether nine digits are a phone number without its 0, or a Belgian one: only after a word for phones."""
    if number.body[0] == "0" and number.sizes not in _BELGIAN_GROUPS:
        return False
    if (
        number.body[0] != "0"
        and number.sizes not in _GROUPS_OF_NINE
        and (number.sizes != [3, 3, 3] or number.body[0] not in "67")
    ):
        return False
    return number_context.PHONE_BEFORE.search(number.words_before) is not None and not _is_identifier(number)


def is_worded_first(number: PhoneCandidate) -> bool:
    """Whether pairs with a word behind the first one, as in ``06 puis 98 21 45 33``, are a phone number."""
    if number.sizes != [2] * 5 or _is_identifier(number):
        return False
    if number.beside_word:
        return True
    return not (_is_list(number) or _is_among_rooms(number) or number_context.UNIT_AFTER.match(number.after))


def _is_among_rooms(number: PhoneCandidate) -> bool:
    """Whether a word for things that are numbered is near."""
    return bool(number_context.ROOMS_NEAR.search(number.words_before) or number_context.ROOMS_AFTER.match(number.after))


def _is_glued(number: PhoneCandidate) -> bool:
    """Whether the same sign of lists is between five pairs without a blank, as in ``06:98:21:45:33``, and nothing marks
    them as a list: no further pair or cell, not all of them departments between commas.
    """
    sign = number.raw_gaps[0]
    if number.sizes != [2] * 5 or set(number.raw_gaps) != {sign} or sign not in _LISTING_SIGNS:
        return False
    if (sign == "," and _are_departments(number)) or _is_continued(number):
        return False
    unit = number_context.UNIT_AFTER.match(number.after)
    return not (unit or _is_list(number) or _is_among_rooms(number))


def _is_continued(number: PhoneCandidate) -> bool:
    """Whether the sign between the pairs joins them to another group, as in a longer row, or to a cell of a table."""
    sign = number.raw_gaps[0].strip()
    if sign == "|" and (number.before.rstrip().endswith(sign) or number.after.lstrip().startswith(sign)):
        return True
    joined = re.match(rf"\s?{re.escape(sign)}\s?(?:\d|[0-9a-f]{{2}}(?!\w))", number.after)
    return joined is not None or (number.before[-1:] == sign and number.before[-2:-1].isalnum())


def _are_departments(number: PhoneCandidate) -> bool:
    """Whether all pairs are numbers of departments."""
    return all("01" <= pair <= "95" and pair != "20" for pair in number.groups)


def _is_list_of_departments(number: PhoneCandidate) -> bool:
    return number_context.DEPARTMENTS_BEFORE.search(number.words_before) is not None and _are_departments(number)


def _is_introduced(number: PhoneCandidate) -> bool:
    """Whether a word for phones is earlier in the same sentence, and nothing marks the numbers as a list."""
    if _is_ascending(number) or number_context.ROOMS_NEAR.search(number.words_before):
        return False
    return number_context.PHONE_EARLIER.search(number.words_before) is not None


def _is_decimal_part(number: PhoneCandidate) -> bool:
    return number.contiguous and number.before[-1:] in (".", ",") and number.before[-2:-1].isdigit()


def _is_numeric(number: PhoneCandidate) -> bool:
    """Whether the digits are a decimal number such as 0.123456789, a coordinate, or 0 to 9 in order."""
    if number.sizes == [1, 9] and number.gaps == ["."] and number.body[1] == ".":
        return True
    if number.gaps[:1] == ["."] and not number.paired and re.search(r"\d\.\Z", number.before):
        return True
    if (
        number.sizes == [2, 8]
        and number.gaps == ["."]
        and (number.before[-1:] in ("-", "+", "¯") or number_context.COMPASS_BEFORE.search(number.words_before))
    ):
        return True
    if not number.paired and number.gaps[:1] == ["."] and number_context.COORDINATES_BEFORE.search(number.words_before):
        return True
    if _DECIMALS.fullmatch(number.body) or _is_decimal_row(number):
        return True
    return _is_decimal_part(number) or (len(number.groups) == 10 and "".join(number.groups) == "0123456789")


def _is_decimal_row(number: PhoneCandidate) -> bool:
    """Whether each point is between two other separators, as in 0.048 / 3.08 / 12.142, also from 99. on."""
    if number.raw_gaps.count(".") in (0, len(number.raw_gaps)):
        return False
    if number.raw_gaps[0] != "." and re.search(r"\d\.\Z", number.before):
        return True
    return (
        set(number.sizes) != {2}
        and number.raw_gaps.count(".") > 1
        and all("." in pair and pair != (".", ".") for pair in pairwise(number.raw_gaps))
    )


def _is_identifier(number: PhoneCandidate) -> bool:
    """Whether the digits are part of an ISBN, IBAN, SIRET, VAT number, permit, DOI, version, UUID, hash or postcode."""
    before, words = number.before, number.words_before
    if (
        (not number.paired and number_context.STRICT.search(words))
        or re.search(r"97[89][- ]\Z", before)
        or number_context.IBAN_BEFORE.search(words)
        or number_context.PERMIT_BEFORE.search(words)
        or number_context.DOI_BEFORE.search(before)
    ):
        return True
    if (number.contiguous or number.sizes == [4, 3, 3]) and number_context.SHORT_VAT_BEFORE.search(words):
        return True
    if set(number.gaps) == {"."} and number_context.VERSION_BEFORE.search(words):
        return True
    return _is_postal(number) or _is_hexadecimal(number)


def _is_postal(number: PhoneCandidate) -> bool:
    """Whether the digits are postcodes, a post box or the number of a parcel."""
    if not (number.paired or number.contiguous) and number_context.TRACKING_BEFORE.search(number.words_before):
        return True
    return number.sizes == [5, 5] and bool(
        (number.body[4] == number.body[-1] == "0")
        or number_context.POST_BOX.search(number.before)
        or number_context.POSTCODES_BEFORE.search(number.before)
        or (number.groups[1].startswith("0") and re.match(r"[\s,;/-]{1,3}\d{5}(?!\d)", number.after))
    )


def _is_hexadecimal(number: PhoneCandidate) -> bool:
    """Whether the digits are part of a hash, a UUID or another hexadecimal number."""
    before, after = number.before, number.after
    if number.contiguous and (_is_hash(number) or number_context.HEX_SIGN_BEFORE.search(before)):
        return True
    if "-" in before or "-" in after or "-" in number.body:
        around = max(0, number.start - 36)
        for match in number_context.UUID.finditer(number.text, around, number.end + 36):
            if match.start() < number.end and number.start < match.end():
                return True
    return False


def _is_hash(number: PhoneCandidate) -> bool:
    """Whether the digits are within sixteen or more hexadecimal digits."""
    before, after = number_context.HEX_BEFORE.search(number.before), number_context.HEX_AFTER.match(number.after)
    return before is not None and after is not None and len(before[0] + after[0]) >= _HASH - len(number.body)


def _is_list(number: PhoneCandidate) -> bool:
    """Whether the pairs list rooms, departments or pages."""
    if _is_pair(number) or _is_enumeration(number) or _spans_sentences(number) or _is_list_of_departments(number):
        return True
    if number.sizes != [2] * 5:
        return False
    if (number_context.ROOMS_BEFORE.search(number.words_before) and _is_ascending(number)) or len(
        set(number.groups)
    ) == 1:
        return True
    if (
        "0" < number.groups[0][1] < "6"
        and number.groups[1][0] == "0"
        and not number_context.PAIR_AFTER.match(number.after)
    ):
        return not _is_mentioned(number)  # no French number begins like this
    if _is_progression(number):
        return not _is_mentioned(number)
    if not _is_ascending(number):
        return False
    if number_context.UNIT_AFTER.match(number.after):
        return True
    if _is_mentioned(number):
        return False
    if _is_low(number):
        return True
    return bool(
        number_context.ROOMS_EARLIER.search(number.words_before) or number_context.ROOMS_AFTER.match(number.after)
    )


def _is_pair(number: PhoneCandidate) -> bool:
    """Whether the groups are two numbers of the same form, as in 05 120 - 03 380."""
    if len(number.groups) != 4 or number.sizes[:2] != number.sizes[2:]:
        return False
    return number.raw_gaps[0] == number.raw_gaps[2] != number.raw_gaps[1]


def _is_enumeration(number: PhoneCandidate) -> bool:
    """Whether items are counted within it, as in 05/06 2) 12/06 3) 19/06."""
    opened = "(" in number.body or number.before[-2:].strip()[-1:] == "("
    return not opened and re.search(r"\s\d{1,2}\)\s", number.body) is not None


def _spans_sentences(number: PhoneCandidate) -> bool:
    """Whether a sentence ends between pairs, as in 03 / 22 / 38 / 73. 48: one point and a blank beside other signs."""
    points = [gap for gap in number.raw_gaps if re.fullmatch(r"\.\s{1,3}", gap)]
    signs = set(number.gaps) - {"."}
    return len(points) == 1 and number.gaps.count(".") == 1 and len(signs) == 1 and "" not in signs


def _is_progression(number: PhoneCandidate) -> bool:
    """Whether the pairs have a constant difference, as in 07 14 21 28 35."""
    return len({int(high) - int(low) for low, high in pairwise(number.groups)}) == 1


def _is_low(number: PhoneCandidate) -> bool:
    """Whether ascending pairs are round, or lower than those of most phone numbers. Of 10,000 phone numbers, 4 ascend
    below 32, and 26 below 50; none of 01 to 05 continues with a 0.
    """
    second, last = int(number.groups[1]), int(number.groups[-1])
    if all(pair[1] in "05" for pair in number.groups):
        return True
    landline = number.groups[0] < "06"
    if landline and number_context.PLURAL_BEFORE.search(number.words_before):
        return last < _LOW_OF_PLURAL
    return last < (_LOW_OF_LANDLINE if landline else _LOW) or (landline and second < 10)


def _is_mentioned(number: PhoneCandidate) -> bool:
    """Whether a word for phones is beside the number or earlier in the same sentence, ``au`` is right before it, or its
    prefix is in brackets.
    """
    if number.beside_word or number.gaps[0][:1] in (")", "]") or number_context.AU_BEFORE.search(number.words_before):
        return True
    return number_context.PHONE_EARLIER.search(number.words_before) is not None


def _is_row(number: PhoneCandidate) -> bool:
    """Whether the pairs are part of a longer row, which ascends or alternates hours and minutes."""
    if number.contiguous or number.sizes != [2] * len(number.groups):
        return False
    gaps = set(GAPS.findall(number.body))
    gap = re.escape(gaps.pop()) if len(gaps) == 1 else number_context.HOURS_GAP
    before = number.text[max(0, number.start - BEFORE) : number.start][::-1]
    earlier = re.match(rf"(?:{gap}\d\d(?!\d)){{0,{_MAX_RUN}}}", before)
    later = re.match(rf"(?:{gap}\d\d(?!\d)){{0,{_MAX_RUN}}}", number.text[number.end : number.end + BEFORE])
    row = [
        *map(int, DIGITS.findall(earlier[0][::-1] if earlier else "")),
        *map(int, number.groups),
        *map(int, DIGITS.findall(later[0] if later else "")),
    ]
    if len(row) <= len(number.groups):
        return False
    if gap != number_context.HOURS_GAP and all(low <= high for low, high in pairwise(row)):
        return True
    return len(row) >= _HOURS_IN_A_ROW and (are_hours(row) or are_hours(row[1:]))


def _is_ascending(number: PhoneCandidate) -> bool:
    values = [*map(int, number.groups)]
    return all(low < high for low, high in pairwise(values))


def _is_reference(number: PhoneCandidate) -> bool:
    """Whether the digits are a file, order or article number, which is not written in pairs. Mobile numbers are not."""
    if number.paired:
        return False
    mobile = "".join(number.groups)[1] in "67"
    longer = number_context.LONGER_BEFORE.search(number.before)
    if longer and not number.contiguous and number.gaps[0] == longer[1].strip():
        return True
    if number_context.REFERENCE.search(number.words_before) or (
        not mobile and number_context.NUMBER_OF_BEFORE.search(number.words_before)
    ):
        return True
    if number.contiguous:
        coded = number_context.CODE_BEFORE.search(number.words_before)
        return bool(coded or (not mobile and number_context.CHECK_LETTER_AFTER.match(number.after)))
    if number.sizes[-1] == 1 and max(number.sizes) > 2:
        return True
    if number.groups[0] != "0" and number_context.PIECE.search(number.words_before):
        return True
    return not mobile and _is_dashed_code(number)


def _is_dashed_code(number: PhoneCandidate) -> bool:
    """Whether dashes or slashes separate groups of sizes that are not of phone numbers, or follow capitals."""
    if number.sizes in _GROUPS_OF_CODES and number.gaps[0] in _DASHES and len(set(number.gaps)) == 1:
        return True
    return set(number.gaps) <= _DASHES and bool(
        number_context.CODE_BEFORE.search(number.words_before)
        or number_context.DASHED_CODE_BEFORE.search(number.words_before)
    )
