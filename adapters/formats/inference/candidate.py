"""Candidates: the paths that could give a field, each with its score, its evidence and its rule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import schemas
from adapters.formats.inference.evidence import Evidence, evidence
from adapters.formats.inference.kinds import date_pattern, share
from adapters.formats.inference.names import ELSEWHERE, EMPLOYER, holds_word, name_of, name_score, words
from adapters.formats.inference.scores import score_of
from adapters.formats.inference.survey import PathValues
from adapters.formats.path import FIRST, Path, write_path
from adapters.formats.rule import required_fields
from adapters.formats.text import html_to_text

PAIR = " + "
"""Between the paths of a candidate that has several, as options and corrections name it."""
LOCALITY = frozenset(("location.postal_code", "location.city", "location.department"))

_MAX_LINK = 200
_INNER_ID = 0.93
"""Factor of each level above an id, which may be the id of a part of the offer."""
_MAX_DIFFERENT = 0.5
"""The least share of different ids: a few offers may be there twice."""
_MAX_PARAMETERS = 100
_WORKPLACE = frozenset(("accueil", "workplace", "host", "hote"))
"""Words about an employer that say where the pupils go."""
_STRICT = ("restrictions.", "redistribution.", "location.country", "location.department", "expires_on")
"""Fields whose unreadable values must refuse the offer."""


@dataclass(frozen=True, slots=True)
class FieldCandidate:
    """One way to give the field ``name``: its paths as a mapping writes them, its rule, and what speaks for it."""

    name: str
    paths: tuple[Path, ...]
    score: float
    rule: Mapping[str, Any]
    evidence: tuple[Evidence, ...] = ()
    values: tuple[PathValues, ...] = field(default=(), repr=False)
    group: int = 0
    """Candidates of a lower group are preferred, whatever the scores."""

    @property
    def source(self) -> str:
        """The paths, as options and corrections name it."""
        return PAIR.join(map(write_path, self.paths))

    def same_as(self, other: "FieldCandidate") -> bool:
        """Whether both give the same values for every item; a short and a full name of an employer are the same."""
        pairs = list(zip(self.values, other.values, strict=False))
        if self.name == "employer.name" and all(one.within(two) or two.within(one) for one, two in pairs):
            return True
        return len(self.values) == len(other.values) and all(one.same_as(two) for one, two in pairs)


def candidates_of(name: str, paths: Sequence[PathValues], count: int) -> list[FieldCandidate]:
    """The candidates for a field among the paths of a sample of ``count`` items, the best first."""
    found = [made for one in paths if (made := _candidate(name, one, paths, count)) is not None]
    return sorted(found, key=lambda one: (one.group, -one.score))


def _candidate(name: str, one: PathValues, paths: Sequence[PathValues], count: int) -> FieldCandidate | None:
    named = name_score(name, one.path)
    score, found = score_of(name, one, named, paths)
    if score <= 0:
        return None
    coverage = one.items / count
    needed = 0.4 if f"/mapping/fields/{name}" in required_fields() else 0.15
    score *= 1 - needed + needed * coverage
    if name == "id":
        score *= _uniqueness(one, count, found) * _INNER_ID ** (len(one.path) - 1)
    if name == "title" and count > 2 and len(one.distinct) < 0.4 * len(one.values):
        score *= 0.5
    if name == "apply_url":
        score *= 0.4 if count > 1 and len(one.distinct) == 1 else 1.0
        score += 0.08 if holds_word(words()["fields"]["apply_url"]["verbs"], one.path) else 0.0
    if one.listed and name not in ("levels", "weeks", "description", "restrictions.schools"):
        score *= 0.85
    path = usable_path(name, one)
    group = _nearness(one) if name in LOCALITY else 0
    return FieldCandidate(name, (path,), score, rule_of(name, one), tuple(found), (one,), group)


def _nearness(one: PathValues) -> int:
    """The group of a path about a locality: the offer's own, one of a list, that of the employer or another party."""
    name = name_of(one.path)
    if not name.contexts.isdisjoint((EMPLOYER, ELSEWHERE)) and _WORKPLACE.isdisjoint(name.leaf | name.above):
        return 2
    return 1 if one.member else 0


def _uniqueness(one: PathValues, count: int, found: list[Evidence]) -> float:
    if count == 1:
        return 1.0
    different = len(one.distinct) / len(one.values)
    if one.listed or one.items < 0.8 * count or different < _MAX_DIFFERENT:
        return 0.3
    if one.items < count or different < 1:
        return 0.8
    found.append(evidence("unique"))
    return 1.0


def usable_path(name: str, one: PathValues) -> Path:
    """The path as the mapping of a field writes it: the first object of a list, for a field with one value."""
    if one.repeated is None or name in ("levels", "weeks", "restrictions.schools"):
        return one.path
    at = one.repeated
    return (*one.path[:at], FIRST, *one.path[at:])


def rule_of(name: str, one: PathValues) -> dict[str, Any]:
    """The rule of a field for a path: with ``html``, ``cut`` or ``take`` where the values need it."""
    path = write_path(usable_path(name, one))
    rule: dict[str, Any] = {"path": path}
    if name == "description" and one.listed:
        rule = {"join": {"parts": [{"path": write_path(one.path)}], "with": "\n"}}
    if name in ("title", "description", "employer.name", "employer.description"):
        markup = share(one, "markup") > 0
        rule |= {"html": True} if markup else {}
        limit = _limits().get(name)
        rendered = map(html_to_text, one.values) if markup else one.values
        if limit is not None and any(len(text) > limit for text in rendered):
            rule["cut"] = limit
    if name == "expires_on" and (pattern := date_pattern(one.counts)):
        rule["date"] = pattern
    if name == "apply_url" and (parameter := _target_parameter(one.values)):
        rule |= {"take": {"parameter": parameter}, "unmatched": "keep"}
    if f"/mapping/fields/{name}" not in required_fields() and name != "id" and not name.startswith(_STRICT):
        rule["optional"] = True
    return rule


def _limits() -> Mapping[str, int]:
    schema = schemas.schema("offer")
    members = {
        **schema["properties"],
        **{f"employer.{k}": v for k, v in schema["$defs"]["employer"]["properties"].items()},
    }
    return {name: member["maxLength"] for name, member in members.items() if "maxLength" in member}


def _target_parameter(links: Sequence[str]) -> str | None:
    """The parameter that holds the target of every link which is too long; None without one, or without long links."""
    names: set[str] | None = None
    for link in links:
        if len(link) <= _MAX_LINK:
            continue
        try:
            pairs = parse_qsl(urlsplit(link).query, max_num_fields=_MAX_PARAMETERS)
        except ValueError:
            return None
        here = {key for key, value in pairs if value.startswith("https://") and len(value) <= _MAX_LINK}
        names = here if names is None else names & here
    return min(names) if names and len(names) == 1 else None
