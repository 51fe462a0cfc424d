"""Offers and a feed for the tests of the page "check an offer"."""

import json
from datetime import date
from typing import Any

DAY = date(2027, 3, 9)
CANARY = "canary-5f1c-zq"

REFUSED = """{
  "id": "bretagne:2027-0412",
  "revision": 3,
  "title": "Découverte d'un atelier de menuiserie",
  "description": "Un meuble, du dessin à la pose. Questions : accueil@atelier.example.",
  "employer": {
    "name": "Atelier du Port",
    "siret": "73282932000075",
    "description": "Menuiserie de douze personnes."
  },
  "location": {"street": "4 quai Lamennais", "postal_code": "35000", "city": "Rennes"},
  "levels": ["seconde"],
  "weeks": ["2027-W24", "2027-W6"],
  "sector": "s5",
  "seats": 2,
  "apply_url": "https://stages.ideo.bretagne.bzh/attestation/2027-0412"
}
"""
"""An offer with two errors (lines 8 and 13) and two warnings (lines 5 and 16)."""

SOUND: dict[str, Any] = {
    "id": "bretagne:2027-0412",
    "revision": 3,
    "title": "Découverte d’un atelier",
    "description": "Un meuble, du dessin à la pose.",
    "employer": {"name": "Atelier du Port", "description": "Menuiserie de douze personnes."},
    "location": {"street": "4 quai Lamennais", "postal_code": "35000", "city": "Rennes"},
    "levels": ["seconde"],
    "weeks": ["2027-W24", "2027-W25"],
    "sector": "s5",
    "seats": 2,
    "apply_url": "https://stages.bretagne.example/2027-0412",
}

FEED = b"""<?xml version="1.0" encoding="UTF-8"?>
<source>
<job id="A-1">
<title>Atelier de menuiserie</title>
<description>Un meuble, du dessin a la pose, dans un atelier de douze personnes.</description>
<link>https://site.example/offres/1</link>
<industry>Commerce</industry>
<company id="1"><name>Atelier du Port</name></company>
<workplace><locations><location label="Lyon (69)"><city>Lyon</city><postalCode>69001</postalCode></location></locations>
</workplace>
</job>
</source>
"""


def sound(**changes: Any) -> bytes:
    """A sound offer with some fields changed, as JSON."""
    return json.dumps({**SOUND, **changes}, ensure_ascii=False).encode()
