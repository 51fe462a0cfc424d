"""Records of subscriber topics, for tests that write some."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from gateway.protocol.record import OfferState

UPSERT, REMOVAL = "fr.stages.offer.published.v1", "fr.stages.offer.withdrawn.v1"


@dataclass(frozen=True, slots=True)
class Event:
    """A record of a subscriber topic; ``partition`` is None where it follows from the offer's id, ``before`` are
    headers that come before the others, perhaps with the same names.
    """

    key: str
    value: Any
    headers: Mapping[str, str]
    partition: int | None = None
    before: tuple[tuple[str, str], ...] = ()

    @property
    def sequence(self) -> int:
        return int(self.headers["ce_sequence"])

    @property
    def is_removal(self) -> bool:
        return self.value is None

    @property
    def body(self) -> bytes | None:
        return None if self.value is None else orjson.dumps(self.value)

    def showing(self, **headers: str) -> "Event":
        """The same with other headers."""
        return replace(self, headers={**self.headers, **headers})

    def without(self, *names: str) -> "Event":
        """The same without some headers."""
        return replace(self, headers={name: text for name, text in self.headers.items() if name not in names})

    def giving(self, **members: Any) -> "Event":
        """The same with other members of the change document."""
        return replace(self, value={**self.value, **members})


@dataclass(slots=True)
class Past:
    """What the rewriter knows: its reader, the true events of each offer, this one last, and the state of each offer as
    it is on the gateway's log.
    """

    reader: str
    partitions: int
    events: dict[str, list[Event]] = field(default_factory=dict)
    offers: dict[str, OfferState] = field(default_factory=dict)

    def note(self, event: Event) -> None:
        self.events.setdefault(event.key, []).append(event)

    def partition(self, offer_id: str) -> int:
        return zlib.crc32(offer_id.encode()) % self.partitions


def upsert_of(state: OfferState) -> Event:
    """The record of a live offer with all that the log has of it."""
    sequence = str(state.known.sequence)
    change = {
        "op": "upsert",
        "id": state.id,
        "sequence": state.known.sequence,
        "offer": state.offer,
        "territory": state.territory,
        "provenance": state.known.provenance,
    }
    return Event(state.id, change, {**_headers(state.id, sequence), "ce_type": UPSERT})


def removal_of(state: OfferState, reason: str) -> Event:
    sequence = str(state.known.sequence)
    return Event(state.id, None, {**_headers(state.id, sequence), "ce_type": REMOVAL, "ce_reason": reason})


def _headers(offer_id: str, sequence: str) -> Mapping[str, str]:
    return {
        "ce_specversion": "1.0",
        "ce_id": f"{offer_id}:{sequence}",
        "ce_source": "urn:fr:stages:passerelle",
        "ce_subject": offer_id,
        "ce_time": "2026-12-01T00:00:00.000Z",
        "ce_dataschema": "urn:fr:stages:schema:change:1",
        "ce_sequence": sequence,
        "content-type": "application/json",
    }
