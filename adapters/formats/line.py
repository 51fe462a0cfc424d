"""Split a streamed text into lines of limited length."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from adapters.formats.record import ITEM_CHARACTERS


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its line feed; ``ended``: it had one. ``text`` is None if the line is too long for an item."""

    number: int
    text: str | None
    ended: bool = True


def cut_lines(pieces: Iterable[str]) -> Iterator[Line]:
    """Yield the lines, numbered from 1. Text after the last line feed is a line with ``ended`` False."""
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
