"""Fixtures of the national site's tests: an offer that ``check`` accepted, an account, instants, and shapes."""

from datetime import date, datetime
from typing import Any

import orjson

from adapters.national.mapping.deliverability import Deliverability, DeliveryTerms, Ready, WantedPart
from adapters.national.mapping.mapping import map_offer
from adapters.national.site.answer import DoneAnswer, SiteAnswer, outcome_of
from adapters.national.site.client import HttpSite
from adapters.national.site.reading import SearchPage, read_page
from demo.national_site.simulator import NationalSimulator
from demo.national_site.stock import SiteOffer
from gateway.protocol.paris_time import PARIS
from schemas import check

ON = date(2026, 11, 20)
"""A day on which the site looks at June 2027."""
JUNE = ["2027-W24", "2027-W25"]
EMAIL, PASSWORD, OLD_TOKEN = "gateway@example.org", "a password", "an-old-token"


def at(day: str) -> int:
    """The instant of a local time in Paris, in milliseconds."""
    return int(datetime.fromisoformat(day).replace(tzinfo=PARIS).timestamp() * 1000)


NAME = "bretagne:atelier-1"
NOW = at("2026-11-20T10:00:00")


def row_of(simulator: NationalSimulator, remote_id: str = NAME) -> SiteOffer:
    """The site's first row of that remote id, which is there."""
    row = simulator.row(remote_id)
    assert row is not None
    return row


def offer_of(on: date = ON, **changes: Any) -> dict[str, Any]:
    """An accepted offer in its normal form. Objects among the changes are merged; None takes a field out."""
    document: dict[str, Any] = {
        "id": "bretagne:atelier-1",
        "revision": 1,
        "title": "Découverte d'un atelier de menuiserie",
        "description": "Observer la fabrication d'un meuble.\nDu dessin à la pose.",
        "employer": {
            "name": "Atelier du Port",
            "description": "Menuiserie de douze personnes.",
            "website": "https://atelier-du-port.example.fr",
            "siret": "73282932000074",
            "public": False,
        },
        "location": {
            "street": "4 quai Lamennais",
            "postal_code": "35000",
            "city": "Rennes",
            "latitude": 48.11,
            "longitude": -1.68,
        },
        "levels": ["seconde"],
        "weeks": JUNE,
        "seats": 3,
        "sector": "s24",
        "schedule": {
            "monday": {"start": "09:00", "end": "16:30", "break_minutes": 60},
            "saturday": {"start": "10:00", "end": "12:00", "break_minutes": 0},
            "lunch_break": "Repas tiré du sac",
        },
        "accessibility": "yes",
        "apply_url": "https://stages.ideo.bretagne.bzh/offres/atelier-1?x=1",
    }
    for name, value in changes.items():
        if value is None:
            document.pop(name)
        elif isinstance(value, dict) and isinstance(document.get(name), dict):
            merged = {**document[name], **value}
            document[name] = {key: member for key, member in merged.items() if member is not None}
        else:
            document[name] = value
    verdict = check(orjson.dumps(document), on=on)
    assert verdict.offer is not None, [problem.to_json() for problem in verdict.problems]
    return verdict.offer


def parts_of(offer: dict[str, Any], *, on: date = ON, **terms: Any) -> dict[str, Deliverability]:
    """The deliverability of each part of an offer."""
    parts: tuple[WantedPart, ...] = map_offer(offer, on=on, terms=DeliveryTerms(**terms))
    return {part.suffix: part.deliverability for part in parts}


def ready(offer: dict[str, Any], group: str = "", *, on: date = ON, **terms: Any) -> Ready:
    """The part that the site takes."""
    deliverability = parts_of(offer, on=on, **terms)[group]
    assert isinstance(deliverability, Ready), deliverability
    return deliverability


def creation(**changes: Any) -> dict[str, Any]:
    """The body that creates the offer."""
    return {**ready(offer_of()).named(NAME), **changes}


def made_there(**changes: Any) -> dict[str, Any]:
    """The fields of an offer that an employer makes on the site itself."""
    return {
        "title": "Une semaine à la mairie",
        "description": "Suivre les services.",
        "employer_name": "Mairie de Lille",
        "street": "1 place Augustin Laurent",
        "zipcode": "59000",
        "city": "Lille",
        "coordinates": (50.63, 3.07),
        "sector": "s25",
        "is_public": True,
        "weeks": ("2027-W24", "2027-W25"),
        "grades": ("seconde",),
        **changes,
    }


def shape(value: Any) -> Any:
    """Keys and types, without values: numbers are alike, a list is the shapes that occur in it."""
    if isinstance(value, dict):
        return {key: shape(member) for key, member in value.items()}
    if isinstance(value, list):
        return [one for index, one in enumerate(map(shape, value)) if one not in list(map(shape, value))[:index]]
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def page_of(answer: SiteAnswer) -> SearchPage:
    page = read_page(answer)
    assert page is not None
    return page


async def index(site: HttpSite) -> list[str | None]:
    return [listed.remote_id for listed in page_of(await site.index(1)).listed]


async def search(site: HttpSite, **filters: str) -> list[str]:
    return [listed.title for listed in page_of(await site.search(1, **filters)).listed]


async def deliver(site: HttpSite, sent: Ready, name: str = NAME) -> DoneAnswer:
    done = outcome_of(await site.create(sent.named(name)))
    assert isinstance(done, DoneAnswer)
    return done
