"""Problem texts for the author of a profile: they name the values that a key takes and the rule that gave a value.

The catalogue of ``schemas`` addresses publishers of offers. Authors of profiles publish none: ``author.json`` has other
texts for the same codes, for problems of the profile itself and for verdicts on the items that it maps.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import schemas
from schemas import Problem, Rule
from schemas.bundle import help_for, keys_at
from schemas.spoken import Spoken
from schemas.texts import load_texts

Scope: TypeAlias = Literal["profile", "item"]
_LISTED = 12
_NO_HELP = Spoken("See docs/connect.md.", "Voir docs/connect.md.")
_NOT_NEAR = Spoken("none is similar", "aucune ne lui ressemble")
_FORM = Spoken("it is not a whole https:// address", "ce n’est pas une adresse https:// entière")
_OBJECTS = {"employer": "employer.name", "location": "location.postal_code"}
"""The most important field of an offer's object."""
_NESTED = ("employer", "location", "rome", "schedule", "restrictions", "redistribution")


@dataclass(frozen=True, slots=True)
class AuthorProblem(Problem):
    """A problem of the catalogue with the texts for a profile's author."""

    scope: Scope = "profile"

    @property
    def rule(self) -> Rule:
        """The catalogue's entry with the texts of this scope."""
        return _rules(self.scope)[self.code]


def for_profile(found: Problem, name: str, document: object) -> Problem:
    """Return a problem of a document of the schema ``name`` (``profile`` or ``mapping``) with the author's texts."""
    if type(found) is not Problem:
        return found
    code, args = found.code, dict(found.args)
    if code in ("field-misnamed", "field-unknown"):
        keys = keys_at(name, found.pointer.rpartition("/")[0], document)
        args["keys"] = ", ".join(keys) if len(keys) <= _LISTED else Spoken(*_many(keys))
        code = "field-misnamed" if found.expected in keys else "field-unknown"
    if args.get("near") == "–":
        args["near"] = _NOT_NEAR
    args.setdefault("help", help_for(name, found.pointer, document) or _NO_HELP)
    args.setdefault("reason", _FORM)
    expected = None if code == "field-unknown" else found.expected
    return AuthorProblem(code, found.pointer, expected, found.actual, args)


def for_item(found: Problem) -> Problem:
    """Return a problem of a verdict on a mapped item with the author's texts and the rule that gave the value."""
    if type(found) is not Problem:
        return found
    args = {**found.args, "rule": rule_pointer(found.pointer)}
    if args.get("near") == "–":
        args["near"] = _NOT_NEAR
    return AuthorProblem(found.code, found.pointer, found.expected, found.actual, args, "item")


def rule_pointer(pointer: str) -> str:
    """Return the JSON Pointer in a profile of the rule that gives the value at a pointer of an offer."""
    steps = pointer.split("/")[1:]
    if not steps or steps == [""]:
        return "/mapping/fields"
    if steps[0] == "extensions":
        return "/mapping/extensions" + (f"/{steps[-1]}" if len(steps) > 1 else "")
    if steps[0] in ("id", "revision"):
        return "/mapping/id"
    nested = steps[0] in _NESTED and len(steps) > 1
    return f"/mapping/fields/{'.'.join(steps[:2]) if nested else _OBJECTS.get(steps[0], steps[0])}"


def _many(keys: Any) -> tuple[str, str]:
    listed = ", ".join(keys[:_LISTED])
    return f"{listed}… (docs/formats/mapping.md lists all)", f"{listed}… (toutes dans docs/formats/mapping.md)"


@cache
def _words() -> Mapping[str, Any]:
    return load_texts(__package__, "author.json")


@cache
def _rules(scope: Scope) -> Mapping[str, Rule]:
    """The catalogue with the texts of a scope; the remedy of an item's problem without own texts names its rule."""
    words = _words()
    rules = {}
    for code, rule in schemas.catalogue().items():
        own = words[scope].get(code)
        if own is not None:
            rules[code] = replace(rule, **own)
        elif scope == "item":
            fix = {language: f"{text} {words['source'][language]}" for language, text in rule.fix.items()}
            rules[code] = replace(rule, fix=fix)
        else:
            rules[code] = rule
    return MappingProxyType(rules)
