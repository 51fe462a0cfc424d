"""Table of the mapping keys that have an effect together; a key without effect is an error of the mapping."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.formats.field import FIELDS, One
from adapters.formats.rule import OTHERS
from adapters.formats.text import fold
from schemas.spoken import Spoken

SOURCES = ("path", "constant", "join", "school_weeks")
"""A rule has exactly one of these keys."""

_ON_VALUES = frozenset(("html", "split", "date", "time", "map"))
_ON_RULES = frozenset(("each", "cut", "default", "optional"))

BESIDE: Mapping[str, frozenset[str]] = {
    "path": _ON_VALUES | _ON_RULES,
    "join": _ON_VALUES | _ON_RULES,
    "school_weeks": frozenset(("optional",)),
    "constant": frozenset(),
}
"""The keys that have an effect beside each source of values."""

BESIDE_IN_PART: Mapping[str, frozenset[str]] = {"path": _ON_VALUES, "constant": frozenset()}
"""The keys that have an effect beside each source of values in one part of a ``join``."""

ONE_OF_TWO: Mapping[str, str] = {"time": "date"}
"""Keys that have no effect beside another one."""

OF_AN_ID = frozenset(("each", *_ON_VALUES))
"""The keys that have an effect in the rule of the id, which is required and never cut."""

_CONSTANT = Spoken("a constant is taken as it is", "une constante est prise telle quelle")
_SCHOOL_WEEKS = Spoken(
    "with school_weeks the weeks come from the school calendar",
    "avec school_weeks, les semaines viennent du calendrier scolaire",
)
_OF_ID = Spoken("an id is always needed, and never cut", "un identifiant est toujours nécessaire, et jamais coupé")
_CUT = Spoken("only texts are cut", "seuls des textes sont coupés")
_EACH = Spoken("a row of CSV has no objects in it", "une ligne de CSV ne contient pas d’objets")
_LINES = Spoken("with lines each line is an item", "avec lines, chaque ligne est un élément")
_BLANK = Spoken("blank values are nothing", "une valeur vide n’est rien")


@dataclass(frozen=True, slots=True)
class Idle:
    """A key without effect: its JSON Pointer in the mapping, its name and the reason."""

    pointer: str
    key: str
    reason: Spoken


def find_idle(form: str, document: Mapping[str, Any]) -> Iterator[Idle]:
    """Yield the keys without effect of a mapping that follows its schema. Keys set to ``false`` are skipped."""
    source = document.get("source", {})
    if form == "json" and source.get("lines") and "items" in source:
        yield Idle("/source/items", "items", _LINES)
    for pointer, rule, field in _rules(document):
        yield from _idle_of_rule(form, pointer, rule, field)
        for index, part in enumerate(rule.get("join", {}).get("parts", ())):
            yield from _idle_of_part(f"{pointer}/join/parts/{index}", part, BESIDE_IN_PART)


def _rules(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Yield pointer, rule and field name of every rule; ``id`` and ``extensions`` name no field of an offer."""
    if "id" in document:
        yield "/id", document["id"], "id"
    for name, rule in document.get("fields", {}).items():
        yield f"/fields/{name}", rule, name
    for name, rule in document.get("extensions", {}).items():
        yield f"/extensions/{name}", rule, "extensions"


def _idle_of_rule(form: str, pointer: str, rule: Mapping[str, Any], field: str) -> Iterator[Idle]:
    found = list(_idle_of_part(pointer, rule, BESIDE))
    yield from found
    known = {one.key for one in found}
    for key in sorted((_ON_VALUES | _ON_RULES) & set(rule) - known):
        if rule[key] is False:
            continue
        if field == "id" and key not in OF_AN_ID:
            yield Idle(f"{pointer}/{key}", key, _OF_ID)
        elif key == "cut" and not _is_text(field):
            yield Idle(f"{pointer}/{key}", key, _CUT)
        elif key == "each" and form == "csv":
            yield Idle(f"{pointer}/{key}", key, _EACH)


def _idle_of_part(pointer: str, part: Mapping[str, Any], beside: Mapping[str, frozenset[str]]) -> Iterator[Idle]:
    source = next(key for key in SOURCES if key in part)
    for key in part:
        if key in SOURCES or part[key] is False:
            continue
        if key not in beside[source]:
            yield Idle(f"{pointer}/{key}", key, _SCHOOL_WEEKS if source == "school_weeks" else _CONSTANT)
        elif ONE_OF_TWO.get(key) in part:
            other = ONE_OF_TWO[key]
            why = Spoken(f"“{other}” reads the same value", f"« {other} » lit la même valeur")
            yield Idle(f"{pointer}/{key}", key, why)
        elif key == "map":
            yield from _idle_of_map(f"{pointer}/map", part[key])


def _idle_of_map(pointer: str, values: Mapping[str, Any]) -> Iterator[Idle]:
    seen: dict[str, str] = {}
    for key in values:
        folded = fold(key)
        if not folded and key != OTHERS:
            yield Idle(f"{pointer}/{key}", key or '""', _BLANK)
        elif folded in seen and values[seen[folded]] != values[key]:
            other = seen[folded]
            why = Spoken(
                f"“{key}” is the same key, without case and accents",
                f"« {key} » est la même clé, sans casse ni accents",
            )
            yield Idle(f"{pointer}/{other}", other, why)
        seen[folded] = key


def _is_text(field: str) -> bool:
    kind = FIELDS.get(field)
    return isinstance(kind, One) and kind.text
