"""Mapping documents: the ready-made ones, the merge over them, and every problem of a document.

The JSON schema checks the form. The rest is here: keys that a format lacks, patterns, targets of sectors, and keys
without effect beside others.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple, TypeAlias

import schemas
from adapters.formats.condition import is_bound
from adapters.formats.field import FIELDS, One
from adapters.formats.moment import is_day_pattern, is_time_pattern
from adapters.formats.problem import problem
from adapters.formats.rule import OTHERS
from adapters.formats.sector import SECTOR_POINTER, check_sector_rule
from adapters.formats.text import fold
from schemas import Problem
from schemas.bilingual import Bilingual, json_type
from schemas.explain import explain
from schemas.packaged import read_json
from schemas.registry import fast_validator

READY_MADE = ("cleverconnect", "jobposting")
"""Formats with a complete mapping of their own; a platform's mapping only holds the differences."""

_SOURCE_KEYS: Mapping[str, tuple[str, ...]] = {
    "cleverconnect": ("encoding", "items"),
    "jobposting": ("encoding", "items"),
    "csv": ("encoding", "separator", "columns"),
    "json": ("encoding", "items", "lines", "keyed"),
    "xml": ("encoding", "items"),
}
"""The keys of ``source`` by format."""

FORMATS = tuple(_SOURCE_KEYS)

SOURCES = ("path", "constant", "join", "school_weeks")
"""A rule has exactly one of these keys."""

_ON_VALUES = frozenset(("html", "take", "split", "date", "time", "map", "unmatched"))
_ON_RULES = _ON_VALUES | {"each", "cut", "default", "optional"}
_OF_AN_ID = _ON_VALUES | {"each"}

_BESIDE: Mapping[str, frozenset[str]] = {
    "path": _ON_RULES,
    "join": _ON_RULES,
    "school_weeks": frozenset(("optional",)),
    "constant": frozenset(),
}
"""The keys of a rule that have an effect beside each source of values."""

_BESIDE_IN_PART: Mapping[str, frozenset[str]] = {"path": _ON_VALUES | {"cut"}, "constant": frozenset()}
"""The same for one part of a ``join``."""

_CONSTANT = Bilingual("a constant is taken as it is", "une constante est prise telle quelle")
_SCHOOL_WEEKS = Bilingual(
    "with school_weeks the weeks come from the school calendar",
    "avec school_weeks, les semaines viennent du calendrier scolaire",
)
_DATE = Bilingual("“date” reads the same value", "« date » lit la même valeur")
_OF_ID = Bilingual("an id is always needed, and never cut", "un identifiant est toujours nécessaire, et jamais coupé")
_CUT = Bilingual("only texts are cut", "seuls des textes sont coupés")
_EACH = Bilingual("a row of CSV has no objects in it", "une ligne de CSV ne contient pas d’objets")
_UNMATCHED = Bilingual(
    "there is no “take”, and no “map” without “*”, that a value could miss",
    "il n’y a ni « take », ni « map » sans « * », auquel une valeur puisse échapper",
)
_LINES = Bilingual("with lines each line is an item", "avec lines, chaque ligne est un élément")
_BLANK = Bilingual("blank values are nothing", "une valeur vide n’est rien")

_Rule: TypeAlias = Mapping[str, Any]


def merge(form: str, document: dict[str, Any]) -> dict[str, Any]:
    """The document over the ready-made mapping: by key, and within source, fields and extensions by field."""
    if form not in READY_MADE:
        return document
    base = _ready_made(form)
    inner = {key: {**base.get(key, {}), **document.get(key, {})} for key in ("source", "fields", "extensions")}
    return {**base, **document, **inner}


@cache
def _ready_made(form: str) -> Mapping[str, Any]:
    loaded: dict[str, Any] = read_json("mappings", f"{form}.json", package=__package__)
    return loaded


def find_problems(form: str, document: dict[str, Any]) -> Iterator[Problem]:
    """The problems that make a document unusable: those of the schema, or else those of this format and its rules."""
    found = [] if fast_validator("mapping").is_valid(document) else explain("mapping", document)
    for one in found:
        one_of = one.code == "invalid" and one.args.get("keyword") == "oneOf"
        yield problem(_alternative(one.pointer), pointer=one.pointer) if one_of else one
    if not found:
        yield from _find_in_format(form, document)
        yield from _find_in_rules(document)


def _alternative(pointer: str) -> str:
    """The code of an object with none, or several, of the keys of which it has exactly one."""
    if pointer.startswith("/only/"):
        return "mapping-condition-source"
    return "mapping-take-source" if "/take" in pointer else "mapping-rule-source"


def _find_in_format(form: str, document: dict[str, Any]) -> Iterator[Problem]:
    keys, merged = _SOURCE_KEYS[form], merge(form, document)
    source = merged.get("source", {})
    for key in document.get("source", {}):
        if key not in keys:
            yield problem("mapping-key-idle", pointer=f"/source/{key}", expected=list(keys), actual=key)
    needed = [("", "id", merged), ("", "fields", merged), *([("/source", "items", source)] if form == "xml" else ())]
    for parent, name, members in needed:
        if name not in members:
            yield schemas.problem("field-missing", pointer=f"{parent}/{name}", field=name)
    if form in ("xml", "cleverconnect") and isinstance(source.get("items"), list):
        yield schemas.problem(
            "wrong-type", pointer="/source/items", expected=json_type("string"), actual=json_type("array")
        )


def _find_in_rules(document: dict[str, Any]) -> Iterator[Problem]:
    for index, condition in enumerate(document.get("only", ())):
        for key in ("from", "until"):
            if key in condition and not is_bound(condition[key]):
                wrong = condition[key]
                yield problem("mapping-day", pointer=f"/only/{index}/{key}", expected="today, 2027-06-14", actual=wrong)
    for pointer, _, rule in _rules(document):
        for at, one in ((pointer, rule), *_parts(pointer, rule)):
            for key, is_usable, example in (
                ("date", is_day_pattern, "DD/MM/YYYY"),
                ("time", is_time_pattern, "HH:mm"),
            ):
                if key in one and not is_usable(one[key]):
                    yield problem("mapping-pattern", pointer=f"{at}/{key}", expected=example, actual=one[key])
        if pointer == SECTOR_POINTER:
            yield from check_sector_rule(rule)
        if "school_weeks" in rule and (pointer != "/fields/weeks" or not rule["school_weeks"]):
            yield problem("mapping-rule-source", pointer=pointer)


class Idle(NamedTuple):
    """A key without effect: its JSON Pointer in the mapping, its name and the reason."""

    pointer: str
    key: str
    reason: Bilingual


def find_idle(form: str, document: Mapping[str, Any]) -> Iterator[Idle]:
    """The keys without effect of a document without problems. A key set to ``false`` is not one."""
    source = document.get("source", {})
    if form == "json" and source.get("lines") and "items" in source:
        yield Idle("/source/items", "items", _LINES)
    if form == "json" and source.get("lines") and source.get("keyed"):
        yield Idle("/source/keyed", "keyed", _LINES)
    for pointer, field, rule in _rules(document):
        yield from _idle_in(pointer, rule, _BESIDE, form=form, field=field)
        for at, part in _parts(pointer, rule):
            yield from _idle_in(at, part, _BESIDE_IN_PART)


def _idle_in(
    pointer: str, rule: _Rule, beside: Mapping[str, frozenset[str]], *, form: str = "", field: str = ""
) -> Iterator[Idle]:
    source = next(key for key in SOURCES if key in rule)
    for key, value in rule.items():
        if key == source or value is False:
            continue
        if key not in beside[source]:
            reason: Bilingual | None = _SCHOOL_WEEKS if source == "school_weeks" else _CONSTANT
        elif beside is _BESIDE and field == "id" and key not in _OF_AN_ID:
            reason = _OF_ID
        elif beside is _BESIDE and key == "cut" and not _is_text(field):
            reason = _CUT
        else:
            reason = _reason_beside(key, rule, form)
        if reason is not None:
            yield Idle(f"{pointer}/{key}", key, reason)
        elif key == "map":
            yield from _idle_in_map(f"{pointer}/map", value)


def _reason_beside(key: str, rule: _Rule, form: str) -> Bilingual | None:
    """The reason why a key has no effect beside the others of its rule, or None."""
    if key == "time" and "date" in rule:
        return _DATE
    if key == "unmatched" and "take" not in rule and OTHERS in rule.get("map", (OTHERS,)):
        return _UNMATCHED
    return _EACH if key == "each" and form == "csv" else None


def _idle_in_map(pointer: str, values: Mapping[str, Any]) -> Iterator[Idle]:
    seen: dict[str, str] = {}
    for key in values:
        folded = fold(key)
        if not folded and key != OTHERS:
            yield Idle(f"{pointer}/{key}", key or '""', _BLANK)
        elif folded in seen and values[seen[folded]] != values[key]:
            other = seen[folded]
            why = Bilingual(
                f"“{key}” is the same key, without case and accents",
                f"« {key} » est la même clé, sans casse ni accents",
            )
            yield Idle(f"{pointer}/{other}", other, why)
        seen[folded] = key


def _is_text(field: str) -> bool:
    kind = FIELDS.get(field)
    return isinstance(kind, One) and kind.text


def _rules(document: _Rule) -> Iterator[tuple[str, str, _Rule]]:
    """Pointer, field and rule of every rule; ``id`` and ``extensions`` name no field of an offer."""
    if "id" in document:
        yield "/id", "id", document["id"]
    for name, rule in document.get("fields", {}).items():
        yield f"/fields/{name}", name, rule
    for name, rule in document.get("extensions", {}).items():
        yield f"/extensions/{name}", "extensions", rule


def _parts(pointer: str, rule: _Rule) -> Iterator[tuple[str, _Rule]]:
    """Pointer and rule of every part of a ``join``."""
    for index, part in enumerate(rule.get("join", {}).get("parts", ())):
        yield f"{pointer}/join/parts/{index}", part
