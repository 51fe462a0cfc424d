"""Processor time of a verdict, beside that of decoding alone in the same run. Run: ``python -m bench.check``.

Offers of about 1.3 kB, a thousand different ones in rotation, so that no cache is warmer than in a real batch. Each
figure is processor time, the best of seven rounds; the ratio is to ``orjson.loads`` of the same bytes.
"""

import random
import time
import timeit
from collections.abc import Callable
from copy import deepcopy
from datetime import date
from itertools import cycle
from typing import Any

import orjson

import schemas
from schemas.communes import communes_of, known_postcodes
from schemas.registry import fast_validator

ON = date(2026, 11, 24)
OFFERS = 1_000
ROUNDS = 7
TEXT = (
    "Pendant deux semaines vous suivez l'équipe de l'atelier lecture de plans choix du bois traçage découpe assemblage "
    "et finitions accueil des clients devis logistique pose sur chantier visite d'entreprises voisines bilan à la fin"
)
WORDS = TEXT.split()


def make_offers(seed: int = 7) -> list[dict[str, Any]]:
    """Sound offers all over mainland France."""
    chance = random.Random(seed)
    postcodes = [code for code in known_postcodes() if code < "96" and not code.startswith("20")]
    return [make_offer(chance, number, chance.choice(postcodes)) for number in range(OFFERS)]


def make_offer(chance: random.Random, number: int, postcode: str) -> dict[str, Any]:
    """One sound offer of about 1.3 kB at a real postcode."""
    commune = communes_of(postcode)[0]
    return {
        "id": f"bretagne:S-2027-{number:06}",
        "revision": 1_764_000_000_000 + number,
        "title": " ".join(chance.choices(WORDS, k=5)),
        "description": " ".join(chance.choices(WORDS, k=75)) + ".",
        "employer": {
            "name": f"Menuiserie {number}",
            "description": " ".join(chance.choices(WORDS, k=14)),
            "website": f"https://www.menuiserie-{number}.example/",
            "siret": "73282932000074",
            "naf": "43.32A",
            "public": False,
        },
        "location": {
            "street": f"{number} rue du Port",
            "postal_code": postcode,
            "city": commune.name,
            "insee_commune": commune.code,
            "latitude": round(chance.uniform(43.8, 48.7), 4),
            "longitude": round(chance.uniform(0.2, 5.6), 4),
        },
        "levels": ["seconde"],
        "weeks": ["2027-W24", "2027-W25"],
        "stay_weeks": 2,
        "seats": chance.randint(1, 9),
        "sector": "s24",
        "accessibility": "unknown",
        "apply_url": f"https://stages.ideo.bretagne.example/offres/S-2027-{number:06}",
        "redistribution": {"national": True, "regions": True},
    }


def with_schedule(offer: dict[str, Any]) -> dict[str, Any]:
    """The offer with hours and extensions."""
    hours = {"start": "09:00", "end": "17:00", "break_minutes": 60}
    days = ("monday", "tuesday", "wednesday", "thursday", "friday")
    return {**offer, "schedule": dict.fromkeys(days, hours), "extensions": {"bretagne": {"ref": offer["id"], "v": 2}}}


def with_phone(offer: dict[str, Any]) -> dict[str, Any]:
    """The offer with a phone number in its description."""
    return {**offer, "description": offer["description"][:-60] + " 02 99 00 00 00"}


def broken(offer: dict[str, Any]) -> dict[str, Any]:
    """The offer with three errors."""
    document = deepcopy(offer)
    document.update(titel="x", seats=0, weeks=["2027-W9"])
    return document


def spaced(offer: dict[str, Any]) -> bytes:
    """The offer as many libraries write it: a space after each colon."""
    return orjson.dumps(offer, option=orjson.OPT_INDENT_2)


def measure(work: Callable[[Any], object], inputs: list[Any]) -> float:
    """Processor time of a call in microseconds, over all inputs in rotation."""
    rotation = cycle(inputs)
    calls = len(inputs) * 5
    return (
        min(timeit.repeat(lambda: work(next(rotation)), number=calls, repeat=ROUNDS, timer=time.process_time))
        / calls
        * 1e6
    )


def main() -> None:
    """Print the table."""
    offers = make_offers()
    plain = [orjson.dumps(offer) for offer in offers]
    assert all(schemas.check(raw, on=ON).accepted for raw in plain)
    decoded = measure(orjson.loads, plain)
    valid = fast_validator("offer").is_valid
    rows = [
        ("orjson.loads", decoded),
        ("orjson.loads and the schema alone", measure(lambda raw: valid(orjson.loads(raw)), plain)),
        ("check, accepted", measure(lambda raw: schemas.check(raw, on=ON), plain)),
        ("check, accepted, indented JSON", measure(lambda raw: schemas.check(raw, on=ON), [spaced(o) for o in offers])),
    ]
    for name, change in (("hours and extensions", with_schedule), ("a phone number", with_phone), ("refused", broken)):
        inputs = [orjson.dumps(change(offer)) for offer in offers[: 100 if name == "refused" else OFFERS]]
        rows.append((f"check, {name}", measure(lambda raw: schemas.check(raw, on=ON), inputs)))
    print(f"{OFFERS} offers of {sum(map(len, plain)) // len(plain)} bytes, µs each, best of {ROUNDS}")
    for name, taken in rows:
        print(f"{name:36} {taken:9.2f} µs {taken / decoded:8.1f} ×")


if __name__ == "__main__":
    main()
