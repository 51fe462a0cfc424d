"""Bodies of the simulated site: permitted keys, casts to the columns of a row, and the checks of its model."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

from demo.national_site.framework import (
    BrokenError,
    is_blank,
    is_scalar,
    leading_number,
    to_text,
    to_truth,
    whole_or_none,
)
from demo.national_site.stock import Geocoder, SiteOffer, Stock, Unknown, department_of
from schemas.codelist import reference

GRADES = ("quatrieme", "troisieme", "seconde")
COLLEGE = frozenset({"quatrieme", "troisieme"})
SECONDE = ("seconde",)
NO_NUMBER = "n'est pas un nombre"
NOT_LISTED = "n'est pas inclus dans la liste"
_TEXTS = ("title", "description", "employer_description", "employer_website", "permalink", "lunch_break", "city")
_NAMES = ("employer_name", "employer_chosen_name")
_TRUTHS = ("handicap_accessible", "rep", "qpv")
_LISTS = frozenset({"grades"})
_OBJECTS = frozenset({"daily_hours", "coordinates"})
_NOT_FOUND = "N/A"

_OLD_COMMON = frozenset(
    {
        *("title", "description", "employer_name", "employer_description", "employer_website", "permalink"),
        *("street", "zipcode", "city", "coordinates", "sector_uuid", "max_candidates", "is_public", "period"),
        *("lunch_break", "daily_hours", "handicap_accessible"),
    }
)
_NEW = frozenset({"employer_chosen_name", "grades", "weeks", "rep", "qpv"})
OLD_KEYS = _OLD_COMMON | {"remote_id", "published_at"}
"""Keys permitted in v1, for a creation or a change; v1 derives grades and weeks from ``period``."""
KEYS = OLD_KEYS | _NEW
"""Keys permitted in v2. Others, such as ``siret``, are dropped."""
Wrong: TypeAlias = tuple[str, str, str]
"""Field, message of the site, rule."""
MAX_SEATS = 6000
_BLANK = "doit être rempli(e)"
_REQUIRED = ("zipcode", "coordinates", "title", "description", "street", "city", "sector", "employer_name")
_REQUIRED_BEHIND = ("remote_id", "permalink")
_MAX_CHARACTERS = {
    "title": 150,
    "description": 1500,
    "employer_name": 150,
    "employer_chosen_name": 150,
    "employer_description": 275,
    "street": 200,
    "city": 50,
}
_COLUMNS = {"remote_id": 60, "permalink": 200, "employer_website": 560}
_SITE_WORDS = ("test", "staging")
_RULE_OF_MISSING = {"sector": "check.sector", "coordinates": "check.position"}


@dataclass(slots=True)
class RowDraft:
    """A row as a request would leave it, applied rules (``cited``), and errors of the values as sent (``wrong``)."""

    row: SiteOffer
    creating: bool
    cited: set[str] = field(default_factory=set)
    wrong: list[tuple[str, str, str]] = field(default_factory=list)


def permit(body: Mapping[str, Any], *, old: bool, creating: bool, cited: set[str]) -> dict[str, Any]:
    """The permitted members of a body, except weeks, which are read separately."""
    dropped = "published_at" if creating else "remote_id"
    known = (OLD_KEYS if old else KEYS) - {dropped}
    if dropped in body:
        cited.add("create.published-at" if creating else "update.name-kept")
    taken = {}
    for name, value in body.items():
        if name not in known:
            cited.add("body.old-keys" if name in KEYS and name != dropped else "body.unknown-key")
        elif name != "weeks" and _has_shape(name, value, cited):
            taken[name] = value
    return taken


def assign(draft: RowDraft, offer: Mapping[str, Any], stock: Stock) -> None:
    """Write permitted members to the row. Absent members keep their value, except grades, which become seconde, and the
    location, which is geocoded from the members sent.
    """
    row, cited = draft.row, draft.cited
    _note_casts(offer, cited)
    for name in (*_TEXTS, *_NAMES):
        if name in offer:
            setattr(row, name, to_text(offer[name]))
    for name in _TRUTHS:
        if name in offer:
            setattr(row, name, to_truth(offer[name]) is True)
    if isinstance(offer.get("daily_hours"), dict):
        row.daily_hours = dict(offer["daily_hours"])
    if "sector_uuid" in offer:
        code = to_text(offer["sector_uuid"]) or ""
        row.sector = code if code in sectors() else None
    _assign_public(draft, offer)
    _assign_seats(draft, offer)
    row.grades = read_grades(offer, stock.unknown, cited)
    _assign_location(row, offer, stock.geocoder, cited)


def read_grades(offer: Mapping[str, Any], unknown: Unknown, cited: set[str]) -> tuple[str, ...]:
    """The grades of a request; seconde by default. Raises BrokenError."""
    if "grades" not in offer:
        cited.add("grades.default")
        return SECONDE
    known = tuple(grade for grade in GRADES if grade in offer["grades"])
    if set(map(str, offer["grades"])) - set(GRADES):
        cited.add("grades.unknown")
        if unknown.unknown_grades == "break":
            raise BrokenError("grades.unknown")
    return known or SECONDE


@cache
def sectors() -> Mapping[str, str]:
    """Labels of the sectors by code."""
    return {item["code"]: item["name"] for item in reference("sectors")["items"]}


def _has_shape(name: str, value: Any, cited: set[str]) -> bool:
    """Whether a member has the permitted shape: list, object or scalar."""
    if name in _LISTS | _OBJECTS and (value is None or value is False):
        cited.add("body.null-object")
        return False
    if name in _LISTS:
        fits = isinstance(value, list) and all(map(is_scalar, value))
    else:
        fits = isinstance(value, dict) if name in _OBJECTS else is_scalar(value)
    if not fits:
        cited.add("body.shape")
    return fits


def _note_casts(offer: Mapping[str, Any], cited: set[str]) -> None:
    if any(isinstance(offer.get(name), int | float) for name in (*_TEXTS, *_NAMES, "street", "zipcode", "remote_id")):
        cited.add("text.cast")
    if any(isinstance(offer.get(name), str) for name in (*_TRUTHS, "is_public")):
        cited.add("truth.cast")


def _assign_public(draft: RowDraft, offer: Mapping[str, Any]) -> None:
    if "is_public" not in offer:
        return
    truth = to_truth(offer["is_public"])
    if truth is None:
        draft.cited.add("check.public")
        if not draft.creating:
            draft.wrong.append(("is_public", NOT_LISTED, "check.public"))
    draft.row.is_public = truth is True


def _assign_seats(draft: RowDraft, offer: Mapping[str, Any]) -> None:
    sent = offer.get("max_candidates")
    if draft.creating and sent is not False and is_blank(sent):
        draft.cited.add("seats.default")
        return
    if "max_candidates" not in offer:
        return
    seats = whole_or_none(sent)
    if seats is None:
        draft.wrong.append(("max_candidates", NO_NUMBER, "check.seats"))
        return
    if isinstance(sent, str):
        draft.cited.add("seats.text")
    draft.row.max_candidates = seats


def _assign_location(row: SiteOffer, offer: Mapping[str, Any], geocoder: Geocoder, cited: set[str]) -> None:
    """Write the location of a request; blank parts are geocoded from the others."""
    point = offer.get("coordinates")
    sent = {name: to_text(offer[name]) for name in ("street", "zipcode") if name in offer}
    if not is_blank(point):
        for name, found in (("street", geocoder.street), ("zipcode", geocoder.zipcode)):
            if is_blank(offer.get(name)):
                cited.add(f"place.{name}")
                sent[name] = found or _NOT_FOUND
    for name, text in sent.items():
        setattr(row, name, text)
    if isinstance(point, dict) and (point or is_blank(sent.get("zipcode"))):
        row.coordinates = leading_number(point.get("latitude")), leading_number(point.get("longitude"))
    elif not is_blank(sent.get("zipcode")):
        cited.add("place.point" if geocoder.point is not None else "place.not-found")
        if geocoder.point is not None:
            row.coordinates = geocoder.point


def find_errors(draft: RowDraft) -> list[Wrong]:
    """Errors of the checks, in the site's order, in its mixture of English and French."""
    return [*_find_missing(draft), *draft.wrong, *_find_wrong(draft)]


def find_overflow(row: SiteOffer) -> str | None:
    """The first column too short for its text, or None; no check of the site prevents it."""
    return next((name for name, longest in _COLUMNS.items() if len(getattr(row, name) or "") > longest), None)


def _find_missing(draft: RowDraft) -> Iterator[Wrong]:
    row = draft.row
    for name in (*_REQUIRED, *_REQUIRED_BEHIND):
        if _is_missing(row, name):
            yield name, f"Missing {name}", _rule_of(draft, name)
    if is_blank(row.employer_description):
        yield "employer_description", _BLANK, "check.missing"


def _is_missing(row: SiteOffer, name: str) -> bool:
    if name == "coordinates":
        return row.coordinates is None or 0 in row.coordinates
    return is_blank(getattr(row, name))


def _rule_of(draft: RowDraft, name: str) -> str:
    if name == "employer_name" and not is_blank(draft.row.employer_chosen_name):
        return "name.both"
    if name == "coordinates" and "place.not-found" in draft.cited:
        return "place.not-found"
    return _RULE_OF_MISSING.get(name, "check.missing")


def _find_wrong(draft: RowDraft) -> Iterator[Wrong]:
    row = draft.row
    zipcode = row.zipcode or ""
    if not (zipcode.isascii() and zipcode.isdecimal() and len(zipcode) == 5):
        yield "zipcode", "is invalid", "check.zipcode"
    elif department_of(zipcode) is None:
        yield "zipcode", "aucun département ne répond à ce code postal", "check.department"
    for name, longest in _MAX_CHARACTERS.items():
        if len(getattr(row, name) or "") > longest:
            english = f"Description too long, allowed up to {longest} chars"
            french = f"est trop long (pas plus de {longest} caractères)"
            yield name, english if name == "description" else french, "check.length"
    if any(word in (row.permalink or "").lower() for word in _SITE_WORDS):
        yield "permalink", "un lien vers un environnement de test est refusé", "check.permalink"
    if not 0 < row.max_candidates <= MAX_SEATS:
        yield "max_candidates", "n'est pas valide", "check.seats"
    if "seconde" in row.grades and COLLEGE.intersection(row.grades):
        yield "grades", "une offre va aux collèges ou aux lycées", "update.mixed"
    if not draft.creating and row.published_at is not None and not row.weeks:
        yield "weeks", _BLANK, "update.no-weeks"
