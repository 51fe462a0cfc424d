"""Simplified form of a contract, for client generators of every kind.

Generators differ in how they handle choices between schemas, constants, nulls and closed answers; some write code that
does not compile, or that confuses the members of a choice. This form has plain objects only: a choice or
a combination is one object with the members of all, every number has its width, and answers allow the members and the
values that a later version adds. It says less than the precise form (``schemas.contract``) and nothing else.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

Schema = dict[str, Any]
Change = Callable[[Schema, bool], Schema]
"""Takes a schema, and whether the gateway answers with it."""
_COMPONENT = "#/components/schemas/"
_INT32 = 2**31 - 1
_NULL = {"type": "null"}
_OF_TEXTS = frozenset({"pattern", "maxLength", "minLength"})
"""Generated code applies these to a date that it has parsed already, and PHP knows no ``\\u``."""
_CONTAINERS = ("array", "object", ["array", "null"], ["object", "null"])
_EXAMPLES = frozenset({"example", "examples"})
_INNER = ("items", "additionalProperties", "propertyNames")


def client_form(document: Mapping[str, Any], *, keys: Collection[str], answers: Collection[str]) -> Schema:
    """A copy of the document in this form. ``keys`` hold schemas; the gateway writes all that is below ``answers``."""
    plain = _Plain(document["components"]["schemas"])
    form: Schema = {**document, "components": {**document["components"], "schemas": {}}}
    form = _mapped(form, lambda one, _: plain.schema(one), keys, answers)
    components = plain.components()
    sent = _reached([one for one, is_answer in _schemas(form, keys, answers) if not is_answer], components)
    open_ = _OpenAnswers(components, shared=sent)
    form = _mapped(form, lambda one, is_answer: open_.schema(one) if is_answer else _sendable(one), keys, answers)
    components |= {name: _sendable(components[name]) for name in sent} | open_.components
    every = [one for one, _ in _schemas(form, keys, answers)]
    form["components"]["schemas"] = {name: components[name] for name in sorted(_reached(every, components))}
    return form


def _mapped(
    part: Any, change: Change, keys: Collection[str], answers: Collection[str], *, is_answer: bool = False
) -> Any:
    """A copy of a part of a document, with each of its schemas changed."""
    if isinstance(part, list):
        return [_mapped(item, change, keys, answers, is_answer=is_answer) for item in part]
    if not isinstance(part, dict):
        return part
    copy = {}
    for key, one in part.items():
        if key in _EXAMPLES:
            copy[key] = one
        elif key in keys:
            copy[key] = change(one, is_answer)
        else:
            copy[key] = _mapped(one, change, keys, answers, is_answer=is_answer or key in answers)
    return copy


def _schemas(document: Schema, keys: Collection[str], answers: Collection[str]) -> list[tuple[Schema, bool]]:
    found: list[tuple[Schema, bool]] = []

    def note(one: Schema, is_answer: bool) -> Schema:  # noqa: FBT001 (a Change)
        found.append((one, is_answer))
        return one

    _mapped(document, note, keys, answers)
    return found


def _reached(roots: Collection[Schema], components: Mapping[str, Schema]) -> set[str]:
    """The names of the components that these schemas refer to, at any depth."""
    names: set[str] = set()
    waiting = list(roots)
    while waiting:
        new = set(_references(waiting.pop())) - names
        names |= new
        waiting += [components[name] for name in new]
    return names


def _references(schema: Schema) -> Iterator[str]:
    if name := _name(schema):
        yield name
    inner = [schema[key] for key in _INNER if isinstance(schema.get(key), dict)]
    for one in (*schema.get("properties", {}).values(), *inner):
        yield from _references(one)


def _name(schema: Schema) -> str:
    """The component that a schema refers to; empty for none."""
    return str(schema.get("$ref", "")).removeprefix(_COMPONENT)


def _within(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """A copy whose inner schemas are changed."""
    copy = {key: change(one) if key in _INNER and isinstance(one, dict) else one for key, one in schema.items()}
    if "properties" in copy:
        copy["properties"] = {name: change(one) for name, one in copy["properties"].items()}
    return copy


class _Plain:
    """Schemas without choices, combinations and constants."""

    def __init__(self, precise: Mapping[str, Schema]) -> None:
        self._precise = precise

    def components(self) -> dict[str, Schema]:
        return {name: self.schema(body) for name, body in self._precise.items()}

    def schema(self, precise: Schema) -> Schema:
        about = {key: precise[key] for key in ("description",) if key in precise}
        if "allOf" in precise:
            own = {key: one for key, one in precise.items() if key != "allOf"}
            return _all_of([self._body(one) for one in (*precise["allOf"], own)]) | about
        if choices := precise.get("oneOf") or precise.get("anyOf"):
            return self._chosen(choices, precise.get("discriminator")) | about
        return _typed(_within({key: one for key, one in precise.items() if key != "not"}, self.schema))

    def _chosen(self, choices: Sequence[Schema], discriminator: Schema | None) -> Schema:
        others = [one for one in choices if one != _NULL]
        if len(others) == 1:
            if len(choices) == 1:
                return self.schema(others[0])
            body = self._body(others[0])
            return _typed({**body, "type": [body["type"], "null"]})
        bodies = [self._body(one) for one in others]
        merged = _any_of(bodies)
        if discriminator is not None:
            tag = discriminator["propertyName"]
            for name, one in merged["properties"].items():
                holders = [body for body in bodies if name in body["properties"]]
                if len(holders) < len(bodies):
                    values = " or ".join(f"`{value}`" for body in holders for value in body["properties"][tag]["enum"])
                    merged["properties"][name] = _described(one, f"Only where `{tag}` is {values}.")
        return merged

    def _body(self, precise: Schema) -> Schema:
        """The plain form of a schema, of its target where it is a reference."""
        name = _name(precise)
        return self.schema(self._precise[name] if name else precise)


def _typed(schema: Schema) -> Schema:
    """A schema with one type, or any: texts that may be constants, numbers with a width, maps, nulls."""
    plain = dict(schema)
    if isinstance(constant := plain.pop("const", None), str):
        plain["enum"] = [constant]
    kinds = plain.get("type", "string" if "enum" in plain else [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if len(kinds) == 1:
        plain["type"] = kinds[0]
    names = [kind for kind in kinds if kind != "null"]
    if len(names) > 1:  # any value
        return {key: plain[key] for key in ("description",) if key in plain}
    if len(names) < len(kinds):
        plain["x-nullable"] = True  # openapi-generator sees the null of a text alone: Go would read 0, or fail
    match names:
        case ["integer"]:
            plain["format"] = "int32" if plain.get("maximum", _INT32 + 1) <= _INT32 else "int64"
        case ["number"]:
            plain["format"] = "double"
        case ["object"] if "properties" not in plain:
            plain.setdefault("additionalProperties", True)
        case ["string"] if plain.get("format") in {"date", "date-time"} or "\\u" in plain.get("pattern", ""):
            return {key: one for key, one in plain.items() if key not in _OF_TEXTS}
    return plain


def _sendable(plain: Schema) -> Schema:
    """A schema of documents from partners; optional members are left out unless a program sets them: generated code
    would send the default, and an empty list or map that is no default but a wish or an error.
    """
    sendable = _within(plain, _sendable)
    if sendable.get("additionalProperties") is False:  # openapi-generator takes it for true, and sends unknown members
        del sendable["additionalProperties"]
        sendable["unevaluatedProperties"] = False
    for name in plain.get("properties", {}).keys() - set(plain.get("required", ())):
        member = dict(sendable["properties"][name])
        if member.get("type") in _CONTAINERS and "properties" not in member:
            member["x-nullable"] = True  # openapi-generator initialises it with null, and sends nothing
        if "default" in member:
            member = _described(member, f"By default `{json.dumps(member.pop('default'))}`.")
        sendable["properties"][name] = member
    return sendable


def _any_of(bodies: Sequence[Schema]) -> Schema:
    merged = _all_of(bodies)
    merged["required"] = [name for name in merged["required"] if all(name in one.get("required", ()) for one in bodies)]
    if all(one.get("additionalProperties") is False for one in bodies):
        merged["additionalProperties"] = False
    return merged


def _all_of(bodies: Sequence[Schema]) -> Schema:
    """One object with the members of all these objects. Raises ValueError where they disagree on one."""
    properties: dict[str, Schema] = {}
    required: dict[str, None] = {}
    for body in bodies:
        if body.get("type") != "object" and body:
            raise ValueError(f"no object: {body}")
        required |= dict.fromkeys(body.get("required", ()))
        for name, one in body.get("properties", {}).items():
            properties[name] = _both(name, properties.get(name, one), one)
    return {"type": "object", "required": list(required), "properties": properties}


def _both(name: str, first: Schema, second: Schema) -> Schema:
    if "enum" in first and "enum" in second:
        return {**second, "enum": list(dict.fromkeys([*first["enum"], *second["enum"]]))}
    if {**first, "description": ""} != {**second, "description": ""}:
        raise ValueError(f"two schemas of {name}: {first}, {second}")
    return {**first, **second}


def _described(schema: Schema, text: str) -> Schema:
    return {**schema, "description": " ".join(filter(None, (schema.get("description"), text)))}


class _OpenAnswers:
    """Answers that allow further members and values. ``shared`` are the components that partners send, too."""

    def __init__(self, plain: Mapping[str, Schema], *, shared: Collection[str]) -> None:
        self._plain = plain
        self._shared = shared
        self.components: dict[str, Schema] = {}

    def schema(self, plain: Schema) -> Schema:
        if name := _name(plain):
            return {**self._referred(name), **{key: one for key, one in plain.items() if key != "$ref"}}
        opened = _within(plain, self.schema)
        if "properties" in opened:
            opened["additionalProperties"] = opened.get("additionalProperties") or True
        if "enum" in opened:
            values = opened.pop("enum")
            known = ", ".join(f"`{value}`" for value in values)
            if len(values) == 1:
                return _described(opened, f"Always {known}.")
            opened["x-extensible-enum"] = values
            opened = _described(opened, f"By now {known}; a later version may add some.")
        return opened

    def _referred(self, name: str) -> Schema:
        body = self._plain[name]
        if "properties" not in body:
            opened = self.schema(body)
            return opened if opened != body else {"$ref": _COMPONENT + name}
        target = f"Subscriber{name}" if name in self._shared else name
        if target not in self.components:
            self.components[target] = {}  # a recursive schema ends here
            self.components[target] = self.schema(body)
        return {"$ref": _COMPONENT + target}
