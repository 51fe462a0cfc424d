"""Registry of the JSON Schemas, loaded once; the only source of validators that assert formats.

Two engines read the same schemas: ``fast_validator`` accepts or refuses, ``validator`` explains a refusal. Patterns
have the same meaning in both engines; tests compare them. The only formats are ``date`` and ``date-time``: patterns and
rules cover all others, since the libraries differ there. The explaining engine is slow to import, so it is imported on
first use; a service builds a validator at its start.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import orjson

from schemas.derived import complete_change, complete_mapping
from schemas.packaged import names, read_json

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

SUFFIX = ".schema.json"
_NOTHING: dict[str, Any] = {"not": {}}
"""A schema that no value satisfies."""
_LARGEST_INTEGER = 2**63
"""orjson writes no integer beyond it."""


@cache
def schema(name: str) -> dict[str, Any]:
    """The packaged schema of that name, such as ``offer``. Raises FileNotFoundError. Cached: do not modify."""
    loaded: dict[str, Any] = read_json("json", name + SUFFIX)
    if name == "change":
        complete_change(loaded, offer=schema("offer"), withdrawal=schema("withdrawal"))
    elif name == "mapping":
        complete_mapping(loaded, offer=schema("offer"), texts=read_json("reference.json")["fields"])
    return loaded


def schema_names() -> tuple[str, ...]:
    """The names of all packaged schemas, sorted."""
    return names("json", SUFFIX)


@cache
def _fast_registry() -> jsonschema_rs.Registry:
    return jsonschema_rs.Registry([(schema(name)["$id"], schema(name)) for name in schema_names()])


def _fast(body: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    # The linear-time engine: no input can make a pattern slow.
    return jsonschema_rs.Draft202012Validator(
        body, registry=_fast_registry(), validate_formats=True, pattern_options=jsonschema_rs.RegexOptions()
    )


@cache
def validator(name: str) -> "Draft202012Validator":
    """The explaining validator of a packaged schema: asserts formats, resolves references without network access."""
    from jsonschema import Draft202012Validator, ValidationError  # noqa: PLC0415  # slow to import, see above
    from jsonschema.validators import extend  # noqa: PLC0415
    from referencing import Registry  # noqa: PLC0415
    from referencing.jsonschema import DRAFT202012  # noqa: PLC0415

    # With a "$schema" the library would select its own class again at each reference.
    bodies = {known: {key: part for key, part in schema(known).items() if key != "$schema"} for known in schema_names()}
    resources = [(body["$id"], DRAFT202012.create_resource(body)) for body in bodies.values()]
    registry: Registry[Any] = Registry().with_resources(resources)

    def unique_items(_: Any, unique: bool, items: Any, __: Any) -> "Iterator[ValidationError]":  # noqa: FBT001  # a keyword's form
        """``uniqueItems`` in linear time: the library compares every item with every other."""
        if unique and isinstance(items, list) and _repeats(items):
            yield ValidationError("an item is repeated")

    kind: type[Draft202012Validator] = extend(Draft202012Validator, {"uniqueItems": unique_items})  # type: ignore[no-untyped-call]
    found: Draft202012Validator = kind(
        bodies[name], registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    return found


def _repeats(items: list[Any]) -> bool:
    """Whether two items are equal as JSON values: 1 and 1.0 are, 1 and true are not; keys have no order."""
    seen = {orjson.dumps(_plain(item), option=orjson.OPT_SORT_KEYS) for item in items}
    return len(seen) < len(items)


def _plain(item: Any) -> Any:
    if isinstance(item, float) and item.is_integer():
        return int(item) if abs(item) < _LARGEST_INTEGER else item
    if isinstance(item, dict):
        return {key: _plain(member) for key, member in item.items()}
    return [_plain(member) for member in item] if isinstance(item, list) else item


@cache
def fast_validator(name: str) -> jsonschema_rs.Draft202012Validator:
    """The fast validator of a packaged schema. Use only ``is_valid``: its explanations differ."""
    return _fast(schema(name))


@cache
def structure_validator(name: str) -> jsonschema_rs.Draft202012Validator:
    """The fast validator of a packaged schema without the checks for control characters and markup in texts: one search
    of all texts together (``suspicion.is_plain``) costs less than one per text.
    """
    full = schema(name)
    definitions = {**full["$defs"], "control": _NOTHING, "markup": _NOTHING}
    return _fast({**full, "$id": full["$id"].removesuffix(SUFFIX) + "-structure" + SUFFIX, "$defs": definitions})


@cache
def definition_validator(name: str) -> jsonschema_rs.Draft202012Validator:
    """The fast validator of one definition of the offer schema, such as ``offer_id``."""
    return _fast({"$ref": f"{schema('offer')['$id']}#/$defs/{name}"})


def lacks(pattern: str) -> Callable[[str], bool]:
    """A predicate: whether a text holds no match of a pattern of the fast engine."""
    return _fast({"type": "string", "not": {"pattern": pattern}}).is_valid


def may_hold(pattern: str) -> Callable[[str], bool]:
    """A predicate: whether a text holds a match of a pattern of the fast engine, or lone surrogates, which it cannot
    read.
    """
    is_clean = lacks(pattern)

    def is_found(text: str) -> bool:
        try:
            return not is_clean(text)
        except UnicodeEncodeError:
            return True

    return is_found


@cache
def property_validator(name: str, field: str) -> jsonschema_rs.Draft202012Validator:
    """The fast validator of one top-level field of a packaged schema."""
    return _fast({"$ref": f"{schema(name)['$id']}#/properties/{field}"})
