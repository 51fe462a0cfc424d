"""Contents of the model's offers: a few, each for one rule of routing or redaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.api.write.gateway_harness import offer

HOST_OF_NORMANDIE = "stages.normandie.example"
ADDRESS = "jean.dupont@exemple.fr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Properties of a content that the model needs; ``fields`` are put over a plain offer."""

    fields: Mapping[str, Any]
    department: str = "35"
    sector: str = "s5"
    national: bool = True
    regions: bool = True
    masked: bool = False
    applies_at: str | None = None
    """The platform on whose host it applies."""


_TOULOUSE = {"postal_code": "31000", "city": "Toulouse"}

WISHES: Mapping[str, Wish] = {
    "plain": Wish(fields={}),
    "seats": Wish(fields={"seats": 3}),
    "elsewhere": Wish(fields={"location": _TOULOUSE}, department="31"),
    "other sector": Wish(fields={"sector": "s24"}, sector="s24"),
    "national only": Wish(fields={"redistribution": {"regions": False}}, regions=False),
    "regions only": Wish(fields={"redistribution": {"national": False}}, national=False),
    "for nobody": Wish(fields={"redistribution": {"national": False, "regions": False}}, national=False, regions=False),
    "masked": Wish(fields={"redistribution": {"mask_employer": True}}, masked=True),
    "of normandie": Wish(fields={"apply_url": f"https://{HOST_OF_NORMANDIE}/offres/1"}, applies_at="normandie"),
    "with an address": Wish(fields={"description": f"Écrire à {ADDRESS}."}),
}


def document(offer_id: str, revision: int, wish: str) -> dict[str, Any]:
    """The offer as sent."""
    platform, _, number = offer_id.partition(":")
    return offer(number, revision, platform=platform, **WISHES[wish].fields)


def withdrawal(offer_id: str, revision: int, reason: str) -> dict[str, Any]:
    """The line that withdraws it."""
    return {"id": offer_id, "revision": revision, "withdrawn": reason}
