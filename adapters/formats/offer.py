"""Convert one item's content into an offer of the shared schema, field by field, and collect its problems."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from adapters.formats.field import FIELDS, Field, Located, Many, One
from adapters.formats.identity import local_id
from adapters.formats.item import Content, ItemPosition, OfferItem
from adapters.formats.locality import LocalityRefusal, resolve
from adapters.formats.location_texts import LocationNote, Written
from adapters.formats.mapping import FeedMapping
from adapters.formats.mojibake import garbled, lost, mend
from adapters.formats.moment import school_weeks
from adapters.formats.path import Scalar
from adapters.formats.problem import ReadingProblem, UnreadableValueError, problem, rule_pointer
from adapters.formats.rule import FoundValues, MappingRule
from adapters.formats.sector import SECTOR_FIELD, Fallback, fallback_of
from adapters.formats.text import clean, cut, one_line, spell

_FIELDS = {"postal_code": "postcode", "city": "city", "insee_commune": "commune", "country": "country"}
"""The member of ``Written`` that gives each member of ``location``."""
_CHARACTERS = 500
"""Texts are read up to this length: no address is longer."""
_UNREADABLE = frozenset(("postcode-unreadable", "location-ambiguous", "location-unknown"))

_YEAR = re.compile(r"(?<![0-9])20[0-9]{2}")
_EPOCH = re.compile(r"([0-9]{10})(?:[0-9]{3})?")
"""Seconds or milliseconds since 1970."""


def own_id(mapping: FeedMapping, content: Content, platform: str) -> str | None:
    """The offer's id (``platform:local id``), or None if the item has no readable one."""
    try:
        found = mapping.id.find(content).values
    except UnreadableValueError:
        return None
    own = one_line(spell(found[0])) if found else ""
    return f"{platform}:{local_id(own)}" if own else None


def build_offer(
    mapping: FeedMapping, content: Content, *, offer_id: str, position: ItemPosition, on: date
) -> OfferItem:
    """The offer with every field that can be read, and a problem for each one that cannot."""
    builder = _OfferBuilder(content, on)
    for name, rule in mapping.fields.items():
        builder.fill(name, rule, FIELDS[name])
    builder.locate()
    own = {
        key: value for key, rule in mapping.extensions.items() if (value := builder.find_extra(key, rule)) is not None
    }
    document = {"id": offer_id, **builder.members}
    if own:
        document["extensions"] = {offer_id.partition(":")[0]: own}
    problems = (*builder.problems, *_prune(document))
    return OfferItem(position, offer_id, document, problems, builder.fallback, mapping.optional)


class _OfferBuilder:
    """Accumulates the members and problems of one offer."""

    def __init__(self, content: Content, on: date) -> None:
        self.members: dict[str, Any] = {}
        self.problems: list[ReadingProblem] = []
        self.fallback: Fallback | None = None
        self._found: list[Scalar] = []
        self._content = content
        self._on = on
        self._located = _LocationFields()

    def fill(self, name: str, rule: MappingRule, field: Field) -> None:
        """Find and read the value of one field."""
        parent, _, child = name.rpartition(".")
        value = self._value(rule, field, "/" + name.replace(".", "/"))
        if name == SECTOR_FIELD and value is not None:
            self.fallback = fallback_of(rule, value, self._found)
        if isinstance(field, Located):
            self._located.add(field.member, value, rule)
        elif value is not None:
            (self.members.setdefault(parent, {}) if parent else self.members)[child] = value

    def locate(self) -> None:
        """Resolve postcode, city, commune, department and country together."""
        members, problems = self._located.resolve()
        if members:
            self.members.setdefault("location", {}).update(members)
        for one in problems:
            self._add(one)

    def find_extra(self, key: str, rule: MappingRule) -> Any:
        """The value of an extension, texts cleaned: a list of several, None without any."""
        return self._value(rule, None, f"/extensions/{key}")

    def _value(self, rule: MappingRule, field: Field | None, pointer: str) -> Any:
        if rule.constant is not None:
            return rule.constant
        try:
            found = FoundValues(list(school_weeks(self._on))) if rule.school_weeks else rule.find(self._content)
            self._found = found.values
            self._warn_of_encoding(found.values, rule, pointer)
            value = self._read(found, rule, field, pointer) if found.values else rule.default
        except UnreadableValueError as error:
            ended = pointer == "/expires_on" and _is_surely_past(error.actual, self._on)
            code = "field-left-out" if rule.optional and not ended else error.code
            self._report(pointer, code, actual=error.actual, source=rule.source, **error.values)
            return None
        for actual, limit in found.cuts:
            self._report(pointer, "text-cut", expected=limit, actual=actual)
        if found.left_out:
            self._add_left_out(found.left_out, rule.source.partition("/#1")[0], pointer)
        return value

    def _warn_of_encoding(self, values: Sequence[Scalar], rule: MappingRule, pointer: str) -> None:
        """Warn of texts that were garbled before they arrived."""
        texts = [value for value in values if isinstance(value, str) and not value.isascii()]
        for code, find in (("text-garbled", garbled), ("text-lost", lost)):
            near = next((part for text in texts if (part := find(text)) is not None), None)
            if near is not None:
                self._report(pointer, code, expected=mend(near), actual=near, source=rule.source)

    def _read(self, found: FoundValues, rule: MappingRule, field: Field | None, pointer: str) -> Any:
        match field:
            case Many(read):
                return read([spell(value) for value in found.values])
            case Located():
                return self._first(found, rule, pointer)
            case One(read, text):
                value = read(self._first(found, rule, pointer))
                return self._cut(value, rule, pointer) if text else value
        values = [clean(value) if isinstance(value, str) else value for value in found.values]
        return values[0] if len(values) == 1 else values

    def _first(self, found: FoundValues, rule: MappingRule, pointer: str) -> str:
        distinct = list(dict.fromkeys(map(spell, found.values)))
        if len(distinct) > 1:
            self._report(pointer, "others-left-out", actual=len(distinct) - 1, source=rule.source)
        return distinct[0]

    def _cut(self, text: str, rule: MappingRule, pointer: str) -> str | None:
        if rule.cut is not None and len(text) > rule.cut:
            self._report(pointer, "text-cut", expected=rule.cut, actual=len(text))
            return cut(text, rule.cut)
        return text or None

    def _report(self, pointer: str, code: str, **values: Any) -> None:
        self._add(problem(code, pointer=pointer, rule=rule_pointer(pointer), **values))

    def _add_left_out(self, number: int, source: str, pointer: str) -> None:
        """Add one ``others-left-out`` problem for all rules with the same source."""
        if not any(one.code == "others-left-out" and one.args["source"] == source for one in self.problems):
            self._add(problem("others-left-out", actual=number, source=source, rule=rule_pointer(pointer)))

    def _add(self, found: ReadingProblem) -> None:
        if found not in self.problems:
            self.problems.append(found)


def _is_surely_past(text: str, on: date) -> bool:
    """Whether an unreadable date is past all the same: an instant before the day, or nothing but earlier years."""
    instant = _EPOCH.fullmatch(text)
    if instant is not None:
        return int(instant[1]) < (on.toordinal() - date(1970, 1, 1).toordinal() - 1) * 86_400
    years = _YEAR.findall(text)
    return bool(years) and int(max(years)) < on.year


def _prune(document: dict[str, Any]) -> Iterator[ReadingProblem]:
    """Remove values without meaning: half a pair of coordinates, coordinates 0 and 0, a ROME version without code."""
    location = document.get("location", {})
    pair = [location.get("latitude"), location.get("longitude")]
    if (pair[0] is None) != (pair[1] is None) or pair == [0, 0]:
        known = next(name for name in ("latitude", "longitude") if name in location)
        yield problem("coordinates-left-out", pointer=f"/location/{known}", actual=location[known])
        location.pop("latitude", None)
        location.pop("longitude", None)
    if "rome" in document and "code" not in document["rome"]:
        del document["rome"]


class _LocationFields:
    """The location fields of one item, with the rule of each."""

    __slots__ = ("_rules", "_texts")

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._rules: dict[str, MappingRule] = {}

    def add(self, member: str, value: Any, rule: MappingRule) -> None:
        """Add the value that a rule found, or None."""
        self._rules[member] = rule
        if value is not None:
            self._texts[member] = spell(value)[:_CHARACTERS]

    def resolve(self) -> tuple[dict[str, str], list[ReadingProblem]]:
        """The members of ``location`` and the problems."""
        if not self._texts:
            return {}, []
        problems: list[ReadingProblem] = []
        written = Written(**self._texts)
        found = resolve(written)
        if (
            isinstance(found, LocalityRefusal)
            and found.note.code == "country-unknown"
            and self._rules["country"].optional
        ):
            problems.append(self._problem(replace(found.note, code="field-left-out")))
            found = resolve(replace(written, country=""))
        if isinstance(found, LocalityRefusal):
            note = found.note
            rule = self._rules.get("postcode")
            if note.code in _UNREADABLE and rule is not None and rule.optional:
                note = replace(note, code="field-left-out", member="postal_code", expected=None)
            return {"city": found.city} if found.city else {}, [*problems, self._problem(note)]
        known = {name: getattr(found, name) for name in ("postal_code", "city", "insee_commune")}
        members = {name: value for name, value in known.items() if value is not None}
        return members, [*problems, *map(self._problem, found.notes)]

    def _problem(self, note: LocationNote) -> ReadingProblem:
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
