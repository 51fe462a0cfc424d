"""Rules beyond JSON Schema: one module per subject, with functions from an offer to its problems.

A check names the fields that it reads; on a document that breaks the schema it runs only if these are sound. To add a
rule: an entry in ``schemas/catalogue/offer.json``, a function in the module of its subject, a line in ``CHECKS``.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from schemas.rulebook import Problem
from schemas.rules import delivery, extension, identifier, link, location, schedule, week
from schemas.territory import Territory

Offer: TypeAlias = Mapping[str, Any]
Finder: TypeAlias = Callable[[Offer, date, Territory | None], Iterable[Problem]]


@dataclass(frozen=True, slots=True)
class Check:
    """A function and the fields that it reads, as JSON Pointers. Each of them is sound or absent."""

    find: Finder
    reads: tuple[str, ...]


LOCATION_FIELDS = ("/location/postal_code", "/location/city", "/location/insee_commune")

CHECKS: tuple[Check, ...] = (
    Check(location.find_territory, LOCATION_FIELDS),
    Check(identifier.find_employer, ("/employer/siret", "/employer/naf")),
    Check(location.find_coordinates, ("/location/latitude", "/location/longitude")),
    Check(week.find, ("/weeks", "/levels", "/stay_weeks", "/expires_on")),
    Check(week.find_unreachable, ("/levels", "/restrictions/rep", "/restrictions/qpv")),
    Check(identifier.find_schools, ("/restrictions/schools",)),
    Check(schedule.find, ("/schedule", "/levels", "/weeks")),
    Check(link.find, ("/apply_url", "/employer/website")),
    Check(link.find_in_ids, ("/id", "/source_id", "/national_remote_id")),
    Check(extension.find, ("/extensions",)),
    Check(delivery.find, ("/redistribution", "/restrictions/schools")),
    Check(delivery.find_address, ("/redistribution", "/apply_url")),
    Check(delivery.find_postcode, ("/redistribution", "/location/postal_code")),
    Check(delivery.find_undescribed, ("/redistribution", "/employer/description")),
    Check(delivery.find_weeks, ("/redistribution", "/weeks", "/levels", "/stay_weeks")),
)

FINDERS: tuple[Finder, ...] = tuple(check.find for check in CHECKS if check.reads is not LOCATION_FIELDS)
"""The functions alone, for valid documents whose location is already resolved."""

PLAIN_FINDERS: tuple[Finder, ...] = tuple(find for find in FINDERS if find not in (link.find, link.find_in_ids))
"""The same for documents without suspicion of personal data (``schemas.suspicion``)."""
