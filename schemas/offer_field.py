"""The fields of an offer by their dotted paths, from its schema. Pure: the schema is an argument."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
BEGINS = "x-begins"
"""Marks what is accepted from the day on which a release is activated (OFR-050): of a field it names the release, of a
list the release of each value that begins.
"""
RETIRED = "value-retired"
"""Before colons with the path of a field and a value that ends: the code of its rule."""
REPLACES = "x-replaces"
"""Marks a field that takes the place of the one that it names; both are accepted until that one ends (OFR-052)."""
PUBLISHER_ONLY = frozenset({"revision", "source_id", "national_remote_id"})
"""Fields that only the publisher and the national site need."""
_APART = frozenset(
    {"id", "revision", "title", "description", "apply_url", "expires_on", "source_id", "national_remote_id"}
)
_PLAIN = frozenset({"string", "integer", "number", "boolean"})
_UNMAPPED = frozenset({"id", "revision", "extensions"})


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its dotted path, its JSON Pointer in the offer's schema, its schema with the definition that it
    references filled in (and that definition's name as ``$def``), and whether its object requires it.
    """

    path: str
    pointer: str
    part: Mapping[str, Any]
    required: bool

    @property
    def kind(self) -> str:
        """The name of its definition, such as ``line`` or ``day``; else its type."""
        return str(self.part.get("$def", self.part["type"]))


@dataclass(frozen=True, slots=True)
class RetiredValue:
    """A value of a list that ends: the path of its field, the value to send in its place, and its day (ISO)."""

    path: str
    value: str
    successor: str
    error_from: str

    @property
    def code(self) -> str:
        """The code of its rule."""
        return f"{RETIRED}:{self.path}:{self.value}"


def fields_of(offer: Mapping[str, Any]) -> Iterator[Field]:
    """Every field of this schema of offers in its order, each object before its members."""
    return _fields(offer, offer, "", "")


def mapped_fields(offer: Mapping[str, Any]) -> Iterator[Field]:
    """The fields that a mapping reads: each value and list, and the hours of each day."""
    for field in fields_of(offer):
        is_hours = field.kind == "day_hours"
        is_part_of_hours = not is_hours and any(f".{day}." in field.path for day in DAYS)
        is_value = is_hours or field.part["type"] != "object"
        if is_value and not is_part_of_hours and field.path not in _UNMAPPED:
            yield field


def plain_members(offer: Mapping[str, Any], path: str = "", *, types: Container[str] = _PLAIN) -> tuple[str, ...]:
    """The names of the plain fields of an offer, or of its object at this path: each is one value of these types."""
    homes = ((field, *field.path.rpartition(".")[::2]) for field in fields_of(offer))
    return tuple(name for field, home, name in homes if home == path and field.part["type"] in types)


def further_fields(offer: Mapping[str, Any]) -> tuple[str, ...]:
    """The plain fields of an offer for people to read, but those that each page and command displays in its own way."""
    return tuple(name for name in plain_members(offer) if name not in _APART)


def ending_fields(offer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The paths of the fields that end, each with its day (``x-ends``)."""
    return [(field.path, field.part["x-ends"]) for field in fields_of(offer) if "x-ends" in field.part]


def beginning(offer: Mapping[str, Any]) -> Mapping[str, str]:
    """The marks of the fields and values of lists that wait for a day, each with the release that begins it
    (``x-begins``): a mark is a dotted path, for a value with the value after a colon (``levels:premiere``). Raises
    ValueError for a field that is required, and for a value that its list does not have.
    """
    found = dict[str, str]()
    for field in fields_of(offer):
        if isinstance(release := field.part.get(BEGINS), str):
            if field.required:
                raise ValueError(f"{field.path} begins on a day, so it cannot be required")
            found[field.path] = release
        listed = _listed(field, offer)
        values = listed.get(BEGINS, {}) if "enum" in listed else {}
        for value, release in values.items() if isinstance(values, Mapping) else ():
            if value not in listed["enum"]:
                raise ValueError(f"{field.path}: {value} is not in the list")
            found[f"{field.path}:{value}"] = release
    return found


def replacing_fields(offer: Mapping[str, Any]) -> Mapping[str, str]:
    """The paths of the fields that take the place of others, each with that of the other (``x-replaces``). Raises
    ValueError where the other has no end, or one of them is required.
    """
    fields, found = {field.path: field for field in fields_of(offer)}, dict[str, str]()
    for new in (field for field in fields.values() if REPLACES in field.part):
        old = fields.get(new.part[REPLACES])
        if old is None or "x-ends" not in old.part or old.required or new.required:
            raise ValueError(f"{new.path} replaces {new.part[REPLACES]}: both are optional, and the latter has x-ends")
        found[new.path] = old.path
    return found


def retired_values(offer: Mapping[str, Any]) -> Iterator[RetiredValue]:
    """The values of lists that end (``x-retires``), of each field that has the list. Raises ValueError for one that the
    list does not have.
    """
    for field in fields_of(offer):
        listed = _listed(field, offer)
        for value, end in listed.get("x-retires", {}).items():
            if not {value, end["successor"]} <= {*listed["enum"]}:
                raise ValueError(f"{field.path}: {value} or {end['successor']} is not in the list")
            yield RetiredValue(field.path, value, end["successor"], end["error_from"])


def marks_of(offer: Mapping[str, Any]) -> Iterator[str]:
    """The marks of everything that this schema has: its fields, and the values of lists."""
    for field in fields_of(offer):
        yield field.path
        yield from (f"{field.path}:{value}" for value in _listed(field, offer).get("enum", ()))


def field_at(offer: Mapping[str, Any], path: str) -> Any:
    """The value of a field that an offer has."""
    return reduce(lambda part, name: part[name], path.split("."), offer)


def with_field(offer: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of an offer with a field; the same where it lacks the object of the field."""
    name, _, rest = path.partition(".")
    if not rest:
        return {**offer, name: value}
    return {**offer, name: with_field(offer[name], rest, value)} if name in offer else dict(offer)


def has_field(offer: Mapping[str, Any], path: str) -> bool:
    """Whether an offer, sound or not, has the field at a path."""
    return pointer_of(offer, path) is not None


def pointer_of(offer: Mapping[str, Any], mark: str) -> str | None:
    """The JSON Pointer of a field, or of a value of a list, that an offer, sound or not, has; None if it has not."""
    path, _, value = mark.partition(":")
    pointer = ""
    part: Any = offer
    for name in path.split("."):
        if not isinstance(part, dict) or name not in part:
            return None
        pointer, part = f"{pointer}/{name}", part[name]
    if not value or part == value:
        return pointer
    return f"{pointer}/{part.index(value)}" if isinstance(part, list) and value in part else None


def resolved(part: Mapping[str, Any], offer: Mapping[str, Any]) -> Mapping[str, Any]:
    """A part with the definition that it references filled in, and the definition's name as ``$def``."""
    name = part.get("$ref", "").rpartition("/")[2]
    return {**offer["$defs"][name], "$def": name, **part} if name else part


def _listed(field: Field, offer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of the schema that lists the values of a field, if they are a list."""
    items = field.part.get("items")
    if isinstance(items, Mapping):
        return resolved(items, offer)
    listed: Mapping[str, Any] = offer["$defs"].get(field.part.get("$def"), field.part)
    return listed


def _fields(part: Mapping[str, Any], offer: Mapping[str, Any], above: str, pointer: str) -> Iterator[Field]:
    for name, inner in part.get("properties", {}).items():
        target, at = resolved(inner, offer), f"{pointer}/properties/{name}"
        yield Field(f"{above}{name}", at, target, name in part.get("required", ()))
        below = f"/$defs/{target['$def']}" if "$def" in target else at
        yield from _fields(target, offer, f"{above}{name}.", below)
