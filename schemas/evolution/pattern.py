"""Patterns of our schemas as trees: the part of regular expressions that the engine of the verdict, ECMA 262 and Python
read in one way. A pattern with anything else is refused by name.
"""

import re
from itertools import pairwise
from typing import NamedTuple, NoReturn, TypeAlias

LAST = 0x10FFFF
Ranges: TypeAlias = tuple[tuple[int, int], ...]
"""Sorted code points, both ends included."""
CHARACTERS: Ranges = ((0, 0xD7FF), (0xE000, LAST))
BEGIN: Ranges = ((-1, -1),)
END: Ranges = ((LAST + 1, LAST + 1),)
"""``^`` and ``$`` are read as a sign before the text and one behind it."""
_SIGNS = {"n": "\n", "r": "\r", "t": "\t", **{sign: sign for sign in r"^$\.*+?()[]{}|/-"}}
_SET_OPERATORS = ("&&", "--", "~~", "[")
"""Within brackets, these are operators of the verdict's engine."""
_REPETITION = re.compile(r"([*+?])|\{([0-9]{1,4})(,?)([0-9]{1,4})?\}")
_BY_SIGN: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}


class Chars(NamedTuple):
    """One character of these ranges."""

    ranges: Ranges


class Sequence(NamedTuple):
    """Parts one after the other."""

    parts: "tuple[Node, ...]"


class Choice(NamedTuple):
    """One of the parts."""

    parts: "tuple[Node, ...]"


class Repeat(NamedTuple):
    """A part at least ``low`` and at most ``high`` times; without limit if ``high`` is None."""

    part: "Node"
    low: int
    high: int | None


Node: TypeAlias = Chars | Sequence | Choice | Repeat


class PatternError(ValueError):
    """A pattern is outside the subset. The message names the sign and its offset."""


def parse(pattern: str) -> Node:
    """The tree of a pattern. Raises PatternError."""
    reader = _PatternReader(pattern)
    tree = reader.choice()
    if reader.at < len(pattern):
        reader.refuse("a bracket without its partner")
    _check_anchors(tree, pattern, first=True, last=True)
    return tree


def word(text: str) -> Node:
    """The tree of one text."""
    return Sequence(tuple(Chars(((ord(sign), ord(sign)),)) for sign in text))


class _PatternReader:
    def __init__(self, pattern: str) -> None:
        self.pattern, self.at = pattern, 0

    def refuse(self, what: str) -> NoReturn:
        raise PatternError(f"{what} at {self.at} of {self.pattern!r}")

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def take(self, sign: str) -> bool:
        found = self.pattern.startswith(sign, self.at)
        self.at += len(sign) * found
        return found

    def choice(self) -> Node:
        parts = [self.sequence()]
        while self.take("|"):
            parts.append(self.sequence())
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def sequence(self) -> Node:
        parts: list[Node] = []
        while self.peek() not in ("", "|", ")"):
            parts.append(self.repeated(self.atom()))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def atom(self) -> Node:
        if self.take("(?:"):
            inner = self.choice()
            if not self.take(")"):
                self.refuse("a group without end")
            return inner
        if self.take("["):
            return Chars(self.brackets())
        if self.take("^"):
            return Chars(BEGIN)
        if self.take("$"):
            return Chars(END)
        if self.peek() in ("(", ".", "*", "+", "?", "{", "}", "]"):
            self.refuse(f"the sign {self.peek()!r}, whose meaning differs between engines or is not in use,")
        point = ord(self.sign())
        return Chars(((point, point),))

    def sign(self) -> str:
        if self.take("\\u"):
            digits = self.pattern[self.at : self.at + 4]
            if len(digits) < 4 or not set(digits) <= set("0123456789ABCDEFabcdef"):
                self.refuse("an escape without its four digits")
            self.at += 4
            return chr(int(digits, 16))
        if self.take("\\"):
            name = self.peek()
            if name not in _SIGNS or not name:
                self.refuse(f"the escape \\{name}")
            self.at += 1
            return _SIGNS[name]
        if not self.peek():
            self.refuse("an end")
        self.at += 1
        return self.pattern[self.at - 1]

    def brackets(self) -> Ranges:
        inverse = self.take("^")
        found: list[tuple[int, int]] = []
        while not self.take("]"):
            if any(self.pattern.startswith(sign, self.at) for sign in _SET_OPERATORS):
                self.refuse("an operator of sets")
            low = high = ord(self.sign())
            if self.peek() == "-" and self.pattern[self.at + 1 : self.at + 2] != "]":
                self.at += 1
                high = ord(self.sign())
            if high < low:
                self.refuse("a range that ends before it begins")
            found.append((low, high))
        if not found:
            self.refuse("empty brackets")
        return complement(merged(found)) if inverse else merged(found)

    def repeated(self, part: Node) -> Node:
        found = _REPETITION.match(self.pattern, self.at)
        if found is None:
            return part
        self.at = found.end()
        if self.peek() and self.peek() in "*+?{":
            self.refuse("a lazy or doubled repetition")
        sign, least, comma, most = found.groups()
        low, high = _BY_SIGN.get(sign) or (int(least), int(most) if most else None if comma else int(least))
        if high is not None and high < low:
            self.refuse("a repetition that ends before it begins")
        return Repeat(part, low, high)


def _check_anchors(node: Node, pattern: str, *, first: bool, last: bool) -> None:
    """Refuse ``^`` but at the beginning of an alternative, ``$`` but at its end: elsewhere one of them could follow
    another, which the signs before and behind the text do not express.
    """
    if isinstance(node, Chars):
        if (node.ranges == BEGIN and not first) or (node.ranges == END and not last):
            raise PatternError(f"'^' within or '$' before more of {pattern!r}")
    elif isinstance(node, Repeat):
        _check_anchors(node.part, pattern, first=False, last=False)
    else:
        row = isinstance(node, Sequence)
        for at, part in enumerate(node.parts):
            begins, ends = first and not (row and at), last and not (row and at < len(node.parts) - 1)
            _check_anchors(part, pattern, first=begins, last=ends)


def merged(ranges: list[tuple[int, int]]) -> Ranges:
    """Sorted ranges without overlap."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)


def complement(ranges: Ranges) -> Ranges:
    """All other characters; surrogates are none."""
    edges = sorted({0, 0xD800, 0xE000, LAST + 1, *(low for low, _ in ranges), *(high + 1 for _, high in ranges)})
    segments = [(low, high - 1) for low, high in pairwise(edges)]
    return merged([one for one in segments if within(one[0], CHARACTERS) and not within(one[0], ranges)])


def within(point: int, ranges: Ranges) -> bool:
    """Whether a code point is in ranges."""
    return any(low <= point <= high for low, high in ranges)
