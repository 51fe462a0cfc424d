"""Validation of the simulated site: the checks of its model, and the lengths of its columns."""

from collections.abc import Iterator
from typing import TypeAlias

from gateway.demo.national_site.body import COLLEGE, Draft
from gateway.demo.national_site.cast import is_blank
from gateway.demo.national_site.stock import Row, department_of

Wrong: TypeAlias = tuple[str, str, str]
"""Field, message of the site, rule."""
MOST_SEATS = 6000
_BLANK = "doit être rempli(e)"
_REQUIRED = ("zipcode", "coordinates", "title", "description", "street", "city", "sector", "employer_name")
_REQUIRED_BEHIND = ("remote_id", "permalink")
_LONGEST = {
    "title": 150,
    "description": 1500,
    "employer_name": 150,
    "employer_chosen_name": 150,
    "employer_description": 275,
    "street": 200,
}
_COLUMNS = {"remote_id": 60, "permalink": 200, "employer_website": 560, "city": 50}
_SITE_WORDS = ("test", "staging")
_RULE_OF_MISSING = {"sector": "check.sector", "coordinates": "check.position"}


def find_errors(draft: Draft) -> list[Wrong]:
    """Errors of the checks, in the site's order, in its mixture of English and French."""
    return [*_find_missing(draft), *draft.wrong, *_find_wrong(draft)]


def find_overflow(row: Row) -> str | None:
    """The first column too short for its text, or None; no check of the site prevents it."""
    return next((name for name, longest in _COLUMNS.items() if len(getattr(row, name) or "") > longest), None)


def _find_missing(draft: Draft) -> Iterator[Wrong]:
    row = draft.row
    for name in (*_REQUIRED, *_REQUIRED_BEHIND):
        if _is_missing(row, name):
            yield name, f"Missing {name}", _rule_of(draft, name)
    if is_blank(row.employer_description):
        yield "employer_description", _BLANK, "check.missing"


def _is_missing(row: Row, name: str) -> bool:
    if name == "coordinates":
        return row.coordinates is None or 0 in row.coordinates
    return is_blank(getattr(row, name))


def _rule_of(draft: Draft, name: str) -> str:
    if name == "employer_name" and not is_blank(draft.row.employer_chosen_name):
        return "name.both"
    if name == "coordinates" and "place.not-found" in draft.cited:
        return "place.not-found"
    return _RULE_OF_MISSING.get(name, "check.missing")


def _find_wrong(draft: Draft) -> Iterator[Wrong]:
    row = draft.row
    zipcode = row.zipcode or ""
    if not (zipcode.isascii() and zipcode.isdecimal() and len(zipcode) == 5):
        yield "zipcode", "is invalid", "check.zipcode"
    elif department_of(zipcode) is None:
        yield "zipcode", "aucun département ne répond à ce code postal", "check.department"
    for name, longest in _LONGEST.items():
        if len(getattr(row, name) or "") > longest:
            english = f"Description too long, allowed up to {longest} chars"
            french = f"est trop long (pas plus de {longest} caractères)"
            yield name, english if name == "description" else french, "check.length"
    if any(word in (row.permalink or "").lower() for word in _SITE_WORDS):
        yield "permalink", "un lien vers un environnement de test est refusé", "check.permalink"
    if not 0 < row.max_candidates <= MOST_SEATS:
        yield "max_candidates", "n'est pas valide", "check.seats"
    if "seconde" in row.grades and COLLEGE.intersection(row.grades):
        yield "grades", "une offre va aux collèges ou aux lycées", "update.mixed"
    if not draft.creating and row.published_at is not None and not row.weeks:
        yield "weeks", _BLANK, "update.no-weeks"
