"""The seal of the journal: number and digest of its last entry, under the gateway's secret. Pure.

A process that can write to the log can compute the chain again from any entry on. Without the secret it cannot make the
seal, which is stored on ``positions``, in the transaction of its entry.
"""

from dataclasses import dataclass
from typing import NamedTuple

import orjson

from gateway.protocol.journal import GENESIS, PARTITION, Chain
from gateway.protocol.record import Record, position_key
from gateway.protocol.seal import Seal, sealed_members
from gateway.protocol.topic import JOURNAL

SEAL = f"{JOURNAL}.seal"
"""The name of the seal on ``positions``."""
SEAL_KEY = position_key(SEAL, PARTITION)


class KnownEntry(NamedTuple):
    """An entry noted outside the gateway: it vouches for all entries up to it."""

    number: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedEnd:
    """The last entry: its number, the digest of its bytes, and its time in ms. ``since`` is the first entry
    under an unbroken series of seals: no seal of this secret covers the entries before it.
    """

    number: int = 0
    digest: str = GENESIS
    at: int = 0
    since: int = 1

    def precedes(self, chain: Chain) -> bool:
        """Whether this is the end of a chain; of one without retained entries the number alone is known."""
        return self.number == chain.number and (chain.first is None or self.digest == chain.digest)


def journal_seal(secret: bytes) -> Seal:
    """The seal of a gateway with this secret."""
    return Seal(secret, purpose="journal")


def sealed_record(seal: Seal, end: SealedEnd) -> Record:
    """A record of ``positions``."""
    return Record(SEAL_KEY, seal.close(orjson.dumps([end.number, end.digest, end.at, end.since])).encode())


def read_sealed(seal: Seal, value: bytes | None) -> SealedEnd | None:
    """The inverse of ``sealed_record``; None for a value that was not sealed under this secret."""
    payload = seal.open((value or b"").decode("ascii", "replace"))
    members = None if payload is None else sealed_members(payload, int, str, int, int)
    if members is None:
        return None
    number, digest, at, since = members
    return SealedEnd(number=number, digest=digest, at=at, since=since)


def read_known(text: str) -> KnownEntry:
    """An entry as ``NUMBER:DIGEST``. Raises ValueError."""
    number, _, digest = text.partition(":")
    if len(digest) != len(GENESIS) or int(digest, 16) < 0:
        raise ValueError("the digest has 64 hexadecimal digits")
    return KnownEntry(int(number), digest.lower())
