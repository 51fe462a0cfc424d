"""Texts that match some patterns and not others, within lengths in code points: the shortest of them."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from schemas.evolution.automaton import Automaton
from schemas.evolution.pattern import LAST

_NICE = (*b"aenoAEbcdfghijklmpqrstuvwxyz0123456789BCDFGHIJKLMNOPQRSTUVWXYZ-._/: ", 0xE9)
"""Characters that a person reads most easily, in the order of preference."""
_State: TypeAlias = tuple[int, ...]


def shortest(good: Sequence[Automaton], bad: Sequence[Automaton], low: int, high: int | None) -> str | None:
    """The shortest text that each of ``good`` accepts and none of ``bad``; None if there is none."""
    parts = (*good, *bad)
    points = [*_points(parts)]
    start: _State = (0,) * len(parts)
    layers: list[dict[_State, tuple[_State, int]]] = [{start: (start, 0)} if _lives(start, good, bad) else {}]
    known: dict[_State, list[tuple[_State, int]]] = {}
    seen: set[_State] = set()
    while layers[-1] and (high is None or len(layers) - 1 <= high):
        length = len(layers) - 1
        if length >= low:
            layers[-1] = {state: origin for state, origin in layers[-1].items() if state not in seen}
            seen |= layers[-1].keys()
            if (end := next((state for state in layers[-1] if _accepts(state, good, bad)), None)) is not None:
                return _spelt(layers, end)
        following: dict[_State, tuple[_State, int]] = {}
        for state in layers[-1]:
            if state not in known:
                known[state] = [*_steps(state, points, parts, good, bad)]
            for after, point in known[state]:
                following.setdefault(after, (state, point))
        layers.append(following)
    return None


def accepts(one: Automaton, text: str) -> bool:
    """Whether an automaton accepts a text."""
    state = 0
    for sign in text:
        letter = one.letters[bisect_right(one.starts, ord(sign)) - 1]
        if letter < 0:
            return False
        state = one.steps[state][letter]
    return one.accepting[state]


def _points(parts: Sequence[Automaton]) -> Iterator[tuple[int, tuple[int, ...]]]:
    """A character for each combination of letters, the most readable one; those first that are readable."""
    starts = sorted({0, *(start for one in parts for start in one.starts), *_NICE, *(point + 1 for point in _NICE)})
    order = {point: at for at, point in enumerate(_NICE)}
    found: dict[tuple[int, ...], int] = {}
    for start in sorted(starts, key=lambda point: (order.get(point, LAST), point)):
        letters = tuple(one.letters[bisect_right(one.starts, start) - 1] for one in parts)
        if not 0xD800 <= start < 0xE000:
            found.setdefault(letters, start)
    for letters, point in found.items():
        yield point, letters


def _steps(
    state: _State,
    points: Sequence[tuple[int, tuple[int, ...]]],
    parts: Sequence[Automaton],
    good: Sequence[Automaton],
    bad: Sequence[Automaton],
) -> Iterator[tuple[_State, int]]:
    met: set[_State] = set()
    for point, letters in points:
        after = tuple(one.steps[at][letter] for one, at, letter in zip(parts, state, letters, strict=True))
        if after not in met:
            met.add(after)
            if _lives(after, good, bad):
                yield after, point


def _lives(state: _State, good: Sequence[Automaton], bad: Sequence[Automaton]) -> bool:
    """Whether no part excludes every text from here on."""
    return all(at in one.can_accept for one, at in zip(good, state, strict=False)) and all(
        at in one.can_refuse for one, at in zip(bad, state[len(good) :], strict=True)
    )


def _accepts(state: _State, good: Sequence[Automaton], bad: Sequence[Automaton]) -> bool:
    return all(one.accepting[at] for one, at in zip(good, state, strict=False)) and not any(
        one.accepting[at] for one, at in zip(bad, state[len(good) :], strict=True)
    )


def _spelt(layers: Sequence[dict[_State, tuple[_State, int]]], end: _State) -> str:
    signs = []
    for layer in reversed(layers[1:]):
        end, point = layer[end]
        signs.append(chr(point))
    return "".join(reversed(signs))
