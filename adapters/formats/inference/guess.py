"""Guess a mapping: for each field the path that its name and values speak for, or the reason for none.

Each path gives one field. A field whose best two paths are equally good stays empty, unless both have the same values.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from adapters.formats.field import FIELDS
from adapters.formats.gazetteer import area_of
from adapters.formats.inference.candidate import LOCALITY, PAIR, FieldCandidate, candidates_of, rule_of, usable_path
from adapters.formats.inference.columns import levels_of_columns
from adapters.formats.inference.evidence import Evidence, say
from adapters.formats.inference.kinds import share
from adapters.formats.inference.names import is_personal, words
from adapters.formats.inference.periods import pair_of, weeks_of
from adapters.formats.inference.survey import PathValues
from adapters.formats.location_texts import departments_of
from adapters.formats.path import FIRST, Path, parse_path, write_path
from adapters.formats.text import html_to_text
from schemas.bilingual import Bilingual
from schemas.personal import redact

TIE = 0.05
"""Up to this difference of scores, two paths are equally good."""

MAX_CANDIDATES = 12

_LEAST, _LEAST_OPTIONAL, _LISTED = 0.5, 0.6, 0.25
_CERTAIN, _LIKELY = 0.85, 0.65
_DOUBTED = 0.84
"""The highest score of a path beside which another one is likely."""
_MAX_EXAMPLES, _MAX_EXAMPLE = 3, 80
_MAX_NAMED = 4

ORDER = ("id", *FIELDS)
"""The fields of a draft, in the order of the offer."""

REQUIRED = (
    "id", "title", "description", "employer.name", "location.postal_code", "location.city", "levels", "weeks", "sector",
    "apply_url",
)  # fmt: skip
"""The fields without which an offer is refused."""


@dataclass(frozen=True, slots=True)
class Option:
    """A path that could give a field, for a person to choose from."""

    path: str
    score: float
    evidence: tuple[Evidence, ...]
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Guess:
    """The outcome for a field: a rule with its path, evidence and examples, or the reason for none; other options."""

    field: str
    rule: Mapping[str, Any] | None = None
    path: str = ""
    score: float = 0.0
    evidence: tuple[Evidence, ...] = ()
    examples: tuple[str, ...] = ()
    reason: Bilingual | None = None
    tied: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    ready_made: bool = False

    @property
    def confidence(self) -> str:
        """``certain`` (no other path is likely), ``likely`` or ``verify``; empty without a rule."""
        if self.rule is None:
            return ""
        return "certain" if self.score >= _CERTAIN else "likely" if self.score >= _LIKELY else "verify"


def guess(
    surveyed: Mapping[Path, PathValues],
    count: int,
    on: date,
    *,
    fields: Sequence[str] = ORDER,
    given: Mapping[str, Guess] | None = None,
) -> dict[str, Guess]:
    """The guess for each field; ``given``: fields that are decided already, whose paths no other field gets."""
    given = given or {}
    paths = list(surveyed.values())
    found = {name: _candidates(name, paths, count, on) for name in fields}
    open_fields = [name for name in fields if name not in given]
    best = _best_of_paths({name: found[name] for name in open_fields})
    claimed = {path: name for name, one in given.items() if one.rule is not None for path in paths_of(one.rule)}
    chosen: dict[str, Guess] = {}
    for name in sorted(open_fields, key=lambda name: -max((one.score for one in found[name]), default=0.0)):
        chosen[name] = _choose(name, found[name], best, claimed)
    decided = {**chosen, **given}
    _drop_lone_rome(decided, given)
    _keep_to_one_locality(decided, given, found)
    return {name: _explain(decided[name], decided, found[name]) for name in fields}


def paths_of(rule: Mapping[str, Any]) -> Iterator[Path]:
    """The paths of a rule from the item on, without ``#1``."""
    each = parse_path(rule.get("each", ""))
    for part in rule.get("join", {}).get("parts", [rule]):
        named = part.get("path", ())
        for path in [named] if isinstance(named, str) else named:
            yield tuple(name for name in (*each, *parse_path(path)) if name != FIRST)


def _drop_lone_rome(decided: dict[str, Guess], given: Mapping[str, Guess]) -> None:
    """Drop a ROME code without its version: the schema requires both."""
    code, version = decided.get("rome.code"), decided.get("rome.version")
    alone = code is not None and code.rule is not None and (version is None or version.rule is None)
    if code is not None and alone and "rome.code" not in given:
        decided["rome.code"] = Guess("rome.code", reason=say("reasons", "rome", paths=code.path))


def _keep_to_one_locality(
    decided: dict[str, Guess], given: Mapping[str, Guess], found: Mapping[str, Sequence[FieldCandidate]]
) -> None:
    """Drop a part of a locality that is farther from the offer than another part: a postcode of one of its employer's
    offices beside its own town. And drop a department that is not that of the postcodes.
    """
    chosen = {
        name: one for name in LOCALITY & decided.keys() if (one := _chosen(decided[name], found[name])) is not None
    }
    nearest = min((one.group for one in chosen.values()), default=0)
    postcode = chosen.get("location.postal_code")
    for name, one in chosen.items():
        apart = one.group > nearest or (name == "location.department" and _contradicts(one, postcode))
        if apart and name not in given:
            decided[name] = Guess(name, reason=say("reasons", "apart", paths=one.source))


def _chosen(one: Guess, candidates: Sequence[FieldCandidate]) -> FieldCandidate | None:
    return next((other for other in candidates if one.rule is not None and other.source == one.path), None)


def _contradicts(department: FieldCandidate, postcode: FieldCandidate | None) -> bool:
    """Whether most departments are not those of the postcodes of the same items."""
    if postcode is None:
        return False
    codes = dict(zip(postcode.values[0].indexes, (row[0] for row in postcode.values[0].rows), strict=True))
    pairs = [
        (area_of(row[0]), departments_of(codes[index].strip()))
        for index, row in zip(department.values[0].indexes, department.values[0].rows, strict=True)
        if index in codes
    ]
    return sum(not areas & near for areas, near in pairs if near) > len(pairs) / 2


def _candidates(name: str, paths: Sequence[PathValues], count: int, on: date) -> list[FieldCandidate]:
    if name == "weeks":
        return weeks_of(paths, count, on)
    if name not in words()["fields"]:
        return []
    found = candidates_of(name, paths, count)
    if name == "levels" and (columns := levels_of_columns(paths)) is not None:
        found = sorted([*found, columns], key=lambda one: -one.score)
    return found


def _best_of_paths(found: Mapping[str, Sequence[FieldCandidate]]) -> dict[Path, float]:
    """The highest score of each path, over all fields; within a field, of the preferred group."""
    best: dict[Path, float] = {}
    for candidates in found.values():
        groups: dict[Path, int] = {}
        for one in sorted(candidates, key=lambda one: one.group):
            for values in one.values:
                if groups.setdefault(values.path, one.group) == one.group:
                    best[values.path] = max(best.get(values.path, 0.0), one.score)
    return best


def _choose(
    name: str, candidates: Sequence[FieldCandidate], best: Mapping[Path, float], claimed: dict[Path, str]
) -> Guess:
    """The best free candidate of a field, if it is good enough and no other is as good. Claims its paths."""
    least = _LEAST if name in REQUIRED else _LEAST_OPTIONAL
    free = [one for one in candidates if one.score >= least and _is_free(name, one, claimed)]
    own = [one for one in free if all(one.score >= best[values.path] - TIE for values in one.values)] or free
    if not own:
        return Guess(name)
    first = own[0]
    tied = [
        other
        for other in own[1:]
        if other.group == first.group and other.score >= first.score - TIE and not other.same_as(first)
    ]
    for values in {values.path: values for one in (first, *tied) for values in one.values}.values():
        claimed.setdefault(values.path, name)
    if tied:
        named = tuple(one.source for one in (first, *tied))
        return Guess(name, tied=named, reason=say("reasons", "tie", paths=", ".join(named[:_MAX_NAMED])))
    rival = any(other.score >= _LIKELY and not other.same_as(first) for other in own[1:])
    score = min(first.score, _DOUBTED if rival or FIRST in first.paths[0] else 1.0)
    return Guess(name, dict(first.rule), first.source, score, first.evidence, examples_of(first.values))


def _is_free(name: str, one: FieldCandidate, claimed: Mapping[Path, str]) -> bool:
    owners = {claimed[values.path] for values in one.values if values.path in claimed}
    if not owners:
        return True
    if name in LOCALITY:
        of_address = owners <= {*LOCALITY, "location.street"}
        return of_address and all(share(values, "address") >= 0.5 for values in one.values)
    return (name == "stay_weeks" and owners == {"weeks"}) or (name == "weeks" and owners == {"stay_weeks"})


def _explain(one: Guess, decided: Mapping[str, Guess], candidates: Sequence[FieldCandidate]) -> Guess:
    """The guess with its options, and for an empty field the reason."""
    listed = [other for other in candidates if other.score >= _LISTED][:MAX_CANDIDATES]
    options = tuple(
        Option(other.source, min(other.score, 1.0), other.evidence, examples_of(other.values)) for other in listed
    )
    reason = one.reason
    if one.rule is None and reason is None:
        source = _derived(one.field, decided)
        if source:
            reason = say("reasons", "derived", paths=source)
        elif listed:
            reason = say("reasons", "weak", paths=listed[0].source)
        else:
            reason = say("reasons", "nothing")
    return replace(one, options=options, reason=reason)


def _derived(name: str, decided: Mapping[str, Guess]) -> str:
    """The path from which a locality without a path of its own is derived."""
    others = {"location.postal_code": ("location.insee_commune", "location.city"),
              "location.city": ("location.insee_commune", "location.postal_code")}.get(name, ())  # fmt: skip
    return next((decided[one].path for one in others if one in decided and decided[one].rule is not None), "")


def examples_of(values: Sequence[PathValues]) -> tuple[str, ...]:
    """Up to three different values, redacted and cut; of several paths, the values of one item together. None about
    persons.
    """
    if any(is_personal(one.path) for one in values):
        return ()
    rows = [PAIR.join(dict.fromkeys(parts)) for parts in zip(*(one.values for one in values), strict=False)]
    return tuple(map(_display, list(dict.fromkeys(rows))[:_MAX_EXAMPLES]))


def _display(text: str) -> str:
    plain = html_to_text(text[:1000]) if "<" in text or "&" in text else text[:1000]
    clean = redact(" ".join(plain.split()))
    return clean if len(clean) <= _MAX_EXAMPLE else f"{clean[: _MAX_EXAMPLE - 1]}…"


def options_of(surveyed: Mapping[Path, PathValues]) -> Iterator[Option]:
    """Every path of a sample, for a person to choose from; values about persons are not shown."""
    for one in surveyed.values():
        yield Option(write_path(one.path), 0.0, (), examples_of((one,)))


def corrected(
    name: str, given: str | Mapping[str, Any] | None, surveyed: Mapping[Path, PathValues], count: int, on: date
) -> Guess:
    """The guess of a person: a path or two as the options name them, a whole rule, or None for an empty field."""
    if given is None:
        return Guess(name, reason=say("reasons", "corrected"))
    evidence = (say("evidence", "corrected"),)
    if not isinstance(given, str):
        named = PAIR.join(dict.fromkeys(map(write_path, paths_of(given))))
        return Guess(name, dict(given), named, 1.0, evidence)
    for one in _candidates(name, list(surveyed.values()), count, on):
        if one.source == given:
            return Guess(name, dict(one.rule), given, 1.0, evidence, examples_of(one.values))
    known = _named(name, given, surveyed)
    if known is None and name == "weeks" and PAIR in given:
        first, last = (_named(name, one, surveyed) for one in given.split(PAIR, 1))
        if first is not None and last is not None:
            made = pair_of(first, last)
            return Guess(name, dict(made.rule), given, 1.0, evidence, examples_of(made.values))
    if known is None:
        return Guess(name, {"path": given}, given, 1.0, evidence)
    return Guess(name, rule_of(name, known), given, 1.0, evidence, examples_of((known,)))


def _named(name: str, given: str, surveyed: Mapping[Path, PathValues]) -> PathValues | None:
    return next((one for one in surveyed.values() if given in _spellings(name, one)), None)


def _spellings(name: str, one: PathValues) -> tuple[str, str]:
    return write_path(one.path), write_path(usable_path(name, one))
