"""Realistic faults in offers, each with its expected answer: refusal codes, or acceptance with a warning.

A fault changes a valid offer in place; it applies only to offers that fit (``fits``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeAlias

from demo.week import calendar_on
from schemas.schoolyear import monday_of, year_of

Offer: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OfferFault:
    """``codes``: all problems of the changed offer; ``accepted``: they are warnings only."""

    codes: tuple[str, ...]
    make: Callable[[Offer, date], None]
    accepted: bool = False
    fits: Callable[[Offer], bool] = lambda _offer: True


def _unpad_week(offer: Offer, _on: date) -> None:
    week: str = offer["weeks"][0]
    offer["weeks"][0] = week.replace("-W0", "-W") if "-W0" in week else week.replace("-W", "-")


def _end_yesterday(offer: Offer, on: date) -> None:
    offer["expires_on"] = (on - timedelta(days=1)).isoformat()


def _misspell_description(offer: Offer, _on: date) -> None:
    offer["descripton"] = offer.pop("description")


def _mistype_siret(offer: Offer, _on: date) -> None:
    siret: str = offer["employer"]["siret"]
    offer["employer"]["siret"] = siret[:-1] + str((int(siret[-1]) + 1) % 10)


def _format_as_html(offer: Offer, _on: date) -> None:
    offer["description"] = f"<p>{offer['description']}</p>"


def _swap_coordinates(offer: Offer, _on: date) -> None:
    location = offer["location"]
    location["latitude"], location["longitude"] = location["longitude"], location["latitude"]


def _forget_sector(offer: Offer, _on: date) -> None:
    del offer["sector"]


def _number_postcode(offer: Offer, _on: date) -> None:
    offer["location"]["postal_code"] = int(offer["location"]["postal_code"])


def _unpad_hours(offer: Offer, _on: date) -> None:
    offer["schedule"]["monday"]["start"] = "9:00"


def _reverse_hours(offer: Offer, _on: date) -> None:
    monday = offer["schedule"]["monday"]
    monday["start"], monday["end"] = monday["end"], monday["start"]


def _name_level(offer: Offer, _on: date) -> None:
    offer["levels"] = ["3eme"]


def _insecure_link(offer: Offer, _on: date) -> None:
    offer["apply_url"] = offer["apply_url"].replace("https://", "http://")


def _reserve_to_districts(offer: Offer, _on: date) -> None:
    offer["restrictions"] = {"qpv": True}


def _give_address(offer: Offer, _on: date) -> None:
    offer["description"] += " Renseignements : accueil@stages.example"


def _mention_contest(offer: Offer, _on: date) -> None:
    offer["apply_url"] += "?contest=non"


def _offer_one_week(offer: Offer, on: date) -> None:
    offer["weeks"] = [calendar_on(on).seconde[0]]


def _leave_employer_undescribed(offer: Offer, _on: date) -> None:
    del offer["employer"]["description"]


def _mix_levels(offer: Offer, _on: date) -> None:
    offer["levels"] = ["troisieme", "seconde"]


def _reserve_to_school(offer: Offer, _on: date) -> None:
    offer["restrictions"] = {"schools": ["0350001L"]}


def _has_siret(offer: Offer) -> bool:
    return "siret" in offer["employer"]


def _has_coordinates(offer: Offer) -> bool:
    return "latitude" in offer["location"]


def _has_hours(offer: Offer) -> bool:
    return "schedule" in offer


def _for_seconde(offer: Offer) -> bool:
    return bool(offer["levels"] == ["seconde"])


def _for_seconde_on_file(offer: Offer) -> bool:
    """Only years with a calendar on file have known mandatory weeks, and problems about them."""
    monday = monday_of(offer["weeks"][0])
    return _for_seconde(offer) and _for_national(offer) and monday is not None and year_of(monday) is not None


def _mixable(offer: Offer) -> bool:
    """Without hours: those of seconde are too long for a collège, an additional problem."""
    return _for_seconde(offer) and _for_national(offer) and not _has_hours(offer)


def _for_national(offer: Offer) -> bool:
    """Offers from the national site get no deliverability problems."""
    return not offer["id"].startswith("national:")


def _for_college(offer: Offer) -> bool:
    return "seconde" not in offer["levels"]


FAULTS: tuple[OfferFault, ...] = (
    OfferFault(("week-malformed",), _unpad_week),
    OfferFault(("expired",), _end_yesterday),
    OfferFault(("field-misnamed", "field-missing"), _misspell_description),
    OfferFault(("siret-checksum",), _mistype_siret, fits=_has_siret),
    OfferFault(("text-markup",), _format_as_html),
    OfferFault(("coordinates-swapped",), _swap_coordinates, fits=_has_coordinates),
    OfferFault(("field-missing",), _forget_sector),
    OfferFault(("code-as-number",), _number_postcode),
    OfferFault(("time-malformed",), _unpad_hours, fits=_has_hours),
    OfferFault(("hours-reversed",), _reverse_hours, fits=_has_hours),
    OfferFault(("not-in-list",), _name_level, fits=_for_seconde),
    OfferFault(("url-malformed",), _insecure_link),
    OfferFault(("qpv-without-seconde",), _reserve_to_districts, fits=_for_college),
    OfferFault(("personal-data",), _give_address, accepted=True),
    OfferFault(("not-deliverable:apply-url-word",), _mention_contest, accepted=True, fits=_for_national),
    OfferFault(("not-deliverable:mandatory-weeks",), _offer_one_week, accepted=True, fits=_for_seconde_on_file),
    OfferFault(("employer-undescribed",), _leave_employer_undescribed, accepted=True, fits=_for_national),
    OfferFault(("levels-mixed",), _mix_levels, accepted=True, fits=_mixable),
    OfferFault(("not-deliverable:reserved-schools",), _reserve_to_school, accepted=True, fits=_for_national),
)
