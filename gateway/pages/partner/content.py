"""View model of the content of an offer in words, under the labels of the reference. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.pages.base.wording import LEVELS, PLAIN_FIELDS, label_of, plain_value
from gateway.pages.check.relayed import week
from schemas.rulebook import Language


def offer_rows(offer: Mapping[str, Any], language: Language) -> Sequence[tuple[str, str]]:
    """The fields that an offer has, each with its label."""
    return [(label_of(field, language) or field, str(text)) for field, text in _texts(offer, language) if text]


def _texts(offer: Mapping[str, Any], language: Language) -> Iterator[tuple[str, Any]]:
    employer, location = offer["employer"], offer["location"]
    yield "employer.name", employer.get("name")
    yield "employer.siret", employer.get("siret")
    town = f"{location.get('postal_code', '')} {location.get('city', '')}".strip()
    yield "location.city", ", ".join(filter(None, (location.get("street"), town)))
    yield "description", offer.get("description")
    yield "levels", ", ".join(LEVELS.get(one, one) for one in offer.get("levels", ()))
    yield "weeks", ", ".join(week(one, language) or one for one in offer.get("weeks", ()))
    for name in PLAIN_FIELDS:
        yield name, plain_value(name, offer.get(name), language)
    yield "apply_url", offer.get("apply_url")
