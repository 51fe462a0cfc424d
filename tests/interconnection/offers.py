"""Offers of the platforms of these tests: a town in each Region, and weeks that are valid on any day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from demo.national_site.stock import SiteOffer
from gateway.clock import now
from gateway.protocol.paris_time import paris_date
from schemas.schoolyear import june_year

Offer: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Town:
    """Where offers are: a postcode, its city, and the INSEE codes of department and region."""

    postal_code: str
    city: str
    department: str
    region: str


TOWNS: Mapping[str, Town] = {
    "auvergne-rhone-alpes": Town("38000", "Grenoble", "38", "84"),
    "bourgogne-franche-comte": Town("21000", "Dijon", "21", "27"),
    "bretagne": Town("35000", "Rennes", "35", "53"),
    "grand-est": Town("67000", "Strasbourg", "67", "44"),
    "ile-de-france": Town("78000", "Versailles", "78", "11"),
    "normandie": Town("76000", "Rouen", "76", "28"),
    "nouvelle-aquitaine": Town("33000", "Bordeaux", "33", "75"),
    "occitanie": Town("31000", "Toulouse", "31", "76"),
    "pays-de-la-loire": Town("44000", "Nantes", "44", "52"),
}
"""One in the territory of each of the nine platforms, by slug."""
REGIONS = tuple(TOWNS)
UNCOVERED: Mapping[str, Town] = {
    "Hauts-de-France": Town("59000", "Lille", "59", "32"),
    "Centre-Val de Loire": Town("45000", "Orléans", "45", "24"),
}
"""One in each Region without a platform, by name."""


def weeks_today() -> tuple[str, str]:
    """A week of June and one of July, of the year whose June the national site looks at: on any day the last one is
    still to come, and the first one is in the season that its search shows.
    """
    year = june_year(date.fromisoformat(paris_date(now())))
    return f"{year}-W24", f"{year}-W27"


def offer(platform: str, name: int | str, *, town: Town, host: str, **changes: Any) -> Offer:
    """An offer as its platform knows it, without a revision. Every channel transmits all of its fields."""
    base: Offer = {
        "id": f"{platform}:{name}",
        "title": f"Découverte d'un atelier ({name})",
        "description": "Observer la fabrication d'un meuble, du dessin à la pose.",
        "employer": {"name": f"Atelier de {town.city}", "description": "Menuiserie de douze personnes."},
        "location": {"postal_code": town.postal_code, "city": town.city},
        "levels": ["troisieme"],
        "weeks": list(weeks_today()),
        "sector": "s5",
        "apply_url": f"https://{host}/offres/{platform}/{name}",
    }
    return {**base, **changes}


def made_there(town: Town, name: str) -> dict[str, Any]:
    """The fields of an offer that an employer makes at the national site."""
    return {
        "title": f"Stage au théâtre de {town.city} ({name})",
        "description": "Découvrir les métiers du spectacle.",
        "employer_name": f"Théâtre de {town.city}",
        "employer_description": "Une scène de ville.",
        "street": "1 place de la Comédie",
        "zipcode": town.postal_code,
        "city": town.city,
        "sector": "s5",
        "grades": ("troisieme",),
        "weeks": weeks_today(),
    }


def differences(row: SiteOffer, wanted: Offer) -> list[str]:
    """Differences between a row of the national site and the offer."""
    employer, location = wanted["employer"], wanted["location"]
    expected = {
        "title": wanted["title"],
        "description": wanted["description"],
        "employer_name": employer["name"],
        "employer_description": employer["description"],
        "street": location["city"],
        "zipcode": location["postal_code"],
        "city": location["city"],
        "sector": wanted["sector"],
        "permalink": wanted["apply_url"],
        "grades": tuple(wanted["levels"]),
        "weeks": tuple(wanted["weeks"]),
        "max_candidates": 1,
    }
    return [name for name, value in expected.items() if getattr(row, name) != value]
