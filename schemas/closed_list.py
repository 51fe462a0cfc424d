"""The closed lists of the protocol. The values of each are in one JSON Schema, or in ``lists.json`` where no JSON
Schema has them; code, contracts and pages take them from there. The texts of those that partners write or read in
documents are in ``reference.json``, under the list's name.

An entry of texts whose key has a list in braces, such as ``gone_{withdrawn}``, is one entry for each value; its texts
have the value's word in place of the list.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from schemas.packaged import read_json
from schemas.registry import schema

CLOSED_LISTS: Mapping[str, tuple[str, Sequence[str]]] = {
    "levels": ("offer", ("$defs", "level")),
    **{name: ("offer", ("properties", name)) for name, part in schema("offer")["properties"].items() if "enum" in part},
    "withdrawn": ("withdrawal", ("properties", "withdrawn")),
    "removal": ("change", ("$defs", "reason")),
    "verdict": ("receipt", ("properties", "verdict")),
    "status": ("batch-result", ("$defs", "item", "properties", "status")),
    "delivery": ("delivery", ("$defs", "part", "properties", "state")),
}
"""Name → the schema that has the list, and where; the list of a field of the offer has the field's name. ``removal`` is
open to readers: a later version may add to it.
"""
_UNTITLED: Mapping[str, tuple[str, Sequence[str]]] = {
    "scopes": ("partner", ("properties", "scopes", "items")),
    "role": ("certificate", ("properties", "role")),
    "call": ("delivery", ("$defs", "part", "properties", "attempt", "properties", "call")),
    "separator": ("mapping", ("$defs", "source", "properties", "separator")),
    "kit_role": ("case", ("$defs", "roles", "items")),
    "kit_kind": ("case", ("$defs", "kind")),
    "kit_gzip": ("case", ("$defs", "call", "properties", "gzip")),
    "kit_order": ("case", ("$defs", "order", "properties", "order")),
}
"""As ``CLOSED_LISTS``; these have no texts in the reference."""


@cache
def _plain_lists() -> Mapping[str, tuple[str, ...]]:
    decided = tuple(value for value in closed_list("verdict") if value != "pending")
    return {
        **{name: tuple(values) for name, values in read_json("lists.json").items()},
        "decided": decided,
        "counted": (decided[0], "withdrawn", *decided[1:], "refused"),
        "current_delivery": tuple(value for value in closed_list("delivery") if value != "dead"),
    }


@cache
def closed_list(name: str) -> tuple[str, ...]:
    """The values of a closed list in the schema's order. Raises KeyError."""
    if name not in CLOSED_LISTS and name not in _UNTITLED:
        return _plain_lists()[name]
    home, path = CLOSED_LISTS.get(name) or _UNTITLED[name]
    part = schema(home)
    for step in path:
        part = part[step]
    return tuple(part.get("enum") or part["examples"])


@cache
def words(name: str) -> Mapping[str, Mapping[str, str]]:
    """Value → its word within a sentence, by language. Raises ValueError naming the values without a word."""
    known = read_json("reference.json")["words"].get(name, {})
    if missing := [value for value in closed_list(name) if value not in known]:
        raise ValueError(f"schemas/reference.json, words: {name} has no word for {', '.join(missing)}")
    return {value: known[value] for value in closed_list(name)}


def for_each_value(texts: Any) -> Any:
    """Texts with an entry for each value in place of an entry with a list in braces."""
    if not isinstance(texts, Mapping):
        return texts
    entries: dict[str, Any] = {}
    for key, entry in texts.items():
        name = key.partition("{")[2].partition("}")[0]
        if name not in CLOSED_LISTS:
            entries[key] = for_each_value(entry)
            continue
        sign = f"{{{name}}}"
        entries |= {key.replace(sign, value): _worded(entry, sign, word, "") for value, word in words(name).items()}
    return entries


def _worded(entry: Any, sign: str, word: Mapping[str, str], language: str) -> Any:
    if isinstance(entry, Mapping):
        return {key: _worded(one, sign, word, key if key in word else language) for key, one in entry.items()}
    return entry.replace(sign, word[language]) if isinstance(entry, str) and language else entry
