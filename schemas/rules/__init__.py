"""Rules beyond JSON Schema: one module per subject, with functions from an offer to its problems.

A check names the fields that it reads; on a document that breaks the schema it runs only if these are sound. To add a
rule: an entry in ``schemas/catalogue/offer.json``, a function in the module of its subject, a line in ``CHECKS``.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from schemas.rulebook import Problem
from schemas.rules import delivery, extension, identifier, link, location, renaming, schedule, week
from schemas.territory import Territory

Offer: TypeAlias = Mapping[str, Any]
Finder: TypeAlias = Callable[[Offer, date, Territory | None], Iterable[Problem]]


@dataclass(frozen=True, slots=True)
class RuleCheck:
    """A function and the fields that it reads, as JSON Pointers. Each of them is sound or absent."""

    find: Finder
    reads: tuple[str, ...]


LOCATION_FIELDS = ("/location/postal_code", "/location/city", "/location/insee_commune")

CHECKS: tuple[RuleCheck, ...] = (
    RuleCheck(location.find_territory, LOCATION_FIELDS),
    RuleCheck(identifier.find_employer, ("/employer/siret", "/employer/naf")),
    RuleCheck(location.find_coordinates, ("/location/latitude", "/location/longitude")),
    RuleCheck(week.find, ("/weeks", "/levels", "/stay_weeks", "/expires_on")),
    RuleCheck(week.find_unreachable, ("/levels", "/restrictions/rep", "/restrictions/qpv")),
    RuleCheck(identifier.find_schools, ("/restrictions/schools",)),
    RuleCheck(schedule.find, ("/schedule", "/levels", "/weeks")),
    RuleCheck(link.find, ("/apply_url", "/employer/website")),
    RuleCheck(link.find_in_ids, ("/id", "/source_id", "/national_remote_id")),
    RuleCheck(extension.find, ("/extensions",)),
    RuleCheck(delivery.find, ("/redistribution", "/restrictions/schools")),
    RuleCheck(delivery.find_address, ("/redistribution", "/apply_url")),
    RuleCheck(delivery.find_postcode, ("/redistribution", "/location/postal_code")),
    RuleCheck(delivery.find_undescribed, ("/redistribution", "/employer/description")),
    *([RuleCheck(renaming.find, renaming.READS)] if renaming.READS else ()),
    RuleCheck(delivery.find_weeks, ("/redistribution", "/weeks", "/levels", "/stay_weeks")),
)

FINDERS: tuple[Finder, ...] = tuple(check.find for check in CHECKS if check.reads is not LOCATION_FIELDS)
"""The functions alone, for valid documents whose location is already resolved."""

PLAIN_FINDERS: tuple[Finder, ...] = tuple(find for find in FINDERS if find not in (link.find, link.find_in_ids))
"""The same for documents without suspicion of personal data (``schemas.suspicion``)."""
