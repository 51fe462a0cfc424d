"""Distinct refused offers: of each day, platform, verdict and rule a bounded set of keyed hashes. Pure.

An offer that is sent again is refused again; these sets say how many offers the refusals of a platform are. The name of
an offer is the id under which it was sent, or its index in an upload; only its hash is kept (PUB-003).
"""

from base64 import b64decode, b64encode
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from gateway.protocol.seal import Seal

REFUSED = ("refused", "rejected")
"""The verdicts whose distinct offers are known."""
MAX_OFFERS = 10_000
"""Of one day, platform, verdict and rule."""
MAX_NAMES = 40_000
"""Of one record: with them it stays below the megabyte that a broker takes."""
MORE = bytes(8)
"""In a set: it lacks further offers."""
_FURTHER = ""


def refused_offer_seal(secret: bytes) -> Seal:
    """The seal of these hashes."""
    return Seal(secret, purpose="refused offer")


class OfferCell(NamedTuple):
    """Refusals whose distinct offers are counted together. ``day`` is an ISO date in Europe/Paris."""

    day: str
    platform: str
    verdict: str
    rule: str


class RefusedOffers:
    """Names in memory, by cell; bounded by ``MAX_OFFERS`` and ``MAX_NAMES``."""

    def __init__(self) -> None:
        self._names: dict[OfferCell, set[str]] = {}
        self._room = MAX_NAMES

    def add(self, cell: OfferCell, name: str) -> None:
        """Add an offer to a cell; one that finds no room is noted as further ones."""
        names = self._names.setdefault(cell, set())
        if name in names:
            return
        full = len(names) >= MAX_OFFERS or self._room <= 0
        self._room -= not full
        names.add(_FURTHER if full else name)

    def put(self, cell: OfferCell, names: Collection[str]) -> None:
        """Add the offers of another ``take`` to a cell."""
        for name in names:
            self.add(cell, name)

    def take(self) -> Mapping[OfferCell, Collection[str]]:
        """The names so far, and begin with none."""
        names, self._names, self._room = self._names, {}, MAX_NAMES
        return names


def offer_hashes(names: Mapping[OfferCell, Collection[str]], seal: Seal) -> Mapping[OfferCell, Collection[bytes]]:
    """The hashes of the names (8 bytes each): the same for an offer of a platform in every process of the gateway."""
    return {
        cell: {_hash(cell.platform, name, seal) if name else MORE for name in found} for cell, found in names.items()
    }


def _hash(platform: str, name: str, seal: Seal) -> bytes:
    return seal.mac(f"{platform}\n{name}".encode())[:8]


def offers_body(cells: Mapping[OfferCell, Collection[bytes]]) -> dict[str, Any]:
    """The member ``offers`` of a record: by day, platform, verdict and rule the hashes, joined, in base64."""
    tree: dict[str, Any] = {}
    for cell, hashes in cells.items():
        branch = tree
        for name in cell[:-1]:
            branch = branch.setdefault(name, {})
        branch[cell.rule] = b64encode(b"".join(sorted(hashes))).decode()
    return tree


def read_offers(tree: Any) -> Iterator[tuple[OfferCell, Collection[bytes]]]:
    """The inverse of ``offers_body``; none for a record without the member."""
    for day, platforms in (tree or {}).items():
        for platform, verdicts in platforms.items():
            for verdict, rules in verdicts.items():
                for rule, text in rules.items():
                    whole = b64decode(text)
                    hashes = {whole[at : at + 8] for at in range(0, len(whole), 8)}
                    yield OfferCell(day, platform, verdict, rule), hashes
