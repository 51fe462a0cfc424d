"""Lines of a text that streams by, each within a limit."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from adapters.formats.record import ITEM_CHARACTERS


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its line feed, ``ended`` if it had one; ``text`` is None where it is too long for an item."""

    number: int
    text: str | None
    ended: bool = True


def cut_lines(pieces: Iterable[str]) -> Iterator[Line]:
    """The lines, from 1. What stands behind the last line feed is a line that has not ended."""
    number, rest, long = 1, "", False
    for piece in pieces:
        first, *others = piece.split("\n")
        rest = "" if long else rest + first
        long = long or len(rest) > ITEM_CHARACTERS
        for other in others:
            yield Line(number, None if long else rest)
            number, rest = number + 1, other
            long = len(rest) > ITEM_CHARACTERS
    if rest or long:
        yield Line(number, None if long else rest, ended=False)
