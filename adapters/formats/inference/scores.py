"""Scores: how well the name and the values of a path fit a field, and the evidence for it.

A field of a kind (postcode, date, address …) needs values of that kind. A few kinds say which field it is even without
a name; a clear name lets values pass that have the form of the kind, but are not in its list.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from adapters.formats.field import FIELDS, YES_NO
from adapters.formats.inference.evidence import Evidence, evidence, of_kind
from adapters.formats.inference.kinds import date_pattern, middle_length, share
from adapters.formats.inference.names import holds_word, is_personal, name_score, words
from adapters.formats.inference.survey import PathValues
from adapters.formats.path import KEY, Path

_KINDS: Mapping[str, tuple[str, ...]] = {
    "employer.website": ("site",),
    "employer.siret": ("siret",),
    "employer.naf": ("naf",),
    "location.street": ("street",),
    "location.postal_code": ("postcode", "address"),
    "location.city": ("town", "address"),
    "location.insee_commune": ("insee",),
    "location.department": ("department",),
    "location.country": ("country",),
    "location.latitude": ("latitude",),
    "location.longitude": ("longitude",),
    "levels": ("levels",),
    "stay_weeks": ("stay",),
    "seats": ("count",),
    "rome.code": ("rome",),
    "accessibility": ("accessibility",),
    "restrictions.schools": ("uai",),
    "apply_url": ("url",),
    "expires_on": ("date",),
    **{name: ("yes_no",) for name, field in FIELDS.items() if field is YES_NO},
    **{name: ("hours",) for name in FIELDS if name.startswith("schedule.") and name != "schedule.lunch_break"},
}
"""The kinds of values of which a field needs one."""

_ALONE: Mapping[str, tuple[str, float]] = {
    "employer.siret": ("siret", 0.9),
    "location.postal_code": ("address", 0.9),
    "location.city": ("address", 0.9),
    "levels": ("levels", 1.0),
    "sector": ("sector_name", 0.9),
}
"""Kinds that say which field it is without a name, and the share of the values that they need."""

CHECKED: Mapping[str, str] = {"employer.siret": "siret", "restrictions.schools": "uai"}
"""Fields whose values have a check digit or letter, and the kind of those in which it is right."""
_MOSTLY_RIGHT, _MOSTLY_WRONG = 0.8, 0.62
"""The highest scores of a path with values whose check fails: likely, and to be checked."""

_NEEDED_SHARE = 0.5
_ALONE_SCORE = 0.62
_FEW = 6
_SHORT_LEVEL = 40
_CLEAR = 0.85
"""From this score on, a name is clear enough for values that only have the form of their kind."""
_CLEAR_NUMBER = 0.9
_LOOSE_SHARE = 0.6
_CONSTANT_SECTOR = 0.7
_LONG_TITLE = 70
_NO_ID = ("postcode", "insee", "naf", "siret", "area", "country")
"""Kinds of codes that are no ids, whatever a weak name says."""


def score_of(name: str, one: PathValues, named: float, paths: Sequence[PathValues]) -> tuple[float, list[Evidence]]:
    """The score by name and values, and the evidence for it."""
    found = [of_name(one.path)] if named else []
    if name in ("title", "employer.name", "employer.description", "description", "schedule.lunch_break"):
        return _score_of_text(name, one, named, paths, found)
    if name in ("id", "source_id", "national_remote_id"):
        fit = _code_share(one)
        if named < 0.8 and any(share(one, kind) > _NEEDED_SHARE for kind in _NO_ID):
            fit = 0.0
        return 0.75 * named + 0.25 * fit if named and fit > _NEEDED_SHARE else 0.0, found
    if name == "sector":
        return _score_of_sector(one, named, found)
    if name == "rome.version":
        return named, found
    return _score_of_kind(name, one, named, found)


def _score_of_kind(name: str, one: PathValues, named: float, found: list[Evidence]) -> tuple[float, list[Evidence]]:
    kinds = _KINDS.get(name)
    if kinds is None:
        return 0.0, []
    if name == "location.postal_code" and named < 0.6:
        kinds = ("address",)
    kind = max(kinds, key=lambda kind: share(one, kind))
    measured = _measured(name, one, kind)
    if named >= _CLEAR and measured < _LOOSE_SHARE and _has_form(name, one):
        measured, kind = _LOOSE_SHARE, ""
    if not named:
        return _score_without_name(name, one)
    if measured < _NEEDED_SHARE:
        return 0.0, []
    return within_check(name, one, 0.55 * named + 0.45 * measured), [*found, *_kind_found(name, one, kind)]


def _score_without_name(name: str, one: PathValues) -> tuple[float, list[Evidence]]:
    kind, needed = _ALONE.get(name, ("", 1.0))
    measured = share(one, kind) if kind else 0.0
    if measured < needed or not _stands_alone(name, one):
        return 0.0, []
    return _ALONE_SCORE * measured, [of_kind(kind, measured, len(one.values))]


def within_check(name: str, one: PathValues, score: float) -> float:
    """The score of a field whose values have a check digit or letter: no certainty while one is wrong."""
    kind = CHECKED.get(name)
    if kind is None or (right := share(one, kind)) == 1.0:
        return score
    return min(score, _MOSTLY_RIGHT if right >= _NEEDED_SHARE else _MOSTLY_WRONG)


def _kind_found(name: str, one: PathValues, kind: str) -> list[Evidence]:
    """The number of values of the kind; of dates with a pattern, all are."""
    kind = CHECKED.get(name, kind)
    if not kind:
        return []
    if kind == "postcode" and share(one, kind) < share(one, "insee"):
        kind = "insee"
    return [of_kind(kind, 1.0 if name == "expires_on" else share(one, kind), len(one.values))]


def _measured(name: str, one: PathValues, kind: str) -> float:
    """The share of the values of a kind; lower where they are of a kind that fits another field better."""
    measured = share(one, kind)
    match name:
        case "apply_url":
            return measured * (1 - 0.6 * share(one, "file"))
        case "employer.website":
            return measured * (0.6 + 0.4 * share(one, "host"))
        case "location.department" if one.values[0].strip().isdigit() and name_score(name, one.path) < _CLEAR_NUMBER:
            return 0.0  # the number of a region is a department's as well
        case "location.street":
            return 0.0 if share(one, "address") > _NEEDED_SHARE else measured
        case "location.postal_code" if kind == "postcode" and measured < _NEEDED_SHARE:
            return 0.7 * share(one, "insee")
        case "expires_on":
            return 1.0 if date_pattern(one.counts) is not None else 0.0
    return measured


_SCHOOL = re.compile(
    r"(?!.*\bbac\b).*(?:coll[eè]ge|lyc[eé]e|scolaire|secondaire|pupil|year \d|grade \d)|[234](?: ?(?:e|è|nd|de)\w*)?$",
    re.IGNORECASE,
)
_FORMS: Mapping[str, Callable[[str], bool]] = {
    "employer.siret": lambda text: re.fullmatch(r"[0-9]{14}", re.sub(r"[\s.]", "", text)) is not None,
    "location.postal_code": lambda text: re.fullmatch(r"[0-9]{5}", text.strip()) is not None,
    "location.city": lambda text: 1 < len(text) <= 60 and text[:1].isalpha(),
    "levels": lambda text: len(text) <= 60 and _SCHOOL.match(text.strip()) is not None,
}
"""The forms of values of a kind that are in no list: a number with a wrong check digit, a name of a school level."""
_TOWN_WORDS = ("ville", "commune", "city", "town", "localite", "locality", "municipality")


def _has_form(name: str, one: PathValues) -> bool:
    """Whether nearly all values have the form of the field's kind."""
    form = _FORMS.get(name)
    texts = one.values
    if form is None or (name == "location.city" and not holds_word(_TOWN_WORDS, one.path)):
        return False
    return sum(map(form, texts)) >= 0.8 * len(texts)


def _stands_alone(name: str, one: PathValues) -> bool:
    """Whether the values alone are evidence enough: no person's, no code of something else, no text by chance."""
    if is_personal(one.path):
        return False
    if name != "levels":
        return name != "sector" or len(one.distinct) > 1 or len(one.values) == 1
    short = all(len(value) <= _SHORT_LEVEL and not value.isdigit() for value in one.distinct)
    return short and len(one.distinct) <= _FEW and share(one, "town") < _NEEDED_SHARE


def _score_of_text(
    name: str, one: PathValues, named: float, paths: Sequence[PathValues], found: list[Evidence]
) -> tuple[float, list[Evidence]]:
    kind = "title" if name in ("title", "employer.name") else "prose"
    measured = share(one, kind)
    if not named or measured < _NEEDED_SHARE:
        return 0.0, []
    if kind == "title" and (middle_length(one) > 200 or share(one, "yes_no") > _NEEDED_SHARE):
        return 0.0, []
    found.append(of_kind(kind, measured, len(one.values)))
    if name == "description":
        longest = max((middle_length(other) for other in paths if name_score(name, other.path) > 0.3), default=1.0)
        length = min(1.0, middle_length(one) / max(longest, 1.0))
        measured *= 0.6 + 0.4 * length
        if holds_word(words()["fields"]["description"]["minor"], one.path) or share(one, "shortened") > _NEEDED_SHARE:
            named *= 0.7
        if length == 1.0:
            found.append(evidence("longest"))
    if name == "title":
        measured *= 0.3 if share(one, "sector_name") > _NEEDED_SHARE else 1.0
        measured *= 0.5 if middle_length(one) > _LONG_TITLE else 1.0
    return 0.75 * named + 0.25 * measured, found


def _score_of_sector(one: PathValues, named: float, found: list[Evidence]) -> tuple[float, list[Evidence]]:
    """By name, unless the values are of another kind; a weak name needs values of the list."""
    known = share(one, "sector")
    if not named:
        return _score_without_name("sector", one)
    if share(one, "url") or share(one, "yes_no") > _NEEDED_SHARE or middle_length(one) > 100:
        return 0.0, []
    if share(one, "levels") > _NEEDED_SHARE or (share(one, "count") > _NEEDED_SHARE and not known):
        return 0.0, []
    found = [*found, of_kind("sector", known, len(one.values))] if known else found
    constant = len(one.values) > 2 and len(one.distinct) == 1 and not known
    return (0.65 * named + 0.35 * known) * (_CONSTANT_SECTOR if constant else 1.0), found


def _code_share(one: PathValues) -> float:
    """The share of the values that could be an id: short, on one line, no date, no text of several words."""
    texts = one.values
    fit = [text for text in texts if len(text) <= 200 and "\n" not in text and len(text.split()) <= 3]
    dates = share(one, "date") if texts and not texts[0].isdigit() else 0.0
    if not texts or (len(texts) > 2 and share(one, "yes_no") == 1.0):
        return 0.0
    links = sum("/" in text for text in texts) / len(texts)  # the address of a resource, beside its number
    return len(fit) / len(texts) * (1 - dates) * (1 - 0.3 * links)


def of_name(path: Path) -> Evidence:
    """The evidence of a path's last name."""
    return evidence("key") if path[-1] == KEY else evidence("name", name=path[-1].lstrip("@"))
