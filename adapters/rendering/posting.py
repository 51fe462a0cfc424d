"""Offers as schema.org JobPosting in JSON-LD, safe between ``<script>`` tags without further escaping.

Fields without a schema.org term have absolute names (``urn:fr:stages:offer:…``), which JSON-LD allows without further
context and other readers ignore.
"""

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any

import orjson

import schemas
from gateway.protocol.rendering import Document, Rendering
from schemas.offer_field import PUBLISHER_ONLY, plain_members

_OWN = "urn:fr:stages:offer:"
_TERMS = frozenset({"id", "title", "description", "seats", "sector", "apply_url", "expires_on"})
"""Plain fields with a schema.org term."""
_OWN_FIELDS = tuple(
    name
    for name in (
        *("levels", "weeks", "stay_weeks", "schedule", "accessibility", "restrictions"),
        *plain_members(schemas.schema("offer")),
    )
    if name not in _TERMS | PUBLISHER_ONLY
)
# In JSON these characters only occur in strings. Escaped, no string can end a script element or begin a comment.
_IN_SCRIPT = (
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)


def posting(document: Document) -> dict[str, Any]:
    """The JobPosting of an offer, without members that are unknown or hidden from this subscriber."""
    offer = document["offer"]
    organisation, rome = _organisation(offer["employer"]), offer.get("rome")
    found: dict[str, Any] = {
        "@type": "JobPosting",
        "identifier": {"@type": "PropertyValue", "name": document["provenance"][0], "value": document["id"]},
        "title": offer["title"],
        "description": offer["description"],
        "datePosted": document["at"][:10],
        "validThrough": offer["expires_on"],
        "jobStartDate": _monday(min(offer["weeks"])),
        "employmentType": "INTERN",
        "educationRequirements": ", ".join(offer["levels"]),
        "hiringOrganization": organisation,
        "jobLocation": _locality(offer["location"]),
        "industry": _sectors()[offer["sector"]],
        "occupationalCategory": None if rome is None else rome["code"],
        "totalJobOpenings": offer.get("seats"),
        "url": offer["apply_url"],
        "directApply": False,
        **{_OWN + name: offer.get(name) for name in _OWN_FIELDS},
        _OWN + "sector": offer["sector"],
        _OWN + "sequence": document["sequence"],
        _OWN + "possible_duplicates": document.get("possible_duplicates"),
    }
    return _known(found)


def _organisation(employer: Mapping[str, Any]) -> dict[str, Any] | None:
    if "name" not in employer:
        return None
    siret = employer.get("siret")
    return _known(
        {
            "@type": "Organization",
            "name": employer["name"],
            "description": employer.get("description"),
            "url": employer.get("website"),
            "identifier": siret and {"@type": "PropertyValue", "propertyID": "SIRET", "value": siret},
        }
    )


def _locality(location: Mapping[str, Any]) -> dict[str, Any]:
    address = {
        "@type": "PostalAddress",
        "streetAddress": location.get("street"),
        "postalCode": location["postal_code"],
        "addressLocality": location["city"],
        "addressCountry": "FR",
    }
    locality: dict[str, Any] = {"@type": "Place", "address": _known(address)}
    if "latitude" in location:
        locality["geo"] = {
            "@type": "GeoCoordinates",
            "latitude": location["latitude"],
            "longitude": location["longitude"],
        }
    return locality


def _known(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _monday(week: str) -> str:
    year, _, number = week.partition("-W")
    return date.fromisocalendar(int(year), int(number), 1).isoformat()


@cache
def _sectors() -> Mapping[str, str]:
    return {item["code"]: item["name"] for item in schemas.reference("sectors")["items"]}


def _write(document: Document) -> bytes:
    text = orjson.dumps(posting(document))
    for character, escaped in _IN_SCRIPT:
        text = text.replace(character, escaped)
    return text


POSTINGS = Rendering(
    media_type="application/ld+json",
    extension="jsonld",
    begin=b'{"@context":"https://schema.org","@graph":[\n',
    item=_write,
    between=b",\n",
    end=b"\n]}\n",
)
