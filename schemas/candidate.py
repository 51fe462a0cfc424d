"""Candidate for a phone number: digit groups, separators and context; tests for dates and opening hours (OFR-034).

Each rule reads a bounded part of the text, so that the search stays linear (SEC-010).
"""

import re
from functools import cached_property

from schemas import number_context

BEFORE, _AFTER = 70, 40
DIGITS = re.compile(r"\d+")
GAPS = re.compile(r"\D+")
_DATE_SIGNS = ("/", ".", "-")
_SHORT_DATE = 8


class PhoneCandidate:
    """A part of a folded text with the digits of a phone number."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text, self.start, self.end = text, start, end
        self.body = text[start:end]
        self.groups = DIGITS.findall(self.body)
        self.raw_gaps: list[str] = GAPS.findall(self.body)
        self.gaps = [gap.strip() for gap in self.raw_gaps]
        self.sizes = [*map(len, self.groups)]

    @cached_property
    def before(self) -> str:
        """The text before it."""
        return self.text[max(0, self.start - BEFORE) : self.start]

    @cached_property
    def words_before(self) -> str:
        """The text before it if it holds a letter, or the picture of a phone; else empty. Patterns of words are
        searched in it: in rows of digits, which hold none, searching them would be most of the work.
        """
        return self.before if number_context.WORDED.search(self.before) else ""

    @cached_property
    def after(self) -> str:
        """The text after it."""
        return self.text[self.end : self.end + _AFTER]

    @cached_property
    def beside_word(self) -> bool:
        """Whether a word such as ``tél.`` or ``appelez le`` is right beside it."""
        return (
            number_context.PHONE_BEFORE.search(self.words_before) is not None
            or number_context.PHONE_AFTER.match(self.after) is not None
        )

    @property
    def contiguous(self) -> bool:
        """Whether its digits are in one group."""
        return len(self.groups) == 1

    @property
    def paired(self) -> bool:
        """Whether it is five pairs with the same separator."""
        return self.sizes == [2] * 5 and len(set(self.gaps)) == 1


def begins_later(number: PhoneCandidate) -> bool:
    """Whether the first pair ends a date or an hour, and the number begins with the second: 14/06 02 61 91 90 21."""
    if number.sizes != [2] * 5 or number.groups[1][0] != "0" or not number_context.PAIR_AFTER.match(number.after):
        return False
    return number.gaps[1] == number.gaps[2] and number_context.TIME_BEFORE.search(number.before) is not None


def is_date(number: PhoneCandidate) -> bool:
    """Whether the digits are a date, with day, month and year in either order, or a row of dates."""
    if number_context.DATE_AT.match(number.body + number.after[:5]) or _has_year_within(number):
        return True
    if number.sizes[0] == 2 and number.gaps[0] != "/" and number_context.DAY_BEFORE.search(number.before):
        return not number.paired or are_hours([int(group) for group in number.groups[1:]])
    if number_context.YEAR_BEFORE.search(number.before) and number_context.MONTH_AT.match(number.body):
        return True
    for date in number_context.DATE.finditer(number.text, max(0, number.start - 10), number.end + 10):
        # A year of four digits is unambiguous; one of two digits may be a part of a number.
        if date.start() < number.start < date.end() or (date.start() < number.end and len(date[0]) > _SHORT_DATE):
            return True
    return number.sizes == [2] * 5 and (_is_range_of_dates(number) or _is_row_of_dates(number))


def _is_range_of_dates(number: PhoneCandidate) -> bool:
    """Whether the pairs are two dates, or a date and a time, with the year in two digits."""
    first, second, third, fourth, fifth = map(int, number.groups)
    sign, after_month, middle, last = number.raw_gaps
    if first > 31 or second > 12 or not number.gaps[0]:
        return False
    if number.gaps[0] == number.gaps[1] != number.gaps[2] and fourth <= 23 and fifth <= 59:
        return True  # 01/02/27 08 30
    if sign not in _DATE_SIGNS:
        return False
    if sign == after_month == last != middle and fourth <= 31 and fifth <= 12:
        return re.match(re.escape(sign) + r"\d\d(?!\d)", number.after) is not None  # 05-06-27 - 09-06-27
    return sign == middle == last != after_month and third <= 31 and fourth <= 12  # 07.05. - 22.05.27


def _is_row_of_dates(number: PhoneCandidate) -> bool:
    """Whether the pairs are a part of a row of days and months, or of months and years."""
    first, second, third, fourth, fifth = map(int, number.groups)
    gaps = number.gaps
    if gaps[0] == gaps[2] in _DATE_SIGNS and gaps[0] not in (gaps[1], gaps[3]):
        months = second == fourth and max(first, third, fifth) <= 12  # 01/27 02/27 03
        return months or (second <= 12 and third <= 31 and fourth <= 12)  # 07/06-11/06 14
    if gaps[1] == gaps[3] in _DATE_SIGNS and gaps[1] not in (gaps[0], gaps[2]):  # the row began one number earlier
        begun = re.search(r"\d[./-]\Z", number.before) is not None
        return begun and first <= 12 and second <= 31 and third <= 12 and fourth <= 31
    return False


def _has_year_within(number: PhoneCandidate) -> bool:
    """Whether the groups are month, day, year and month, as in 2027 06 14 - 2027 06 25."""
    if number.sizes != [2, 2, 4, 2]:
        return False
    month, day, year, _ = map(int, number.groups)
    return month <= 12 and day <= 31 and 1900 <= year < 2100


def is_hours(number: PhoneCandidate) -> bool:
    """Whether the groups are opening hours such as 08.30-12.30 13.30-17.00, or 09 00 12 00 13 30."""
    if number.sizes != [2] * 5:
        return False
    if number.gaps[1] and number.gaps[1] in ".:" and re.search(rf"(?<!\d)\d{{1,2}}[{number.gaps[1]}]\Z", number.before):
        return int(number.groups[0]) < 60 and int(number.groups[1]) < 24  # began with the hour before
    hour, minute, hour2, minute2, hour3 = map(int, number.groups)
    if all(number.gaps) and number.gaps[0] == number.gaps[2] != number.gaps[1] == number.gaps[3]:
        return max(hour, minute, hour2, minute2, hour3) <= 24  # 05-13/13-21/21-05
    if max(hour, hour2, hour3) > 23 or minute % 5 or minute2 % 5 or max(minute, minute2) > 59 or hour2 < hour:
        return False
    follows = re.match(r"[\s.\-/:h]{1,3}[0-5][05](?!\d)", number.after) is not None
    apart = number.gaps[0] == number.gaps[2] != number.gaps[1]
    return follows or (apart and hour < hour2 <= hour3)


def is_alternating(number: PhoneCandidate) -> bool:
    """Whether the pairs are a part of a longer row with two separators by turns: the scores 21-19 08-21 15-12, or the
    dates 01.06. 08.06. 15.06.
    """
    if number.sizes != [2] * 5:
        return False
    first, second, third, fourth = number.raw_gaps
    if first != third or second != fourth or first == second:
        return False
    if "-" not in (first, second) and {first, second} != {".", ". "}:
        return False
    follows = re.match(re.escape(first) + r"\d\d?(?!\d)", number.after)
    return follows is not None or re.search(r"(?<!\d)\d\d?" + re.escape(second) + r"\Z", number.before) is not None


def are_opening_hours(number: PhoneCandidate) -> bool:
    """Whether the pairs begin four times in order, as in 08.30-12.30 / 13.30-17.00: these are no phone number even
    beside a word for phones.
    """
    follows = number_context.HOURS_AFTER.match(number.after)
    if follows is None or number.sizes != [2] * 5:
        return False
    row = [*map(int, number.groups), int(follows[1]), int(follows[2])]
    return are_hours(row) and row[0] < row[2] <= row[4] < row[6]


def is_after_hour(number: PhoneCandidate) -> bool:
    """Whether 00 is the minutes of the hour before, and more hours follow: 9 00 - 12 00 / 13 30 - 17 00."""
    hour = number_context.HOUR_BEFORE.search(number.before)
    if hour is None or set(number.sizes) != {2}:
        return False
    return are_hours([int(hour[1]), *map(int, number.groups)])


def are_hours(row: list[int]) -> bool:
    """Whether the numbers alternate between hours and minutes."""
    return all(hour < 24 for hour in row[::2]) and all(minute < 60 and minute % 5 == 0 for minute in row[1::2])
