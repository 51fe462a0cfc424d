"""Delivery: warnings on offers that the national site would refuse or change (NAT-001 to NAT-008)."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from schemas.rulebook import Problem, problem
from schemas.rules.week import COLLEGE, default_stay
from schemas.schoolyear import is_beyond_file, june_year, monday_of, years, years_ahead
from schemas.territory import Territory

REFUSED_WORDS = ("test", "staging")
_OVERSEAS = frozenset({"971", "972", "973", "974", "976", "977", "978", "987", "988"})
"""First three digits of the overseas postcodes whose department is in the national site's table."""
_LISTED_IN_REUNION = ("977", "978")
"""Postcodes that the site's table takes for those of La Réunion."""


def find(offer: Mapping[str, Any], _on: date, _territory: Territory | None) -> list[Problem]:
    """Publisher's choices that keep the offer from the national site, or from all subscribers."""
    found: list[Problem] = []
    redistribution = offer.get("redistribution")
    if redistribution:
        if redistribution.get("mask_employer") and _wanted(offer):
            found.append(problem("not-deliverable:masked-employer", pointer="/redistribution/mask_employer"))
        if not redistribution.get("national", True) and not redistribution.get("regions", True):
            found.append(problem("redistribution-nobody", pointer="/redistribution"))
    if "restrictions" in offer and "schools" in offer["restrictions"] and _wanted(offer):
        found.append(problem("not-deliverable:reserved-schools", pointer="/restrictions/schools"))
    return found


def find_address(offer: Mapping[str, Any], _on: date, _territory: Territory | None) -> list[Problem]:
    """Words that the national site refuses anywhere in an address, even within harmless words."""
    lower = offer["apply_url"].lower() if "apply_url" in offer else ""
    words = [word for word in REFUSED_WORDS if word in lower]
    if not words or not _wanted(offer):
        return []
    return [problem("not-deliverable:apply-url-word", pointer="/apply_url", actual=word) for word in words]


def find_postcode(offer: Mapping[str, Any], on: date, territory: Territory | None) -> list[Problem]:
    """``find_unplaced``, for an offer in a French department; any other is refused anyway."""
    return [] if territory is None else find_unplaced(offer, on, territory)


def find_unplaced(offer: Mapping[str, Any], _on: date, _territory: Territory | None) -> list[Problem]:
    """Postcodes whose department is not in the national site's table, or is another one there: the site reads the first
    two digits, three overseas, never the INSEE code.
    """
    postcode = offer.get("location", {}).get("postal_code", "")
    if postcode and not _is_placed(postcode) and _wanted(offer):
        return [problem("not-deliverable:postal-code", pointer="/location/postal_code", actual=postcode)]
    if postcode.startswith(_LISTED_IN_REUNION) and _wanted(offer):
        return [problem("national-other-region", pointer="/location/postal_code", actual=postcode)]
    return []


def _is_placed(postcode: str) -> bool:
    if postcode.startswith(("97", "98")):
        return postcode[:3] in _OVERSEAS
    return "01" <= postcode[:2] <= "95"


def find_undescribed(offer: Mapping[str, Any], _on: date, _territory: Territory | None) -> list[Problem]:
    """An employer without the description that the national site requires."""
    if "description" not in offer.get("employer", {"description": ""}) and _wanted(offer):
        return [problem("employer-undescribed", pointer="/employer/description")]
    return []


def _wanted(offer: Mapping[str, Any]) -> bool:
    """Whether the offer is for the national site at all."""
    offer_id = offer.get("id")
    from_there = isinstance(offer_id, str) and offer_id.startswith("national:")
    return not from_there and offer.get("redistribution", {}).get("national", True) is not False


def find_weeks(offer: Mapping[str, Any], on: date, _territory: Territory | None) -> tuple[Problem, ...]:
    """Weeks that the national site does not take from a seconde offer; mixed levels, which it splits."""
    levels = offer.get("levels", ())
    if "seconde" not in levels:
        return ()
    found = _find_weeks(tuple(offer.get("weeks", ())), tuple(levels), offer.get("stay_weeks"), june_year(on))
    return found if found and _wanted(offer) else ()


@lru_cache(maxsize=4096)
def _find_weeks(weeks: tuple[str, ...], levels: tuple[str, ...], stay: float | None, june: int) -> tuple[Problem, ...]:
    """``june``: the year of the June whose weeks the site asks for; it takes those of no earlier one."""
    found: list[Problem] = []
    if not COLLEGE.isdisjoint(levels):
        found.append(problem("levels-mixed", pointer="/levels"))
    mondays = [monday for monday in map(monday_of, weeks) if monday is not None]
    ahead = years_ahead(june)
    unknown = [monday for monday in mondays if is_beyond_file(monday)]
    if mondays and not any(set(year.weeks) <= set(weeks) for year in ahead):
        if unknown:
            return (*found, problem("not-deliverable:year-unknown", pointer="/weeks", actual=unknown[0].year))
        touched = [year for year in ahead if any(year.first <= monday <= year.last for monday in mondays)]
        expected = list((touched or ahead[:1] or years()[-1:])[-1].weeks)
        found.append(problem("not-deliverable:mandatory-weeks", pointer="/weeks", expected=expected))
    elif mondays and (stay or default_stay(list(levels), list(weeks))) == 1:
        found.append(problem("not-deliverable:one-week-stay", pointer="/stay_weeks", expected=2, actual=1))
    return tuple(found)
