"""Events: the change that a record of a subscriber topic holds, and what is wrong with the record (RTE-010). Pure."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from conformance.model.result import Deviation
from conformance.script.matcher import mismatches
from conformance.words import Texts, joined, plain, say

_UPSERT, _REMOVAL = "fr.stages.offer.published.v1", "fr.stages.offer.withdrawn.v1"
_INSTANT = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$"


@dataclass(frozen=True, slots=True)
class TopicRecord:
    """One record of a subscriber topic; ``value`` is None for a removal."""

    partition: int
    key: str
    value: bytes | None
    headers: Mapping[str, str]

    @property
    def text(self) -> str:
        """Key, headers and value, whatever the spelling of its JSON."""
        headers = orjson.dumps(dict(self.headers)).decode()
        return f"{self.key} {headers} {orjson.dumps(_decoded(self.value or b'null')).decode()}"


def read_event(
    record: TopicRecord, *, partitions: int, location: Texts
) -> tuple[Mapping[str, Any] | None, list[Deviation]]:
    """The change that a record holds (schema ``change``), None where it is none, and the findings on the record."""
    location = joined((location, plain(record.key)), " ")
    removes = record.value is None
    change = _removal(record) if record.value is None else _decoded(record.value)
    form = {"$schema": "change", "op": "removal" if removes else "upsert", "id": record.key}
    if wrong := mismatches(form, change, location):
        return None, wrong
    headers = _headers(change, _REMOVAL if removes else _UPSERT)
    wrong = mismatches(headers, record.headers, say("at-headers", location=location))
    right = zlib.crc32(record.key.encode()) % partitions
    if record.partition != right:  # IDN-004
        wrong.append(Deviation(location, say("partition", number=right), say("partition", number=record.partition)))
    return change, wrong


def _removal(record: TopicRecord) -> dict[str, Any]:
    """A removal as the changes feed writes it; what its headers lack is not in it."""
    sequence = record.headers.get("ce_sequence", "")
    members = {
        "sequence": int(sequence) if sequence.isascii() and sequence.isdecimal() else None,
        "reason": record.headers.get("ce_reason"),
    }
    return {"op": "removal", "id": record.key, **{name: value for name, value in members.items() if value is not None}}


def _decoded(value: bytes) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value.decode(errors="replace")


def _headers(change: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """The headers of CloudEvents 1.0 in binary mode, as the contract of the topics names them."""
    return {
        "ce_specversion": "1.0",
        "ce_id": f"{change['id']}:{change['sequence']}",
        "ce_source": "urn:fr:stages:passerelle",
        "ce_type": kind,
        "ce_subject": change["id"],
        "ce_time": {"$matches": _INSTANT},
        "ce_dataschema": "urn:fr:stages:schema:change:1",
        "ce_sequence": str(change["sequence"]),
    }
