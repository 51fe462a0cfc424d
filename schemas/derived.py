"""Derivation of two schemas from the offer's: a change has the offer for readers, a mapping a rule a field. Pure."""

from collections.abc import Mapping
from typing import Any

from schemas.offer_field import BEGINS, mapped_fields

HARMLESS = "x-harmless"
"""Marks a member of an offer that is displayed although the employer is hidden (RTE-013)."""
_NOT_FOR_READERS = frozenset({"additionalProperties", "required", HARMLESS, BEGINS})


def complete_change(change: dict[str, Any], *, offer: dict[str, Any], withdrawal: Mapping[str, Any]) -> None:
    """Add the members of an offer, and the reasons of publishers before those of the gateway."""
    parts = change["$defs"]
    parts["offer"] |= {"properties": _for_readers(offer["properties"], offer, parts)}
    parts["reason"]["examples"][:0] = withdrawal["properties"]["withdrawn"]["enum"]


def complete_mapping(mapping: dict[str, Any], *, offer: Mapping[str, Any], texts: Mapping[str, Any]) -> None:
    """Add the rule of each field of the offer, with its values as constants and defaults. ``texts``: the meaning of
    each field; a field that the mapping describes keeps that description, since it says how a feed may write it.
    """
    rules = mapping["properties"]["fields"]
    own = rules["properties"]
    rules["properties"] = {}
    for field in mapped_fields(offer):
        value = {"$ref": f"{offer['$id']}#{field.pointer}"}
        text = {} if field.path in own else texts[field.path]["text"]
        rules["properties"][field.path] = {
            **({"description": text["en"], "x-fr": text["fr"]} if text else {}),
            "$ref": "#/$defs/rule",
            "properties": {"constant": value, "default": value},
            **own.pop(field.path, {}),
        }
    rules["properties"] |= own


def _for_readers(value: Any, offer: dict[str, Any], parts: dict[str, Any]) -> Any:
    """A part of the offer's schema for what readers get: open to further members (EVO-001), and without demanding one
    that may be hidden (RTE-013) or that older records lack (EVO-005). The offer's objects that it refers to are added
    to ``parts``.
    """
    if isinstance(value, list):
        return [_for_readers(item, offer, parts) for item in value]
    if not isinstance(value, dict):
        return value
    part = {name: _for_readers(one, offer, parts) for name, one in value.items() if name not in _NOT_FOR_READERS}
    if "properties" in value and (
        still := [name for name in value.get("required", ()) if _is_always_there(value["properties"][name])]
    ):
        part["required"] = still
    if isinstance(reference := value.get("$ref"), str):
        name = reference.removeprefix("#/$defs/")
        if "properties" not in offer["$defs"][name]:
            part["$ref"] = offer["$id"] + reference
        elif name not in parts:
            parts[name] = _for_readers(offer["$defs"][name], offer, parts)
    return part


def _is_always_there(member: Mapping[str, Any]) -> bool:
    return HARMLESS in member and not isinstance(member.get(BEGINS), str)
