"""Offers that vary as real ones do: texts, localities, employers, dates; two in a hundred are refused.

Repetitive offers flatter every measurement that compresses, caches or compares them. The demo's generator draws
structure, localities and faults; the texts here are random words of its sentences, so that 500 offers compress by gzip
about as well as real ones (4 to 5 : 1) and not 10 : 1.
"""

import gzip
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from random import Random
from typing import Any

import orjson

from demo.fault import FAULTS
from demo.generator import generate, siret
from gateway import clock
from gateway.protocol.paris_time import paris_date

PLATFORM = "bretagne"
_REGIONS = 8
"""Generators with a seed each; one draws 400 employers."""
_WRONG = 0.03
_POOL = 400_000
_COMPRESSED = 500


class Texts:
    """French-looking texts of given lengths, from one seed: slices of a long row of random words."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        said = (offer.document for offer in generate(seed, PLATFORM, 2_000, today(), wrong=0))
        words = sorted({word for one in said for word in f"{one['title']} {one['description']}".split()})
        self._pool = " ".join(self._random.choices(words, k=_POOL))

    def draw(self, least: int, most: int) -> str:
        """A text of whole words, of about ``least`` to ``most`` characters."""
        start = self._random.randrange(len(self._pool) - most)
        text = self._pool[start : start + self._random.randint(least, most)]
        return text.partition(" ")[2].rpartition(" ")[0].strip(" ,;:.") or "Stage"


def today() -> date:
    """The day in Paris."""
    return date.fromisoformat(paris_date(clock.now()))


def documents(count: int, *, wrong: float = _WRONG) -> list[bytes]:
    """``count`` offers of one platform as it would send them."""
    return list(islice(_documents(11, wrong), count))


def renamed(raw: bytes, offer_id: str) -> bytes:
    """The same offer under another id."""
    return orjson.dumps({**orjson.loads(raw), "id": offer_id})


def compression(raws: list[bytes]) -> float:
    """The ratio by which gzip shrinks the first 500 offers together."""
    whole = b"\n".join(raws[:_COMPRESSED])
    return len(whole) / len(gzip.compress(whole))


def _documents(seed: int, wrong: float) -> Iterator[bytes]:
    random, texts, on = Random(seed), Texts(seed), today()
    regions = [generate(seed + number, PLATFORM, 1 << 40, on, wrong=0) for number in range(_REGIONS)]
    number = 0
    while True:
        for region in regions:
            number += 1
            offer = _vary(orjson.loads(next(region).raw), number, random, texts, on)
            if random.random() < wrong:
                random.choice([fault for fault in FAULTS if fault.fits(offer)]).make(offer, on)
            if "schools" in offer.get("restrictions", ()):
                del offer["restrictions"]  # the bench waits for each offer at the national site (NAT-002)
            yield orjson.dumps(offer)


def _vary(offer: dict[str, Any], number: int, random: Random, texts: Texts, on: date) -> dict[str, Any]:
    """Give the offer its own id, texts, employer and dates."""
    local = f"{on.year}-{number:06}"
    host = offer["apply_url"].partition("/offres/")[0]
    offer["id"], offer["apply_url"] = f"{PLATFORM}:{local}", f"{host}/offres/{local}"
    offer["revision"] = 1_764_000_000_000 + random.randrange(10**9)
    offer["title"] = f"{offer['title'].partition(' :')[0]} : {texts.draw(15, 60)}"
    offer["description"] = texts.draw(250, 1_100) + "."
    employer = offer["employer"]
    employer["name"] = f"{employer['name'].partition(' ')[0]} {texts.draw(12, 30)}"
    employer["description"] = texts.draw(60, 180) + "."
    if "siret" in employer:
        employer["siret"] = siret(random)
    if "street" in offer["location"]:
        offer["location"]["street"] = f"{random.randrange(1, 200)} rue {texts.draw(10, 25)}"
    if number % 2:
        offer.pop("schedule", None)
    if offer["levels"] == ["seconde"] and number % 3:
        offer["expires_on"] = (on + timedelta(days=random.randrange(20, 120))).isoformat()
    return offer
