"""Compare a copy with the gateway's, and mend it (DIG-001 to DIG-004).

Both compute the same tree of SHA-256 digests, whose 65,536 leaves have a line ``id sequence digest`` for each offer:
equal roots mean equal copies; else three requests find each difference.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from passerelle_client.connection import Connection
from passerelle_client.errors import RefusedError, say
from passerelle_client.follow import follow
from passerelle_client.page import Change, Page
from passerelle_client.store import Store

_MAX_INNER = 128
"""Inner nodes that differ; beyond them the feed is read again at once."""
_DIGITS = [f"{number:02x}" for number in range(256)]


def compare(connection: Connection, store: Store, *, filters: Mapping[str, str] | None = None) -> list[str]:
    """Read the feed to its end and compare; the ids of the offers that differed, none for an equal copy. Where some do,
    a new generation is read from the start, beside the old copy. Raises ClientError and errors of the database.
    """
    wanted = dict(filters or {})
    follow(connection, store, filters=wanted, once=True)
    reading = _Reading(connection, store, wanted)
    inner = list(reading.different(""))
    if not inner:
        return []
    found = []
    if len(inner) <= _MAX_INNER:
        leaves = [leaf for node in inner for leaf in reading.different(node)]
        found = [offer_id for leaf in leaves for offer_id in reading.different_lines(leaf)]
        if not found:  # a page that came meanwhile has mended it
            return []
    before = reading.lines()
    store.restart(store.position(reading.text))
    follow(connection, store, filters=wanted, once=True)
    return found or sorted(dict(before.items() ^ _Reading(connection, store, wanted).lines().items()))


class _Reading:
    """Nodes of the gateway beside those of the copy, which applies the page of each answer before it is compared."""

    def __init__(self, connection: Connection, store: Store, filters: Mapping[str, str]) -> None:
        self._connection, self._store, self._filters = connection, store, filters
        self.text = json.dumps(filters, ensure_ascii=False, sort_keys=True)
        self._leaves: dict[str, dict[str, str]] = {}
        for offer_id, sequence, offer in store.offers():
            self._note(Change(offer_id, sequence, offer, {}))

    def different(self, path: str) -> Iterator[str]:
        """The children of a node that differ."""
        theirs = self._node(path)["children"]
        for digits, digest in zip(_DIGITS, theirs, strict=True):
            if digest != self._digest(path + digits):
                yield path + digits

    def different_lines(self, leaf: str) -> Iterator[str]:
        """The ids whose lines differ, or are on one side only."""
        theirs = {one["id"]: _line(one["id"], one["sequence"], one["digest"]) for one in self._node(leaf)["items"]}
        ours = self._lines(leaf)
        yield from (one for one in sorted(ours.keys() | theirs.keys()) if ours.get(one) != theirs.get(one))

    def _node(self, path: str) -> Mapping[str, Any]:
        params = {**self._filters, "limit": "500"} | ({"node": path} if path else {})
        while True:
            before = self._store.position(self.text)
            answer = self._connection.call("GET", "/v1/changes/digest", params={**params, "cursor": before.cursor})
            if not answer.ok:
                raise RefusedError(answer, say("doing-changes", self._connection.language), self._connection.language)
            page = Page.read(answer.body, self._connection.language)
            applied = self._store.apply(page, before)
            for change in page.changes if applied else ():
                self._note(change)
            if applied and not page.more:
                node: Mapping[str, Any] = answer.body
                return node

    def _digest(self, path: str) -> str:
        if len(path) == 4:
            return _sha256("".join(line for _, line in sorted(self._lines(path).items())))
        return _sha256("".join(self._digest(path + digits) for digits in _DIGITS))

    def lines(self) -> Mapping[str, str]:
        """The lines of the copy by their ids."""
        return {offer_id: line for lines in self._leaves.values() for offer_id, line in lines.items()}

    def _lines(self, leaf: str) -> Mapping[str, str]:
        return self._leaves.get(leaf, {})

    def _note(self, change: Change) -> None:
        """Follow a change that the copy has applied."""
        lines = self._leaves.setdefault(_sha256(change.id)[:4], {})
        lines.pop(change.id, None)
        if change.offer is not None:
            lines[change.id] = _line(change.id, change.sequence, _sha256(canonical(change.offer)))


def canonical(value: Any) -> str:
    """The RFC 8785 form of decoded JSON."""
    match value:
        case dict():
            members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be", "surrogatepass"))
            return "{" + ",".join(f"{canonical(name)}:{canonical(one)}" for name, one in members) + "}"
        case list():
            return "[" + ",".join(map(canonical, value)) + "]"
        case float():
            return _number(value)
    return json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    """A number as ECMAScript writes it."""
    if value == 0:
        return "0"
    if 1e-6 <= abs(value) < 1e21:
        text = f"{Decimal(repr(value)):f}"
        return text.removesuffix(".0")
    digits, _, exponent = repr(value).partition("e")
    return f"{digits.removesuffix('.0')}e{int(exponent):+d}"


def _line(offer_id: str, sequence: int, digest: str) -> str:
    return f"{offer_id} {sequence} {digest}\n"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
