"""Random sequences of events of offers, accounts, the site and the connector; each is a function of its seed."""

import random
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "publish", "change", "withdraw", "fault", "poison", "heal", "restart", "move", "rename", "wait", "flip"
]

_KINDS: tuple[tuple[Kind, int], ...] = (
    ("publish", 5),
    ("change", 5),
    ("withdraw", 5),
    ("fault", 8),
    ("poison", 1),
    ("heal", 1),
    ("restart", 2),
    ("move", 1),
    ("rename", 1),
    ("wait", 4),
)
_FAULTS = ("status", "refused", "forbidden", "geocoder", "foreign", "hang", "reset", "garbage", "twice", "late")
_PAGES = ((403, "<html>blocked</html>"), (404, "no route"), (400, "{}"), (200, "<html>sign in</html>"), (302, ""))
_METHODS = ("POST", "PATCH", "DELETE", "GET", None)
OFFERS = 4
YEARS = (("2027-W24", "2027-W25"), ("2028-W25", "2028-W26"))


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``offer`` counts from 0; ``mixed`` publishes for collège and seconde, ``year`` names the June."""

    kind: Kind
    offer: int = 0
    mixed: bool = False
    year: int = 0
    located: bool = True
    fault: str = "status"
    method: str | None = None
    status: int = 500
    page: str = ""
    done: bool = False
    times: int = 1
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Sequence:
    """A seed, its steps, and unpublished properties of the site: whether its school year changes in another time zone
    than ours or only in ``august``, and whether the remote id of a deleted offer is free again.
    """

    seed: int
    flips: bool
    utc: bool
    oldest_first: bool
    august: bool = False
    names_are_freed: bool = False
    steps: list[Step] = field(default_factory=list)


def draw(seed: int, length: int = 14) -> Sequence:
    """The sequence of a seed. Every fourth one passes 1 July 2027."""
    chance = random.Random(seed)  # reproducible, not secret
    flips = seed % 4 == 3
    kinds, weights = zip(*_KINDS, strict=True)
    steps = [_step(chance, chance.choices(kinds, weights)[0]) for _ in range(length)]
    if flips:
        steps.insert(chance.randrange(3, length), Step("flip"))
    utc, august, freed = (chance.random() < 0.5 for _ in range(3))
    return Sequence(
        seed, flips, utc=utc, oldest_first=False, august=flips and august, names_are_freed=freed, steps=steps
    )


def _step(chance: random.Random, kind: Kind) -> Step:
    offer = chance.randrange(OFFERS)
    match kind:
        case "publish" | "change":
            mixed, year = chance.random() < 0.25, chance.choice((0, 0, 1))
            return Step(kind, offer, mixed=mixed, year=year, located=chance.random() < 0.5)
        case "fault":
            status, page = chance.choice(_PAGES)
            fault = chance.choice(_FAULTS)
            return Step(
                kind,
                fault=fault,
                method="POST"
                if fault in {"twice", "geocoder"}
                else chance.choice(("POST", "PATCH", "DELETE", "GET", None)),
                status=status if fault == "foreign" else chance.choice((500, 502, 503)),
                page=page,
                done=fault in {"status", "hang", "reset", "garbage"} and chance.random() < 0.5,
                times=chance.choice((1, 1, 1, 2, 6)),
            )
        case "wait":
            return Step(kind, seconds=chance.choice((0.0, 0.01, 0.05)))
    return Step(kind, offer)
