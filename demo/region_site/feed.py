"""Feeds in the formats of regional platforms: one writer per format, and a profile that reads it back."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias
from xml.etree.ElementTree import Element, SubElement, tostring

import orjson

from adapters.profile.profile import profiles

Offer: TypeAlias = Mapping[str, Any]

_NAMES: Mapping[str, str] = {
    "title": "titre",
    "description": "description",
    "employer.name": "employeur",
    "employer.description": "presentation",
    "employer.siret": "siret",
    "employer.public": "public",
    "location.street": "adresse",
    "location.postal_code": "code_postal",
    "location.city": "ville",
    "location.latitude": "latitude",
    "location.longitude": "longitude",
    "levels": "niveaux",
    "weeks": "semaines",
    "stay_weeks": "duree",
    "seats": "places",
    "sector": "secteur",
    "apply_url": "lien",
}
"""French field names for platforms without a format of their own."""
_LISTS = frozenset({"levels", "weeks"})
_OWN = ("levels", "weeks", "stay_weeks", "sector")
"""Fields without an equivalent in job formats; platforms add members of their own."""
_BETWEEN = "|"


def write_feed(form: str, offers: Sequence[Offer]) -> bytes:
    """The offers as a feed of a format. Raises KeyError for an unknown format."""
    return _WRITERS[form]([dict(offer) for offer in offers])


def example_profile(platform: str, form: str, transport: Mapping[str, Any]) -> dict[str, Any]:
    """The profile document of one of the nine platforms for a feed of ``write_feed``."""
    known = profiles()[platform].document
    mapping = _MAPPINGS[form]()
    return {**known, "transport": dict(transport), "format": form, "mapping": mapping}


def _value(offer: Offer, name: str) -> Any:
    parent, _, child = name.rpartition(".")
    return (offer.get(parent, {}) if parent else offer).get(child)


def _reference(offer: Offer) -> str:
    return str(offer["id"]).partition(":")[2]


def _row(offer: Offer) -> dict[str, Any]:
    values = {column: _value(offer, name) for name, column in _NAMES.items()}
    return {"reference": _reference(offer)} | {column: value for column, value in values.items() if value is not None}


def _write_csv(offers: Sequence[Offer]) -> bytes:
    text = io.StringIO()
    table = csv.DictWriter(text, ["reference", *_NAMES.values()], delimiter=";", lineterminator="\r\n")
    table.writeheader()
    for offer in offers:
        cells = _row(offer).items()
        table.writerow({name: _BETWEEN.join(cell) if isinstance(cell, list) else cell for name, cell in cells})
    return text.getvalue().encode()


def _write_json(offers: Sequence[Offer]) -> bytes:
    return orjson.dumps({"offres": [_row(offer) for offer in offers]})


def _write_xml(offers: Sequence[Offer]) -> bytes:
    root = Element("offres")
    for offer in offers:
        item = SubElement(root, "offre", {"reference": _reference(offer)})
        for name, value in _row(offer).items():
            if name != "reference":
                _append(item, name, value)
    return _bytes(root)


def _write_postings(offers: Sequence[Offer]) -> bytes:
    return orjson.dumps({"@context": "https://schema.org", "@graph": [_posting(offer) for offer in offers]})


def _posting(offer: Offer) -> dict[str, Any]:
    employer, location = offer["employer"], offer["location"]
    return {
        "@type": "JobPosting",
        "identifier": {"@type": "PropertyValue", "name": "offres", "value": _reference(offer)},
        "title": offer["title"],
        "description": offer["description"],
        "hiringOrganization": {
            "@type": "Organization",
            "name": employer["name"],
            "description": employer.get("description", ""),
        },
        "jobLocation": {
            "@type": "Place",
            "address": {
                "@type": "PostalAddress",
                "streetAddress": location.get("street", ""),
                "postalCode": location["postal_code"],
                "addressLocality": location["city"],
                "addressCountry": "FR",
            },
        },
        "employmentType": "INTERN",
        "totalJobOpenings": offer.get("seats", 1),
        "url": offer["apply_url"],
        **_own(offer),
    }


def _write_cleverconnect(offers: Sequence[Offer]) -> bytes:
    root = Element("source")
    for offer in offers:
        _append_job(root, offer)
    return _bytes(root)


def _append_job(root: Element, offer: Offer) -> None:
    employer, address = offer["employer"], offer["location"]
    job = SubElement(root, "job", {"id": _reference(offer), "reference": _reference(offer), "lang": "fr"})
    for name in ("title", "description"):
        _append(job, name, offer[name])
    _append(job, "link", offer["apply_url"])
    company = SubElement(job, "company", {"anonymous": "false"})
    _append(company, "name", employer["name"])
    if "description" in employer:
        _append(company, "description", employer["description"])
    location = SubElement(SubElement(SubElement(job, "workplace"), "locations"), "location")
    _append(location, "city", address["city"])
    _append(location, "postalCode", address["postal_code"])
    for name, value in _own(offer).items():
        _append(job, name, value)


def _own(offer: Offer) -> dict[str, Any]:
    return {_NAMES[name]: offer[name] for name in _OWN if name in offer}


def _append(parent: Element, name: str, value: Any) -> None:
    """A child with a text; one for each item of a list."""
    for one in value if isinstance(value, list) else [value]:
        text = str(one).lower() if isinstance(one, bool) else str(one)
        SubElement(parent, name).text = text


def _bytes(root: Element) -> bytes:
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _fields(*, split: bool = False) -> dict[str, Any]:
    return {
        name: {"path": column, "split": _BETWEEN} if split and name in _LISTS else {"path": column}
        for name, column in _NAMES.items()
    }


def _map_csv() -> dict[str, Any]:
    return {"source": {"separator": ";"}, "id": {"path": "reference"}, "fields": _fields(split=True)}


def _map_json() -> dict[str, Any]:
    return {"source": {"items": "offres"}, "id": {"path": "reference"}, "fields": _fields()}


def _map_xml() -> dict[str, Any]:
    return {"source": {"items": "offres/offre"}, "id": {"path": "@reference"}, "fields": _fields()}


def _map_own() -> dict[str, Any]:
    return {"fields": {name: {"path": _NAMES[name]} for name in _OWN}}


_WRITERS: Mapping[str, Callable[[Sequence[Offer]], bytes]] = {
    "csv": _write_csv,
    "json": _write_json,
    "xml": _write_xml,
    "jobposting": _write_postings,
    "cleverconnect": _write_cleverconnect,
}
_MAPPINGS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "csv": _map_csv,
    "json": _map_json,
    "xml": _map_xml,
    "jobposting": _map_own,
    "cleverconnect": _map_own,
}
