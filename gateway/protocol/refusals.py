"""Refusals of an inbox: the count of one partition and day, and which refusals get a receipt of their own. Pure.

The state is written to ``positions`` in the same transaction as the refusals, so that a chunk that is read again after
a crash gets the same receipts.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

MAX_PER_DAY = 1_000
MAX_BYTES_PER_DAY = 2_000_000
"""Per inbox and day: refusals with a receipt of their own, and the bytes of these receipts and of their copies on
``rejected``. Each partition has an equal share.
"""
_DIGITS = 12
_FIELD: int = 10**_DIGITS


@dataclass(frozen=True, slots=True)
class Refusals:
    """The refusals of one partition on one day (``YYYYMMDD`` in Europe/Paris): ``listed`` ones have their own receipt,
    ``size`` is the bytes written for them, ``unlisted`` ones are only counted.
    """

    day: int = 0
    listed: int = 0
    size: int = 0
    unlisted: int = 0

    @classmethod
    def from_number(cls, number: int) -> "Refusals":
        """The inverse of ``to_number``."""
        number, unlisted = divmod(number, _FIELD)
        number, size = divmod(number, _FIELD)
        day, listed = divmod(number, _FIELD)
        return cls(day, listed, size, unlisted)

    def to_number(self) -> int:
        """The state as one integer, twelve decimal digits per field: ``positions`` holds integers only."""
        return ((self.day * _FIELD + self.listed) * _FIELD + self.size) * _FIELD + self.unlisted

    def on(self, day: int) -> "Refusals":
        """The state at a refusal of this day. A day before the last one counts as the last one."""
        return self if day <= self.day else Refusals(day)

    def has_room(self, partitions: int) -> bool:
        """Whether one more refusal gets a receipt of its own, in an inbox with this number of partitions."""
        return self.listed * partitions < MAX_PER_DAY and self.size * partitions < MAX_BYTES_PER_DAY

    def list(self, size: int) -> "Refusals":
        """The state after a refusal with a receipt of its own, which takes ``size`` bytes."""
        return replace(self, listed=self.listed + 1, size=self.size + size)

    def count(self) -> "Refusals":
        """The state after a refusal without a receipt of its own."""
        return replace(self, unlisted=self.unlisted + 1)

    @property
    def needs_summary(self) -> bool:
        """Whether the count of unlisted refusals gets a receipt: the 1st, 10th, 100th … does, so a day has few."""
        return self.unlisted > 0 and str(self.unlisted).strip("0") == "1"


def refusals_key(topic: str) -> str:
    """The name of the state of an inbox's partitions on ``positions``."""
    return f"refusals.{topic}"


def unlisted(states: Iterable[int]) -> int:
    """The unlisted refusals of an inbox on the last day on which it had any refusal; ``states`` are its partitions'."""
    found = [Refusals.from_number(number) for number in states]
    last = max((one.day for one in found), default=0)
    return sum(one.unlisted for one in found if one.day == last)
