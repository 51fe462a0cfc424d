"""Realistic offers from a seed, about 3 % of them with a fault, each with its expected answer."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

import orjson

from demo.fault import FAULTS
from demo.locality import OfferLocality, localities_in
from demo.week import Calendar, calendar_on
from gateway.partners.onboarding import presets
from schemas.registry import schema
from schemas.territory import territories

WRONG = 0.03
"""Share of offers with a fault."""

_AWAY = 0.15
_SECONDE = 0.7
_CITIES = 0.3
_EMPLOYERS = 400
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")


@dataclass(frozen=True, slots=True)
class GeneratedOffer:
    """One offer as a platform would send it. ``expected``: codes of all its problems; ``accepted``: they are warnings
    at most. ``document`` is the parsed ``raw``; callers must not change it. ``sound`` is the document before its fault;
    None for an offer without one.
    """

    id: str
    revision: int
    raw: bytes
    accepted: bool
    expected: frozenset[str]
    document: dict[str, Any] = field(repr=False, compare=False)
    sound: dict[str, Any] | None = field(default=None, repr=False, compare=False)


def generate(
    seed: int, platform: str, count: int, on: date, *, wrong: float = WRONG, first: int = 1
) -> Iterator[GeneratedOffer]:
    """The first ``count`` offers of a platform on a day, numbered from ``first``; deterministic for equal arguments.

    The platform of a Region publishes mostly within its territory; an unknown platform, anywhere in France.
    """
    made = _Platform(Random(f"{seed} {platform}"), platform, on, wrong)  # noqa: S311 - not for secrets
    return made.offers(range(first, first + count))


@dataclass(frozen=True, slots=True)
class _Employer:
    locality: OfferLocality
    sector: str
    house: str
    about: dict[str, Any]


class _Platform:
    """One platform's employers and localities, drawn once, and the offers derived from them."""

    def __init__(self, random: Random, platform: str, on: date, wrong: float) -> None:
        preset = presets().get(platform)
        everywhere = localities_in(territories())
        self._random = random
        self._platform = platform
        self._host = preset.hosts[0] if preset and preset.hosts else f"{platform}.example.fr"
        self._home = localities_in(preset.territory) if preset and preset.territory else everywhere
        self._cities = tuple(one for one in self._home if one.coordinates) or self._home
        self._away = everywhere
        self._on = on
        self._calendar: Calendar = calendar_on(on)
        self._wrong = wrong
        self._words = _vocabulary()
        self._employers = [self._make_employer() for _ in range(_EMPLOYERS)]

    def offers(self, numbers: Iterable[int]) -> Iterator[GeneratedOffer]:
        for number in numbers:
            offer = self._make_offer(number)
            accepted, codes, sound = True, frozenset[str](), None
            if self._random.random() < self._wrong:
                fault = self._random.choice([fault for fault in FAULTS if fault.fits(offer)])
                sound = orjson.loads(orjson.dumps(offer))
                fault.make(offer, self._on)
                accepted, codes = fault.accepted, frozenset(fault.codes)
            yield GeneratedOffer(offer["id"], 1, orjson.dumps(offer), accepted, codes, offer, sound)

    def _make_employer(self) -> _Employer:
        random, words = self._random, self._words
        drawn = random.random()
        localities = self._away if drawn < _AWAY else self._cities if drawn < _AWAY + _CITIES else self._home
        locality = random.choice(localities)
        sector = random.choice(list(words["sectors"]))
        house = random.choice(words["sectors"][sector]["houses"])
        about: dict[str, Any] = {"name": f"{house} {random.choice(words['names'])}"}
        about["description"] = random.choice(words["about"]).format(
            house=house, city=locality.city, size=random.randint(4, 120)
        )
        if random.random() < 0.6:
            about["siret"] = siret(random)
        if sector == "s25":
            about["public"] = True
        return _Employer(locality, sector, house, about)

    def _make_offer(self, number: int) -> dict[str, Any]:
        random = self._random
        draw = random.random
        employer = self._employers[int(draw() * _EMPLOYERS)]
        locality, words = employer.locality, self._words["sectors"][employer.sector]
        local = f"{self._on.year}-{number:06}"
        tasks = words["tasks"]
        task = int(draw() * len(tasks))
        words = {
            "city": locality.city,
            "house": employer.house,
            "job": words["jobs"][int(draw() * len(words["jobs"]))],
            "first": tasks[task],
            "second": tasks[task - 1],
        }
        titles, descriptions = self._words["titles"], self._words["descriptions"]
        location: dict[str, Any] = {"postal_code": locality.postal_code, "city": locality.city}
        offer: dict[str, Any] = {
            "id": f"{self._platform}:{local}",
            "revision": 1,
            "title": titles[int(draw() * len(titles))].format_map(words),
            "description": descriptions[int(draw() * len(descriptions))].format_map(words),
            "employer": dict(employer.about),
            "location": location,
            "sector": employer.sector,
            "apply_url": f"https://{self._host}/offres/{local}",
        }
        if draw() < 0.7:
            location["street"] = f"{1 + int(draw() * 90)} {self._pick('streets')}"
        if draw() < 0.5:
            location["insee_commune"] = locality.insee_commune
        if locality.coordinates is not None:
            location["latitude"], location["longitude"] = locality.coordinates
        self._set_time(offer, locality)
        if draw() < 0.8:
            offer["seats"] = 1 + int(draw() * 6)
        for name, values in _choices().items():
            if draw() < 0.4:
                offer[name] = values[int(draw() * len(values))]
        return offer

    def _set_time(self, offer: dict[str, Any], locality: OfferLocality) -> None:
        """Set levels, weeks open to them, and hours within their limits."""
        draw = self._random.random
        if draw() < _SECONDE:
            offer["levels"] = ["seconde"]
            offer["weeks"] = list(self._calendar.seconde)
            end = "17:00"
        else:
            open_weeks = self._calendar.college[locality.zone]
            first = int(draw() * len(open_weeks))
            offer["levels"] = [["troisieme"], ["quatrieme"], ["quatrieme", "troisieme"]][int(draw() * 3)]
            offer["weeks"] = list(open_weeks[first : first + 1 + int(draw() * 3)])
            end = "16:00"
        if draw() < 0.6:
            offer["schedule"] = {day: {"start": "09:00", "end": end, "break_minutes": 60} for day in _DAYS}

    def _pick(self, name: str) -> str:
        options: list[str] = self._words[name]
        return options[int(self._random.random() * len(options))]


@cache
def _vocabulary() -> dict[str, Any]:
    """Invented names, none of a person, and sentences per sector."""
    loaded: dict[str, Any] = orjson.loads(files(__package__).joinpath("vocabulary.json").read_bytes())
    return loaded


@cache
def _choices() -> Mapping[str, Sequence[Any]]:
    """The optional fields of one value from a closed list, or of a truth, with their values, by the schema."""
    fields = schema("offer")["properties"]
    truths = {name: (True, False) for name, form in fields.items() if form.get("type") == "boolean"}
    return truths | {name: form["enum"] for name, form in fields.items() if "enum" in form}


def siret(random: Random) -> str:
    """An invented SIRET with valid check digits, in the unassigned range 9999…."""
    siren = f"9999{random.randrange(10_000):04}"
    siren += _check_digit(siren)
    establishment = f"{siren}{random.randrange(1, 300):04}"
    return establishment + _check_digit(establishment)


def _check_digit(digits: str) -> str:
    """Luhn's check digit."""
    doubled = (int(digit) * (2 - index % 2) for index, digit in enumerate(reversed(digits)))
    return str(-sum(value // 10 + value % 10 for value in doubled) % 10)
