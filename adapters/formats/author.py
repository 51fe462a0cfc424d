"""Problems as the author of a profile reads them: what the profile's key takes, and which rule of it gave a value.

The catalogue of ``schemas`` speaks to who sends offers. Whoever writes a profile sends none: the same codes have other
words here (``author.json``), for problems of the profile itself and for verdicts on what it made of a feed's items.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import schemas
from schemas import Problem, Rule
from schemas.guide import help_for, keys_at
from schemas.spoken import Spoken
from schemas.texts import load_texts

Scope: TypeAlias = Literal["profile", "item"]
_LISTED = 12
_NO_HELP = Spoken("See docs/connect.md.", "Voir docs/connect.md.")
_NOT_NEAR = Spoken("none is similar", "aucune ne lui ressemble")
_FORM = Spoken("it is not a whole https:// address", "ce n’est pas une adresse https:// entière")
_OBJECTS = {"employer": "employer.name", "location": "location.postal_code"}
"""The field that an offer's object needs most."""
_NESTED = ("employer", "location", "rome", "schedule", "restrictions", "redistribution")


@dataclass(frozen=True, slots=True)
class AuthorProblem(Problem):
    """A problem of the catalogue in the words for a profile's author."""

    scope: Scope = "profile"

    @property
    def rule(self) -> Rule:
        """The catalogue's entry with the words for this scope."""
        return _rules(self.scope)[self.code]


def for_profile(found: Problem, name: str, document: object) -> Problem:
    """A problem of a document of the schema ``name`` (``profile`` or ``mapping``) for its author."""
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
    """A problem of a verdict on what a profile made of an item, with the rule that gave the value."""
    if type(found) is not Problem:
        return found
    args = {**found.args, "rule": rule_pointer(found.pointer)}
    if args.get("near") == "–":
        args["near"] = _NOT_NEAR
    return AuthorProblem(found.code, found.pointer, found.expected, found.actual, args, "item")


def rule_pointer(pointer: str) -> str:
    """The JSON Pointer, in a profile, of the rule that gives what stands at a pointer of an offer."""
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
    """The catalogue with the words of a scope; an item's problem without words of its own names its rule as well."""
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
