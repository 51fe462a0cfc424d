"""Automata of patterns: deterministic, over all characters of Unicode. A text is searched, as ``pattern`` says."""

from collections.abc import Iterable
from collections.abc import Sequence as Row
from dataclasses import dataclass
from functools import cached_property, lru_cache

from schemas.evolution.pattern import (
    BEGIN,
    CHARACTERS,
    END,
    LAST,
    Chars,
    Choice,
    Node,
    Ranges,
    Repeat,
    Sequence,
    parse,
    within,
    word,
)


@dataclass(frozen=True, eq=False)
class Automaton:
    """``steps[state][letter]`` is the next state, state 0 the first. ``letters`` divide the characters: the letter of
    the characters from ``starts[i]`` to before ``starts[i + 1]`` is ``letters[i]``.
    """

    starts: tuple[int, ...]
    letters: tuple[int, ...]
    steps: tuple[tuple[int, ...], ...]
    accepting: tuple[bool, ...]

    @cached_property
    def can_accept(self) -> frozenset[int]:
        """The states from which an accepting one is reached."""
        return self._leading_to(state for state, good in enumerate(self.accepting) if good)

    @cached_property
    def can_refuse(self) -> frozenset[int]:
        """The states from which one is reached that does not accept."""
        return self._leading_to(state for state, good in enumerate(self.accepting) if not good)

    def _leading_to(self, ends: Iterable[int]) -> frozenset[int]:
        before: dict[int, set[int]] = {}
        for state, row in enumerate(self.steps):
            for after in row:
                before.setdefault(after, set()).add(state)
        found = set(ends)
        waiting = [*found]
        while waiting:
            new = before.get(waiting.pop(), set()) - found
            found |= new
            waiting += new
        return frozenset(found)


@lru_cache(maxsize=512)
def automaton(pattern: str) -> Automaton:
    """The automaton of the texts in which a pattern is found. Raises PatternError."""
    return _compiled(parse(pattern), searched=True)


@lru_cache(maxsize=512)
def of_words(words: Row[str]) -> Automaton:
    """The automaton of these texts alone."""
    return _compiled(Choice(tuple(word(one) for one in words)), searched=False)


class _Net:
    """A net of states with edges for characters and free edges (Thompson's construction)."""

    def __init__(self) -> None:
        self.free: list[list[int]] = []
        self.edges: list[list[tuple[Ranges, int]]] = []

    def state(self) -> int:
        self.free.append([])
        self.edges.append([])
        return len(self.free) - 1

    def lay(self, node: Node, start: int) -> int:
        """Lay the paths of a node from a state; returns their end."""
        match node:
            case Chars(ranges):
                end = self.state()
                self.edges[start].append((ranges, end))
                return end
            case Sequence(parts):
                for part in parts:
                    start = self.lay(part, start)
                return start
            case Choice(parts):
                end = self.state()
                for part in parts:
                    self.free[self.lay(part, start)].append(end)
                return end
            case Repeat(part, low, high):
                return self._repeat(part, low, high, start)

    def _repeat(self, part: Node, low: int, high: int | None, start: int) -> int:
        for _ in range(low):
            start = self.lay(part, start)
        end = self.state()
        if high is None:
            loop = self.state()
            self.free[start].append(loop)
            self.free[self.lay(part, loop)].append(loop)
            self.free[loop].append(end)
            return end
        for _ in range(high - low):
            self.free[start].append(end)
            start = self.lay(part, start)
        self.free[start].append(end)
        return end

    def closed(self, states: Iterable[int]) -> frozenset[int]:
        found = set(states)
        waiting = [*found]
        while waiting:
            new = set(self.free[waiting.pop()]) - found
            found |= new
            waiting += new
        return frozenset(found)

    def after(self, states: Iterable[int], point: int) -> frozenset[int]:
        return self.closed(end for state in states for ranges, end in self.edges[state] if within(point, ranges))


def _compiled(node: Node, *, searched: bool) -> Automaton:
    net = _Net()
    start = net.state()
    last = net.lay(node, start)
    first = net.closed([start])
    if searched:
        net.edges[start] += [(CHARACTERS, start), (BEGIN, start)]
        net.edges[last] += [(CHARACTERS, last), (END, last)]
        first = net.after(first, BEGIN[0][0]) if last not in first else frozenset({last})
    starts, letters, points = _alphabet({ranges for edges in net.edges for ranges, _ in edges})
    numbers = {_short(first, last, searched=searched): 0}
    waiting = [*numbers]
    steps: list[tuple[int, ...]] = []
    accepting: list[bool] = []
    while len(steps) < len(waiting):
        states = waiting[len(steps)]
        accepting.append(last in states or (searched and last in net.after(states, END[0][0])))
        row = []
        for point in points:
            after = _short(net.after(states, point), last, searched=searched)
            if after not in numbers:
                numbers[after] = len(waiting)
                waiting.append(after)
            row.append(numbers[after])
        steps.append(tuple(row))
    return Automaton(starts, letters, tuple(steps), tuple(accepting))


def _short(states: frozenset[int], last: int, *, searched: bool) -> frozenset[int]:
    """Once a search has found its pattern, what follows does not count."""
    return frozenset({last}) if searched and last in states else states


def _alphabet(sets: Iterable[Ranges]) -> tuple[tuple[int, ...], tuple[int, ...], list[int]]:
    """The starts of segments, the letter of each segment, and a character of each letter. Surrogates are skipped."""
    known = [*sets]
    edges = {point for ranges in known for low, high in ranges for point in (low, high + 1)} | {0, 0xD800, 0xE000}
    starts = tuple(sorted(point for point in edges if 0 <= point <= LAST))
    numbers: dict[tuple[bool, ...] | None, int] = {}
    letters: list[int] = []
    points: list[int] = []
    for start in starts:
        kind = tuple(within(start, ranges) for ranges in known) if within(start, CHARACTERS) else None
        if kind is not None and kind not in numbers:
            numbers[kind] = len(points)
            points.append(start)
        letters.append(-1 if kind is None else numbers[kind])
    return starts, tuple(letters), points
