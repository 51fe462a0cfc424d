"""What the simulated site makes of a body: which keys it knows, what it drops without a word, and what it refuses."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from adapters.national.simulator_stock import Row
from schemas.codelist import reference

GRADES = ("quatrieme", "troisieme", "seconde")
_COLLEGE = frozenset({"quatrieme", "troisieme"})
_FRENCH_POINT = (46.603354, 1.888334)
"""Where an offer lies whose coordinates nobody gave: this simulator knows no geography."""
_BLANK = "doit être rempli(e)"
_LONGEST = {
    "title": 150,
    "description": 1500,
    "employer_name": 150,
    "employer_description": 275,
    "employer_website": 560,
    "street": 200,
    "city": 50,
    "permalink": 200,
}
_PLACELESS = ("975", "986", "98000")
_SITE_WORDS = ("test", "staging")
_MOST_CANDIDATES = 6000

OLD_KEYS = frozenset(
    {
        "title",
        "description",
        "employer_name",
        "employer_description",
        "employer_website",
        "street",
        "zipcode",
        "city",
        "remote_id",
        "permalink",
        "sector_uuid",
        "max_candidates",
        "is_public",
        "period",
        "published_at",
        "lunch_break",
        "daily_hours",
        "handicap_accessible",
        "coordinates",
    }
)
"""What the old interface takes; it makes grades and weeks itself, from ``period``."""
KEYS = OLD_KEYS | {"employer_chosen_name", "grades", "weeks", "rep", "qpv"}
"""What the present interface takes. Others, such as ``siret``, are dropped without a word."""


class BrokenError(Exception):
    """The site's code fails on this body, and answers 500."""


def mandatory_weeks(on: date) -> tuple[str, str]:
    """The two weeks of seconde that the site looks at: those of June's last two Fridays; from July on, next June's."""
    end = date(on.year + (on.month >= 7), 6, 30)
    friday = end - timedelta(days=(end.weekday() - 4) % 7)
    return _week(friday - timedelta(days=7)), _week(friday)


def find_mistake(offer: Mapping[str, Any], on: date) -> str | None:
    """What the present interface says about grades and weeks before it looks at anything else."""
    grades, weeks = set(offer["grades"]), set(offer["weeks"])
    if "seconde" in grades and grades & _COLLEGE:
        return "Grades must be either college or lycee, not both"
    if "seconde" in grades and not weeks.issuperset(mandatory_weeks(on)):
        return "All mandatory weeks must be included for seconde grade"
    return None


def assign(row: Row, offer: Mapping[str, Any]) -> None:
    """Write a body into a row. What it leaves out stays as it is, but for the grades, which become seconde, and the
    place, which is sought anew.
    """
    for name in ("title", "description", "employer_description", "employer_website", "permalink", "lunch_break"):
        if name in offer:
            setattr(row, name, _text(offer[name]))
    for name in ("is_public", "handicap_accessible", "rep", "qpv"):
        if name in offer:
            setattr(row, name, bool(offer[name]))
    if "employer_name" in offer or offer.get("employer_chosen_name"):
        row.employer_name = _text(offer.get("employer_chosen_name") or offer["employer_name"])
    if "max_candidates" in offer:
        row.max_candidates = offer["max_candidates"] if isinstance(offer["max_candidates"], int) else 0
    if isinstance(offer.get("daily_hours"), dict):
        row.daily_hours = dict(offer["daily_hours"])
    if "sector_uuid" in offer:
        row.sector = offer["sector_uuid"] if offer["sector_uuid"] in sectors() else None
    row.grades = tuple(grade for grade in GRADES if grade in (offer.get("grades") or ("seconde",)))
    if "weeks" in offer:
        row.weeks = known_weeks(offer["weeks"])
    _assign_place(row, offer)


def _assign_place(row: Row, offer: Mapping[str, Any]) -> None:
    point = offer.get("coordinates")
    for name in ("street", "zipcode", "city"):
        if name in offer:
            setattr(row, name, _text(offer[name]))
    if isinstance(point, dict) and point:
        row.coordinates = float(point["latitude"]), float(point["longitude"])
        row.street = row.street or "N/A"
        row.zipcode = row.zipcode or "N/A"
    elif offer.get("zipcode"):
        row.coordinates = _FRENCH_POINT


def known_weeks(weeks: Iterable[Any]) -> tuple[str, ...]:
    """Those weeks that exist, in order, as the site writes them: not padded. Others are dropped without a word."""
    found = set()
    for week in weeks:
        year, dash, number = str(week).partition("-")
        if not dash:
            raise BrokenError(f"{week} has no number")
        try:
            found.add(date.fromisocalendar(int(year), int(number.replace("W", "")), 1))
        except ValueError:
            continue
    return tuple(map(_unpadded, sorted(found)))


def find_errors(row: Row) -> dict[str, list[str]]:
    """What the site's checks say about a row, by field, in its two languages."""
    errors: dict[str, list[str]] = {}
    for name in ("zipcode", "coordinates", "title", "description", "street", "city", "sector", "employer_name"):
        if not getattr(row, name):
            errors[name] = [f"Missing {name}"]
    for name in ("remote_id", "permalink"):
        if not getattr(row, name):
            errors[name] = [f"Missing {name}"]
    if not row.employer_description:
        errors["employer_description"] = [_BLANK]
    for name, sentence in _find_wrong(row):
        errors.setdefault(name, []).append(sentence)
    return errors


def _find_wrong(row: Row) -> Iterable[tuple[str, str]]:
    zipcode = row.zipcode or ""
    if not (zipcode.isdecimal() and len(zipcode) == 5):
        yield "zipcode", "is invalid"
    elif zipcode.startswith(_PLACELESS):
        yield "zipcode", "aucun département ne répond à ce code postal"
    for name, longest in _LONGEST.items():
        if len(getattr(row, name) or "") > longest:
            english = f"Description too long, allowed up to {longest} chars"
            yield name, english if name == "description" else f"est trop long (pas plus de {longest} caractères)"
    if any(word in (row.permalink or "").lower() for word in _SITE_WORDS):
        yield "permalink", "un lien vers un environnement de test est refusé"
    if not 0 < row.max_candidates <= _MOST_CANDIDATES:
        yield "max_candidates", "n'est pas valide"
    if not row.grades:
        yield "grades", "au moins une classe doit être choisie"
    if row.published_at is not None and not row.weeks:
        yield "weeks", _BLANK


def sectors() -> Mapping[str, str]:
    """The labels of the sectors by their codes."""
    return {item["code"]: item["name"] for item in reference("sectors")["items"]}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _week(day: date) -> str:
    year, number, _ = day.isocalendar()
    return f"{year}-W{number:02}"


def _unpadded(monday: date) -> str:
    year, number, _ = monday.isocalendar()
    return f"{year}-W{number}"
