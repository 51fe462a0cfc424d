"""Problems of feeds: those of reading, the texts for the author of a profile, and the groups of one feed.

The rules of reading are data of ``schemas``, whose catalogue addresses publishers of offers. Authors of profiles
publish none: ``author.json`` has other texts for the same codes, for problems of the profile itself and for
verdicts on the items that it maps.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import schemas
from adapters.formats.text import one_line
from schemas import Problem, Rule
from schemas.bilingual import Bilingual
from schemas.bundle import help_for, keys_at
from schemas.rulebook import displayed, reading_rules
from schemas.texts import load_texts

TOO_DEEP = Bilingual("nested too deep", "imbrication trop profonde")
Body: TypeAlias = Mapping[str, Any]
MAX_GROUPS = 60
"""Most groups of each severity; problems of further groups are only counted."""
MAX_EXAMPLES = 3
_NUMBER = re.compile(r"(?<=/)[0-9]+(?=/|$)")
_OVERFLOW = {"error": "errors-not-listed", "warning": "warnings-not-listed"}
Scope: TypeAlias = Literal["profile", "item"]
_LISTED = 12
_NO_HELP = Bilingual("See docs/connect.md.", "Voir docs/connect.md.")
_FORM = Bilingual("it is not a whole https:// address", "ce n’est pas une adresse https:// entière")
_OBJECTS = {"employer": "employer.name", "location": "location.postal_code"}
"""The most important field of an offer's object."""
_NESTED = ("employer", "location", "rome", "schedule", "restrictions", "redistribution")


@dataclass(frozen=True, slots=True)
class ReadingProblem(Problem):
    """One violation of a rule of reading. ``pointer`` is in the offer; ``args`` give the location in the source."""

    @property
    def rule(self) -> Rule:
        """The rule of reading."""
        return reading_rules()[self.code]


def problem(code: str, *, pointer: str = "", expected: Any = None, actual: Any = None, **args: Any) -> ReadingProblem:
    """Create a problem of reading; ``actual`` is capped and redacted. Raises KeyError for an unknown code."""
    if code not in reading_rules():
        raise KeyError(code)
    return ReadingProblem(
        code, pointer, expected, displayed(actual), {name: displayed(value) for name, value in args.items()}
    )


class UnusableFeedError(Exception):
    """The feed as a whole is unusable; no item of it may be applied."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.problem: ReadingProblem = problem(code, **values)


class UnreadableValueError(Exception):
    """A value does not fit its field. ``code`` names a problem of this package; ``values`` are its arguments."""

    def __init__(self, code: str, actual: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.actual = one_line(actual)
        self.values = values


@dataclass(slots=True)
class _ProblemGroup:
    """The first problem's body, the count and the first examples. ``pointer`` is None if the pointers differ."""

    body: Body
    pointer: str | None
    of_feed: bool
    count: int = 0
    most: int = MAX_EXAMPLES
    examples: list[dict[str, Any]] = field(default_factory=list)

    def add(self, position: str, offer_id: str | None, body: Body) -> None:
        self.count += 1
        if body["pointer"] != self.pointer:
            self.pointer = None
        if len(self.examples) < self.most:
            example = {"position": position, "id": offer_id, "pointer": body["pointer"]}
            self.examples.append(example | ({"value": body["actual"]} if "actual" in body else {}))


class ProblemGroups:
    """Problem groups of one feed. Problems are added item by item, as their JSON in both languages. ``examples``: the
    most of a group.
    """

    def __init__(self, *, examples: int = MAX_EXAMPLES) -> None:
        self._examples = examples
        self._groups: dict[tuple[bool, str, str, str], _ProblemGroup] = {}
        self._kept = dict.fromkeys(_OVERFLOW, 0)
        self._beyond = dict.fromkeys(_OVERFLOW, 0)
        self._counts = dict.fromkeys(_OVERFLOW, 0)

    @property
    def counts(self) -> Mapping[str, int]:
        """The number of problems by severity."""
        return dict(self._counts)

    def add(self, position: str, offer_id: str | None, problems: Sequence[Body]) -> None:
        """Count the problems of one item; problems of the feed as a whole have an empty position."""
        for body in problems:
            severity = body["severity"]
            self._counts[severity] += 1
            pointer = body.get("pointer", "")
            key = not position, severity, body["code"], _NUMBER.sub("*", pointer)
            group = self._groups.get(key)
            if group is None:
                if self._kept[severity] == MAX_GROUPS:
                    self._beyond[severity] += 1
                    continue
                self._kept[severity] += 1
                group = self._groups[key] = _ProblemGroup(body, pointer, of_feed=not position, most=self._examples)
            group.add(position, offer_id, {"pointer": "", **body})

    def to_json(self) -> tuple[Body, ...]:
        """The groups: those of the feed as a whole, then errors, then warnings; the largest of each first.

        Each is the JSON of its first problem with ``count``, ``examples`` (``position``, ``id``, ``pointer`` and
        ``value`` of each) and ``position`` and ``id`` of the first. Array indexes in a path that differ become ``*``.
        """
        listed = sorted(
            self._groups.items(), key=lambda one: (not one[1].of_feed, one[1].body["severity"], -one[1].count)
        )
        return (*(_written(key[-1], group) for key, group in listed), *self._overflow())

    def _overflow(self) -> Sequence[Body]:
        found = [(_OVERFLOW[severity], count) for severity, count in self._beyond.items() if count]
        bodies = [(problem(code, expected=MAX_GROUPS, actual=count).to_json(), count) for code, count in found]
        return [{**body, "count": count, "examples": [], "position": "", "id": None} for body, count in bodies]


def _written(pointer: str, group: _ProblemGroup) -> Body:
    first = group.examples[0]
    return {
        "position": first["position"],
        "id": first["id"],
        **group.body,
        "pointer": pointer if group.pointer is None else group.pointer,
        "count": group.count,
        "examples": group.examples,
    }


@dataclass(frozen=True, slots=True)
class AuthorProblem(Problem):
    """A problem of the catalogue with the texts for a profile's author."""

    scope: Scope = "profile"

    @property
    def rule(self) -> Rule:
        """The catalogue's entry with the texts of this scope."""
        return _rules(self.scope)[self.code]


def for_profile(found: Problem, name: str, document: object) -> Problem:
    """A problem of a document of the schema ``name`` (``profile`` or ``mapping``) with the author's texts."""
    if type(found) is not Problem:
        return found
    code, args = found.code, dict(found.args)
    if code in ("field-misnamed", "field-unknown"):
        keys = keys_at(name, found.pointer.rpartition("/")[0], document)
        args["keys"] = ", ".join(keys) if len(keys) <= _LISTED else Bilingual(*_many(keys))
        code = "field-misnamed" if found.expected in keys else "field-unknown"
    args.setdefault("help", help_for(name, found.pointer, document) or _NO_HELP)
    args.setdefault("reason", _FORM)
    expected = None if code == "field-unknown" else found.expected
    return AuthorProblem(code, found.pointer, expected, found.actual, args)


def for_item(found: Problem) -> Problem:
    """A problem of a verdict on a mapped item with the author's texts and the rule that gave the value."""
    if type(found) is not Problem:
        return found
    args = {**found.args, "rule": rule_pointer(found.pointer)}
    return AuthorProblem(found.code, found.pointer, found.expected, found.actual, args, scope="item")


def rule_pointer(pointer: str) -> str:
    """The JSON Pointer in a profile of the rule that gives the value at a pointer of an offer."""
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
