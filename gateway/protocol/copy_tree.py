"""The tree of digests by which a reader's copy of the changes feed is compared with the gateway's (DIG-*). Pure."""

from collections import defaultdict
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from gateway.protocol.digest import canonical

_NODES = 256
_HEX = 64
_PREFIX = 2
"""Bytes of the digest of an id that name its leaf; hex digits of the path of an inner node."""


def line_end(sequence: int, offer: Mapping[str, Any]) -> str:
    """A line without the id: the sequence, and the digest of the offer as its readers are shown it (DIG-002)."""
    return f"{sequence} {_digest(canonical(dict(offer)))}"


class CopyTree:
    """A copy of one reader's feed, without its texts: for each offer a line with id, sequence and digest, under the log
    offset of its record, in one of 65,536 leaves. ``settle`` computes the digests of the leaves that have changed.
    """

    def __init__(self) -> None:
        self._lines: dict[int, bytes] = {}
        self._lines_of: defaultdict[int, list[bytes]] = defaultdict(list)
        """The same lines by leaf."""
        self._leaves = bytearray(_digest(b"").encode() * _NODES * _NODES)
        self._touched: set[int] = set()

    def __len__(self) -> int:
        return len(self._lines)

    def put(self, lines: Mapping[int, bytes]) -> None:
        """Add the lines of offers, by log offset."""
        self._lines |= lines
        for line in lines.values():
            leaf = _leaf_of(line)
            self._lines_of[leaf].append(line)
            self._touched.add(leaf)

    def drop(self, log_offset: int) -> None:
        """Remove the line of a log offset, if it has one."""
        if (line := self._lines.pop(log_offset, None)) is not None:
            leaf = _leaf_of(line)
            self._lines_of[leaf].remove(line)
            self._touched.add(leaf)

    def settle(self, most: int) -> bool:
        """Compute the digests of up to so many changed leaves; whether some are left."""
        for _ in range(min(most, len(self._touched))):
            leaf = self._touched.pop()
            self._leaves[leaf * _HEX : (leaf + 1) * _HEX] = _digest(b"".join(self._sorted(leaf))).encode()
        return bool(self._touched)

    def node(self, path: str) -> dict[str, Any]:
        """The digest of a settled node and its content: the digests of its children, or the items of a leaf. The path
        is empty for the root, two hex digits for an inner node, four for a leaf.
        """
        if len(path) > _PREFIX:
            lines = self._sorted(int(path, 16))
            return {"digest": _digest(b"".join(lines)), "items": [_item(line) for line in lines]}
        children = [self._inner(number) for number in range(_NODES)] if not path else self._leaves_of(int(path, 16))
        return {"digest": _digest("".join(children).encode()), "children": children}

    def _sorted(self, leaf: int) -> list[bytes]:
        """The space after an id is below every character of one."""
        return sorted(self._lines_of.get(leaf, ()))

    def _inner(self, number: int) -> str:
        return _digest(self._leaves[number * _NODES * _HEX : (number + 1) * _NODES * _HEX])

    def _leaves_of(self, number: int) -> list[str]:
        first = number * _NODES * _HEX
        return [self._leaves[at : at + _HEX].decode() for at in range(first, first + _NODES * _HEX, _HEX)]


def _digest(text: bytes | bytearray) -> str:
    return sha256(text).hexdigest()


def _leaf_of(line: bytes) -> int:
    return int.from_bytes(sha256(line[: line.index(b" ")]).digest()[:_PREFIX])


def _item(line: bytes) -> dict[str, Any]:
    offer_id, sequence, digest = line.decode().split()
    return {"id": offer_id, "sequence": int(sequence), "digest": digest}
