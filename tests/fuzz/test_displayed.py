"""What a problem displays of a long text is what the search for personal data in the whole text leaves of its start."""

import random

import pytest

from schemas.personal import redact
from schemas.rulebook import ACTUAL_CHARACTERS, displayed
from tests.fuzz.growth import UNITS

pytestmark = pytest.mark.slow

_LENGTH = 9_000
"""More than is searched as a whole."""
PERSONAL = (
    "06 12 34 56 78",
    "06.12.34.56.78 ",
    "zéro six douze trente-quatre cinquante-six soixante-dix-huit, ",
    "a@b.fr ",
)


def displayed_of_whole(text: str) -> str:
    clean = redact(text)
    line = clean if clean.isprintable() else displayed(clean[:ACTUAL_CHARACTERS])
    return line if len(line) <= ACTUAL_CHARACTERS else line[: ACTUAL_CHARACTERS - 1] + "…"


@pytest.mark.parametrize("unit", UNITS)
def test_the_same_thing_over_and_over(unit: str) -> None:
    text = unit * (_LENGTH // len(unit) + 1)
    assert displayed(text) == displayed_of_whole(text)


@pytest.mark.parametrize("seed", range(40))
def test_any_mixture(seed: int) -> None:
    """Many pieces, or few that fill the displayed part and reach behind the starts that are searched."""
    chance = random.Random(seed)
    pieces = chance.sample([*UNITS, *PERSONAL], 2 if seed % 2 else 12)
    text = ""
    while len(text) <= _LENGTH:
        text += chance.choice(pieces) * chance.choice((1, 1, 2, 30))
    assert displayed(text) == displayed_of_whole(text)
