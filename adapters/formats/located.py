"""Collect an item's texts about its locality and resolve them into members of ``location`` and problems."""

from dataclasses import replace
from typing import Any

from adapters.formats.author import rule_pointer
from adapters.formats.locality import Note, Refusal, Written, resolve
from adapters.formats.problem import ReadingProblem, problem
from adapters.formats.rule import Rule
from adapters.formats.text import spell

_FIELDS = {"postal_code": "postcode", "city": "city", "insee_commune": "commune", "country": "country"}
"""The member of ``Written`` that gives each member of ``location``."""

_CHARACTERS = 500
"""Texts are read up to this length: no address is longer."""

_UNREADABLE = frozenset(("postcode-unreadable", "location-ambiguous", "location-unknown"))


class LocatedTexts:
    """The location texts of one item, with their rules."""

    __slots__ = ("_rules", "_texts")

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._rules: dict[str, Rule] = {}

    def add(self, member: str, value: Any, rule: Rule) -> None:
        """Add the value that a rule found, or None."""
        self._rules[member] = rule
        if value is not None:
            self._texts[member] = spell(value)[:_CHARACTERS]

    def resolve(self) -> tuple[dict[str, str], list[ReadingProblem]]:
        """Return the members of ``location`` and the problems."""
        if not self._texts:
            return {}, []
        problems: list[ReadingProblem] = []
        written = Written(**self._texts)
        found = resolve(written)
        if isinstance(found, Refusal) and found.note.code == "country-unknown" and self._rules["country"].optional:
            problems.append(self._problem(replace(found.note, code="field-left-out")))
            found = resolve(replace(written, country=""))
        if isinstance(found, Refusal):
            note = found.note
            rule = self._rules.get("postcode")
            if note.code in _UNREADABLE and rule is not None and rule.optional:
                note = replace(note, code="field-left-out", member="postal_code", expected=None)
            return {"city": found.city} if found.city else {}, [*problems, self._problem(note)]
        members = {
            name: value
            for name, value in (
                ("postal_code", found.postal_code),
                ("city", found.city),
                ("insee_commune", found.insee_commune),
            )
            if value is not None
        }
        return members, [*problems, *map(self._problem, found.notes)]

    def _problem(self, note: Note) -> ReadingProblem:
        member = "" if note.member == "country" else note.member
        rule = self._rules.get(_FIELDS.get(note.member, ""))
        rules = [rule] if rule is not None else [self._rules[name] for name in self._texts]
        source = " + ".join(dict.fromkeys(filter(None, (one.source for one in rules))))
        pointer = f"/location/{member}" if member else "/location"
        return problem(
            note.code,
            pointer=pointer,
            expected=note.expected,
            actual=note.actual,
            source=source,
            rule=rule_pointer(f"/location/{note.member or 'postal_code'}"),
        )
