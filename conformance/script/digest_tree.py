"""The tree of digests over a copy of the changes feed, as the protocol page has it (DIG-002, DIG-003). Pure."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import rfc8785

_WIDTH = 256
_LEAF = 4
"""Hexadecimal digits of the path of a leaf."""


def leaf_of(offer_id: str) -> str:
    """The path of the leaf of an offer."""
    return _digest(offer_id.encode())[:_LEAF]


def node_of(held: Mapping[str, Mapping[str, Any]], path: str) -> dict[str, Any]:
    """The digest of a node over these changes by id, and its ``children``, or for a leaf its ``items``."""
    below = sorted(name for name in held if leaf_of(name).startswith(path))
    if len(path) == _LEAF:
        items = [_item(held[name]) for name in below]
        lines = "".join(f"{item['id']} {item['sequence']} {item['digest']}\n" for item in items)
        return {"digest": _digest(lines.encode()), "items": items}
    known = {leaf_of(name)[: len(path) + 2] for name in below}
    empty = _EMPTY_LEAF if path else _EMPTY_NODE
    paths = [f"{path}{number:02x}" for number in range(_WIDTH)]
    children = [node_of(held, child)["digest"] if child in known else empty for child in paths]
    return {"digest": _digest("".join(children).encode()), "children": children}


def _item(change: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": change["id"], "sequence": change["sequence"], "digest": _digest(rfc8785.dumps(change["offer"]))}


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()


_EMPTY_LEAF = _digest(b"")
_EMPTY_NODE = _digest(_EMPTY_LEAF.encode() * _WIDTH)
