"""The tree of digests by which a reader's copy of the changes feed is compared with the gateway's (DIG-*). Pure."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from gateway.protocol.digest import canonical

_NODES = 256
_HEX = 64
_PREFIX = 2
"""Bytes of the digest of an id that name its leaf; hex digits of the path of an inner node."""


class CopyTree:
    """A copy of one reader's feed, without its texts: for each offer a line with id, sequence and digest, in one of
    65,536 leaves, sorted by id. ``settle`` computes the digests of the leaves that changes have touched.
    """

    def __init__(self) -> None:
        self.size = 0
        """The number of offers."""
        self._lines: dict[int, list[bytes]] = {}
        self._leaves = bytearray(_digest(b"").encode() * _NODES * _NODES)
        self._touched: set[int] = set()

    def apply(self, changes: Iterable[Mapping[str, Any]]) -> None:
        """Apply changes as a reader does."""
        for change in changes:
            key = change["id"].encode()
            leaf = int.from_bytes(sha256(key).digest()[:_PREFIX], "big")
            lines = self._lines.setdefault(leaf, [])
            begins = key + b" "  # below every character of an id: the lines are in the order of their ids
            at = bisect_left(lines, begins)
            known = at < len(lines) and lines[at].startswith(begins)
            now = [_line(change)] if change["op"] == "upsert" else []
            lines[at : at + known] = now
            self.size += len(now) - known
            self._touched.add(leaf)

    def settle(self, most: int) -> bool:
        """Compute the digests of up to so many touched leaves; whether some are left."""
        for _ in range(min(most, len(self._touched))):
            leaf = self._touched.pop()
            text = b"".join(self._lines[leaf])
            self._leaves[leaf * _HEX : (leaf + 1) * _HEX] = _digest(text).encode()
        return bool(self._touched)

    def node(self, path: str) -> dict[str, Any]:
        """The digest of a settled node and its content: the digests of its children, or the items of a leaf. The path
        is empty for the root, two hex digits for an inner node, four for a leaf.
        """
        if len(path) > _PREFIX:
            lines = self._lines.get(int(path, 16), [])
            return {"digest": _digest(b"".join(lines)), "items": [_item(line) for line in lines]}
        children = [self._inner(number) for number in range(_NODES)] if not path else self._leaves_of(int(path, 16))
        return {"digest": _digest("".join(children).encode()), "children": children}

    def _inner(self, number: int) -> str:
        return _digest(self._leaves[number * _NODES * _HEX : (number + 1) * _NODES * _HEX])

    def _leaves_of(self, number: int) -> list[str]:
        first = number * _NODES * _HEX
        return [self._leaves[at : at + _HEX].decode() for at in range(first, first + _NODES * _HEX, _HEX)]


def _digest(text: bytes | bytearray) -> str:
    return sha256(text).hexdigest()


def _line(change: Mapping[str, Any]) -> bytes:
    return f"{change['id']} {change['sequence']} {_digest(canonical(change['offer']))}\n".encode()


def _item(line: bytes) -> dict[str, Any]:
    offer_id, sequence, digest = line.decode().split()
    return {"id": offer_id, "sequence": int(sequence), "digest": digest}
