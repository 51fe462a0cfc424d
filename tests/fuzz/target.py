"""A fuzz target: a function of untrusted bytes, its inputs, and the invariants that hold for each of them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

Scramble: TypeAlias = Callable[[bytes], bytes]
"""Changes bytes: at random, or guided by coverage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """``run`` raises AssertionError when an invariant is violated, and else returns the outcome of the input.

    ``outcomes`` are the words that a good corpus brings about. ``mutate`` changes an input in a way that suits the
    target; it passes other input to the given scramble.
    """

    run: Callable[[bytes], str]
    seeds: Callable[[], Sequence[bytes]]
    outcomes: frozenset[str]
    words: tuple[bytes, ...] = ()
    mutate: Callable[[bytes, Random, Scramble], bytes] = lambda raw, _, scramble: scramble(raw)
    longest: int = 8_192


Opening: TypeAlias = Callable[[], AbstractContextManager[Target]]


def by_chance(random: Random, words: Sequence[bytes]) -> Scramble:
    """A scramble without guidance: a few bytes changed, taken out, repeated, or a word put in."""

    def scramble(raw: bytes) -> bytes:
        text = bytearray(raw)
        for _ in range(random.randint(1, 4)):
            at = random.randint(0, len(text))
            until = min(len(text), at + random.randint(0, 8))
            match random.randrange(5):
                case 0 if at < len(text):
                    text[at] ^= 1 << random.randrange(8)
                case 1:
                    del text[at:until]
                case 2:
                    text[at:at] = text[at:until]
                case 3 if words:
                    text[at:until] = random.choice(words)
                case _:
                    text[at:at] = random.randbytes(random.randint(1, 3))
        return bytes(text)

    return scramble


def walk(target: Target, *, seed: int, steps: int) -> Iterator[bytes]:
    """The seeds, and as many inputs grown from them by chance; the same ones for the same arguments."""
    random = Random(seed)
    scramble = by_chance(random, target.words)
    seeds = target.seeds()
    pool = list(seeds)
    yield from seeds
    for _ in range(steps):
        origin = random.choice(seeds if random.random() < 0.5 else pool)
        grown = target.mutate(origin, random, scramble)[: target.longest]
        if random.random() < 0.3:
            pool.append(grown)
        yield grown
