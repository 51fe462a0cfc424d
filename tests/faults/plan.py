"""Schedule of the faults: every kind in rotation, in an order given by the seed, and kills in between."""

from collections.abc import Iterator, Sequence
from random import Random

from tests.faults.round import Fault


def rounds(kinds: Sequence[Fault], often: Fault, *, random: Random, each: int, kills: int) -> Iterator[list[Fault]]:
    """Endless rounds of ``each`` kinds and ``kills`` times the frequent one, shuffled. No kind repeats before all
    others have come.
    """
    deck: list[Fault] = []
    while True:
        chosen = [often] * kills
        while len(chosen) < each + kills:
            if not deck:
                deck = random.sample(kinds, len(kinds))
            chosen.append(deck.pop())
        random.shuffle(chosen)
        yield chosen
