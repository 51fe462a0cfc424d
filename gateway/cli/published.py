"""Preview of an accepted offer as subscribers see it, with names instead of codes, for authors of mappings."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from rich.text import Text

import schemas
from schemas.communes import communes_of, plain_name
from schemas.rulebook import Language
from schemas.texts import load_words

_LEVELS: Mapping[str, str] = {"quatrieme": "quatrième", "troisieme": "troisième", "seconde": "seconde"}
_HEADS: Mapping[Language, dict[str, str]] = load_words(dict, "gateway", "published")


def published_offer(offer: Mapping[str, Any], territory: Mapping[str, Any]) -> dict[str, Any]:
    """The published fields of an accepted offer; ``place`` and ``sector`` by name."""
    location, sector = offer["location"], offer["sector"]
    commune = _commune(location)
    department = _name("departments", territory["department"])
    return {
        "id": offer["id"],
        "title": offer["title"],
        "company": offer["employer"]["name"],
        "place": f"{location['postal_code']} {commune} ({department})",
        "commune": commune,
        "department": department,
        "sector": _name("sectors", sector),
        "sector_code": sector,
        "weeks": list(offer["weeks"]),
        "levels": list(offer["levels"]),
        "apply_url": offer["apply_url"],
    }


def render_offer(offer: Mapping[str, Any], language: Language) -> Text:
    """Render a document of ``published_offer`` as a block of lines."""
    heads = _HEADS[language]
    values = {
        **offer,
        "sector": f"{offer['sector']} ({offer['sector_code']})",
        "weeks": ", ".join(_week(week) for week in offer["weeks"]),
        "levels": ", ".join(_LEVELS.get(level, level) for level in offer["levels"]),
    }
    width = max(map(len, heads.values()))
    lines = [f"\n  {head:<{width}}  {values[name]}" for name, head in heads.items()]
    return Text.assemble((offer["title"], "bold"), f"  {offer['id']}", *lines)


def _commune(location: Mapping[str, Any]) -> str:
    """The official name of the commune; the offer's city if no commune matches."""
    code, city = location.get("insee_commune"), location["city"]
    for commune in communes_of(location["postal_code"]):
        if commune.code == code or (code is None and plain_name(commune.name) == plain_name(city)):
            return commune.name
    return str(city)


def _name(reference: str, code: str) -> str:
    return next((one["name"] for one in schemas.reference(reference)["items"] if one["code"] == code), code)


def _week(week: str) -> str:
    """A week with its first day: ``2027-W24 (14/06/2027)``."""
    year, _, number = week.partition("-W")
    return f"{week} ({date.fromisocalendar(int(year), int(number), 1):%d/%m/%Y})"
