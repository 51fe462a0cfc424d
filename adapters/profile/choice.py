"""The choices of a person for a field of a draft: a path, how dates are written, what values mean, a fixed value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.formats.field import FIELDS, YES_NO, Many, One
from adapters.formats.inference.candidate import PAIR
from adapters.formats.inference.draft import MappingDraft, with_rules
from adapters.formats.inference.guess import Guess
from adapters.formats.inference.kinds import DATE_PATTERNS
from adapters.formats.mapping import FeedMapping, load_mapping
from adapters.formats.problem import UnreadableValueError
from adapters.formats.rule import OTHERS
from adapters.formats.text import fold, one_line
from schemas import Problem, schema
from schemas.offer_field import plain_members

MAX_MEANINGS = 40
"""Most values of a field whose meaning a person can give."""

DATED = ("weeks", "expires_on")
PATTERNS = ("DD/MM/YYYY", *DATE_PATTERNS)

_MAX_MEANT = 100
"""Longer values are texts, not names of something."""
_YES_NO = tuple(name for name, field in FIELDS.items() if field is YES_NO)
_TEXTS = ("employer.name", "employer.description", "employer.website", "location.street", "location.postal_code",
          "location.city", "location.department", "location.country", "apply_url")  # fmt: skip
_NUMBERS = tuple(name for name in plain_members(schema("offer"), types=("integer",)) if name in FIELDS)
LISTS: Mapping[str, str] = {
    "sector": "sectors",
    "levels": "levels",
    "weeks": "school",
    "accessibility": "accessibility",
    **dict.fromkeys(_YES_NO, "yes_no"),
}
"""The list of possible fixed values of a field."""
FIXABLE = frozenset((*LISTS, *_TEXTS, *_NUMBERS))
"""Fields that can have one fixed value for all offers."""
MEANT = ("sector", "levels", "accessibility", *_YES_NO)
"""Fields whose unreadable values a person can give a meaning."""


@dataclass(frozen=True, slots=True)
class FieldChoice:
    """Decisions on one field. ``path``: a path or a pair of paths, empty for none, None for the guess. ``meanings``:
    the code of each value of the feed, ``-`` for a value that means nothing.
    """

    path: str | None = None
    date: str = ""
    fixed: str | tuple[str, ...] = ""
    meanings: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "FieldChoice":
        """The choice of a JSON object with these members."""
        fixed = document.get("fixed", "")
        return cls(
            document.get("path"),
            document.get("date", ""),
            tuple(fixed) if isinstance(fixed, list) else fixed,
            document.get("meanings", {}),
        )


def corrections_of(choices: Mapping[str, FieldChoice]) -> tuple[dict[str, Any], dict[str, Problem]]:
    """The corrections for ``draft``, and the problem of each fixed value that cannot be used."""
    found: dict[str, Any] = {}
    refused: dict[str, Problem] = {}
    for name, choice in choices.items():
        if choice.fixed and name in FIXABLE:
            rule = _fixed_rule(name, choice.fixed)
            if (problem := _problem_of(name, rule)) is None:
                found[name] = rule
                continue
            refused[name] = problem
        if choice.path is not None:
            found[name] = choice.path or None
    return found, refused


def convert(made: MappingDraft, choices: Mapping[str, FieldChoice]) -> MappingDraft:
    """The draft whose rules read dates and values as chosen."""
    rules = {}
    for name, choice in choices.items():
        guess = made.guesses.get(name)
        if guess is None or guess.rule is None or choice.fixed:
            continue
        rule = dict(guess.rule)
        if choice.date in PATTERNS and name in DATED:
            rule = _dated(rule, choice.date)
        meant = {value: _coded(name, code) for value, code in choice.meanings.items() if code != ""}
        if meant and is_mappable(name, guess):
            rule |= {"map": {**rule.get("map", {}), **meant}, "unmatched": "keep"}
        if rule != guess.rule and _problem_of(name, rule) is None:
            rules[name] = rule
    return with_rules(made, rules)


def is_mappable(name: str, guess: Guess) -> bool:
    """Whether single values of the field's path can be given a meaning."""
    return name in MEANT and guess.rule is not None and "path" in guess.rule and PAIR not in guess.path


def unreadable_values(name: str, values: Sequence[str]) -> list[str]:
    """The short values of which the field makes nothing, each once without regard to case and accents."""
    found: dict[str, str] = {}
    for value in map(one_line, values):
        if len(value) <= _MAX_MEANT and value not in ("", OTHERS) and not _is_readable(name, value):
            found.setdefault(fold(value), value)
    return list(found.values())


def _is_readable(name: str, value: str) -> bool:
    try:
        match FIELDS[name]:
            case Many(read):
                read([value])
            case One(read_one, _):
                read_one(value)
    except UnreadableValueError:
        return False
    return True


def _fixed_rule(name: str, value: str | tuple[str, ...]) -> dict[str, Any]:
    if name == "weeks":
        return {"school_weeks": True}
    if name == "levels":
        return {"constant": list(value) if isinstance(value, tuple) else [value]}
    text = value if isinstance(value, str) else " ".join(value)
    if name in _YES_NO:
        return {"constant": text == "yes"}
    if name in _NUMBERS:
        return {"constant": int(text) if text.isascii() and text.isdigit() and len(text) < 6 else text}
    return {"constant": text}


def _coded(name: str, code: str) -> Any:
    """The value of a meaning in a map: nothing, a list of levels, yes or no, or the code itself."""
    if code == "-":
        return None
    if name == "levels":
        return code.split("+")
    return code


def _dated(rule: dict[str, Any], pattern: str) -> dict[str, Any]:
    """The rule with a pattern for its dates; a duration after a first day is no date."""
    if "join" not in rule:
        return {**rule, "date": pattern} if "path" in rule else rule
    parts = [dict(part) for part in rule["join"]["parts"]]
    lasting = any(part.get("constant") == "+" for part in parts)
    for index, part in enumerate(parts):
        if "path" in part and (index == 0 or not lasting):
            part["date"] = pattern
    return {**rule, "join": {**rule["join"], "parts": parts}}


def _problem_of(name: str, rule: Mapping[str, Any]) -> Problem | None:
    """The problem that makes a rule unusable."""
    loaded = load_mapping("json", {"id": {"path": "id"}, "fields": {name: dict(rule)}})
    return None if isinstance(loaded, FeedMapping) else loaded[0]
