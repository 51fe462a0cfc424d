"""A topic of offers for tests of views: records as the relay writes them, on partitions whose offsets have gaps."""

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.log.port import Chunk
from gateway.protocol.identity import partition_of, platform_of
from gateway.protocol.record import OfferState, Record, StoredRecord, offer_record, read_utc
from gateway.protocol.submission import Known
from gateway.protocol.visibility import audiences

PARTITIONS = 3
LOG = "6f3f0a52-0000-4000-8000-000000000001"
START = 1_800_000_000_000

DEPARTMENTS = {"35": "53", "22": "53", "75": "11", "59": "32", "2A": "94", "2B": "94", "974": "04", "975": "975"}


def offer_of(offer_id: str, **wishes: Any) -> dict[str, Any]:
    """A whole offer. ``employer`` and ``location`` are merged into the usual ones."""
    offer: dict[str, Any] = {
        "id": offer_id,
        "revision": 1,
        "title": "Observer le travail d'une menuiserie",
        "description": "Découverte de l'atelier.\nVisite des chantiers.",
        "employer": {"name": "Menuiserie Le Goff", "siret": "73282932000074", "website": "https://legoff.example"},
        "location": {"street": "1 rue du Port", "postal_code": "35000", "city": "Rennes"},
        "levels": ["seconde"],
        "weeks": ["2027-W24", "2027-W25"],
        "stay_weeks": 2,
        "sector": "s12",
        "apply_url": f"https://stages.example/{offer_id.partition(':')[2]}",
        "expires_on": "2027-06-27",
    }
    employer, location = wishes.pop("employer", {}), wishes.pop("location", {})
    offer |= wishes
    offer["employer"] = offer["employer"] | employer
    offer["location"] = offer["location"] | location
    return offer


class OfferTopic:
    """The topic ``offers``, complete; ``shared`` grows as by the relay."""

    def __init__(self, partitions: int = PARTITIONS) -> None:
        self.partitions = partitions
        self.lanes: list[list[StoredRecord]] = [[] for _ in range(partitions)]
        self.ends = [0] * partitions
        self.states: dict[str, OfferState] = {}
        self._sequence = START
        self._handed = [0] * partitions

    def publish(
        self,
        offer: Mapping[str, Any],
        *,
        department: str = "35",
        passed: tuple[str, ...] = (),
        gap: int = 0,
        at: int = 0,
        warned: tuple[str, ...] = (),
    ) -> OfferState:
        """Put a live offer on the log; ``gap`` offsets before it are burnt, ``at`` is its submissions offset."""
        offer_id = offer["id"]
        known = self._known(offer_id, at=at, passed=passed, shared=audiences(offer), expires_on=offer["expires_on"])
        territory = {"department": department, "region": DEPARTMENTS[department], "academie": "rennes"}
        return self._put(OfferState(offer_id, known, offer, territory, warned=warned), gap)

    def withdraw(self, offer_id: str, reason: str = "filled", *, gap: int = 0) -> OfferState:
        """Put a marker on the log."""
        return self._put(OfferState(offer_id, self._known(offer_id, reason=reason)), gap)

    def forget(self, offer_id: str, *, gap: int = 0) -> None:
        """Put a tombstone on the log."""
        self.states.pop(offer_id, None)
        self._append(Record(offer_id.encode(), None), gap)

    def chunks(self) -> list[Chunk]:
        """New records since the last call, as a reader returns them."""
        fresh = [
            Chunk("offers", p, self.lanes[p][self._handed[p] :], self.ends[p])
            for p in range(self.partitions)
            if self._handed[p] < len(self.lanes[p])
        ]
        self._handed = [len(lane) for lane in self.lanes]
        return fresh

    def rewind(self) -> None:
        """The next ``chunks`` returns everything again, as compacted: the last record of each id."""
        for partition, lane in enumerate(self.lanes):
            last = {record.key: record.offset for record in lane}
            self.lanes[partition] = [record for record in lane if last[record.key] == record.offset]
        self._handed = [0] * self.partitions

    def _known(
        self,
        offer_id: str,
        *,
        at: int = 0,
        passed: tuple[str, ...] = (),
        shared: frozenset[str] = frozenset(),
        reason: Any = None,
        expires_on: str | None = None,
    ) -> Known:
        before = self.states.get(offer_id)
        self._sequence += 1
        provenance = before.known.provenance if reason and before else (platform_of(offer_id), *passed)
        never = frozenset(provenance)
        return Known(
            revision=before.known.revision + 1 if before else 1,
            digest="0" * 64,
            sequence=self._sequence,
            position=at,
            appended_at=self._sequence,
            reason=reason,
            expires_on=expires_on,
            provenance=provenance,
            shared=shared | (before.known.shared if before else frozenset()),
            never=never & before.known.never if before and before.known.shared else never,
        )

    def _put(self, state: OfferState, gap: int) -> OfferState:
        self.states[state.id] = state
        self._append(offer_record(state), gap)
        return state

    def _append(self, record: Record, gap: int) -> None:
        partition = partition_of((record.key or b"").decode(), self.partitions)
        offset = self.ends[partition] + gap
        self.lanes[partition].append(StoredRecord(offset, self._sequence, record.key, record.value, record.headers))
        self.ends[partition] = offset + 2  # a commit burns an offset


def receipt_record(receipt: str, offer_id: str, publisher: str, *, second: int = 0, **more: Any) -> Record:
    """A record of ``receipts``."""
    body = {
        "receipt": receipt,
        "id": offer_id,
        "publisher": publisher,
        "verdict": "accepted",
        "position": "submissions/0/0",
        "at": f"2027-01-15T08:00:{second:02}.000Z",
        "schema_version": "1.0",
        "rules_version": "2026.11",
        "problems": [],
        **more,
    }
    return Record(offer_id.encode(), orjson.dumps(body))


def decided_at(record: Record) -> int:
    """The append time of a receipt (ms) that was decided as soon as its submission was on the log."""
    return read_utc(orjson.loads(record.value or b"")["at"])
