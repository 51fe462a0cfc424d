"""Documents to render: offers as a subscriber gets them."""

from typing import Any

from tests.store.offer_topic import offer_of

TEXTS = (
    "=1+1",
    "+33 rue du Port",
    "-2 degrés",
    "@SUM(A1:A9)",
    "\t=cmd|' /C calc'!A0",
    "\r=1",
    "\n=1",
    "  =HYPERLINK(1)",
    "\u00a0=1",
    "＝1+1",
    "'déjà une apostrophe",
    'il dit "oui";=1+1',
    "</script><script>alert(1)</script>",
    "<!-- ]]> &amp; <br>",
    "à\nla\r\nligne",
    "nul \x00 et cloche \x07, \ufffe",
    "\u2028 séparateur",
    "«\u00a0Éclairs\u00a0» 🥐",
)
"""Texts that a publisher may send. The rules would refuse some of them: a rendering does not rely on that."""


def document(**wishes: Any) -> dict[str, Any]:
    """A document of everything that an offer may have; ``wishes`` are members of the offer."""
    whole: dict[str, Any] = {
        "employer": {"description": "Menuiserie", "naf": "16.23Z", "public": False},
        "location": {"insee_commune": "35238", "latitude": 48.117, "longitude": -1.677},
        "levels": ["troisieme", "seconde"],
        "seats": 2,
        "rome": {"code": "H2206", "version": "4"},
        "schedule": {
            "monday": {"start": "09:00", "end": "17:00", "break_minutes": 60},
            "friday": {"start": "09:00", "end": "12:00"},
            "lunch_break": "Sur place",
        },
        "accessibility": "yes",
        "restrictions": {"rep": True, "schools": ["0350001A", "0350002B"]},
    }
    return {
        "id": "bretagne:1",
        "sequence": 1_800_000_000_001,
        "offer": offer_of("bretagne:1", **{**whole, **wishes}),
        "territory": {"department": "35", "region": "53", "academie": "rennes"},
        "provenance": ["bretagne", "rennes"],
        "at": "2027-01-15T08:00:00.000Z",
        "possible_duplicates": ["normandie:7"],
    }


def bare() -> dict[str, Any]:
    """A document of what an offer must have, its employer masked."""
    offer = offer_of("bretagne:2")
    offer["employer"], offer["location"] = {}, {"postal_code": "01000", "city": "Bourg-en-Bresse"}
    found = {**document(), "id": "bretagne:2", "offer": offer}
    del found["possible_duplicates"]
    return found
