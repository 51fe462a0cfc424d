"""An offer reduced to listed members, at any depth. A member that this version does not know is left out: a replica
beside one of a later version shows nothing of a field that it cannot judge.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeAlias

from schemas.derived import HARMLESS
from schemas.registry import schema

Members: TypeAlias = Mapping[str, "Members | None"]
"""Harmless members by name: those of an object, None for a plain value."""


def without_employer(offer: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of an offer with the members only that its schema marks as ``x-harmless`` (RTE-005, RTE-013). Values are
    shared with the offer.
    """
    return _reduced(offer, harmless_members())


def in_public(offer: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of an offer with the members only that the schema ``public-offer`` lists (RTE-015)."""
    return _reduced(offer, public_members())


@cache
def harmless_members() -> Members:
    """The harmless members of an offer."""
    return _members(schema("offer"))


@cache
def public_members() -> Members:
    """The members of an offer that everybody may see."""
    listed = schema("public-offer")["properties"]
    return {name: dict.fromkeys(part["properties"]) if "properties" in part else None for name, part in listed.items()}


def _members(part: Mapping[str, Any]) -> Members:
    found: dict[str, Members | None] = {}
    for name, member in part.get("properties", {}).items():
        if HARMLESS in member:
            found[name] = None
        elif inner := _members(_target(member)):
            found[name] = inner
    return found


def _target(member: Mapping[str, Any]) -> Mapping[str, Any]:
    name = member.get("$ref", "").removeprefix("#/$defs/")
    target: Mapping[str, Any] = schema("offer")["$defs"][name] if name else member
    return target


def _reduced(value: Mapping[str, Any], members: Members) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, inner in members.items():
        member = value.get(name)
        if inner is not None and isinstance(member, Mapping):
            kept[name] = _reduced(member, inner)
        elif inner is None and name in value and _is_plain(member):
            kept[name] = member
    return kept


def _is_plain(value: Any) -> bool:
    """Whether a value has no members of its own, which this version could not judge."""
    if isinstance(value, list | tuple):
        return not any(isinstance(item, Mapping | list | tuple) for item in value)
    return not isinstance(value, Mapping)
