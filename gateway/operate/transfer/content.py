"""The content of an export by topic, and the form in which a record leaves a log and enters another. Pure.

``MOVED`` and ``LEFT`` together name every topic of a log. A record stays as it is but for two members: a position of
``submissions``, which means nothing on another log, and, unless asked for, the partners' secrets. Entries of the
journal keep their very bytes, of which the next entry holds the digest.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import orjson

from gateway.partners.record import partner_document, read_partner
from gateway.protocol.contact import read_contact
from gateway.protocol.delivery import is_delivery, read_delivery
from gateway.protocol.identity import is_offer_id, is_slug, partition_of
from gateway.protocol.join_request import read_request
from gateway.protocol.journal import PARTITION, read_entry, read_name
from gateway.protocol.record import Record, read_offer
from gateway.protocol.release import activated_release, is_activation, read_activation
from gateway.protocol.source_run import read_run
from gateway.protocol.statistics import read_counts
from gateway.protocol.submission import REASONS
from gateway.protocol.topic import (
    CONTACTS,
    DELIVERIES,
    JOINING,
    JOURNAL,
    NOTICES,
    OFFERS,
    OPERATORS,
    PARTNERS,
    POSITIONS,
    PUSHES,
    RECEIPTS,
    REJECTED,
    RELEASES,
    REQUESTS,
    RUNS,
    STATISTICS,
    SUBMISSIONS,
    SUBSCRIPTIONS,
)

BEFORE_ALL = -1
"""The position of an imported offer: before every submission of its new log, hence before every snapshot's mark."""
_IDENTITY = b"identity/"
"""Keys of ``deliveries`` that bind an account's name to its identity at the national site."""
_NUMBERS = 2**63


@dataclass(frozen=True, slots=True)
class TopicContent:
    """One topic in an export, as the member ``{topic}.ndjson``.

    ``holds``: whether a key belongs to it. ``partition``: of a key, in a log with so many. ``admit``: a record as every
    log admits it; raises ValueError, LookupError, TypeError or AttributeError on one that the gateway did not write.
    ``every``: every record counts, not only the last one of each key. ``asked``: only a file that was to hold it does.
    ``later``: files of earlier versions lack it.
    """

    topic: str
    admit: Callable[[Record], Record]
    holds: Callable[[bytes], bool] = lambda _: True
    partition: Callable[[str, int], int] = partition_of
    every: bool = False
    asked: bool = False
    later: bool = False

    @property
    def member(self) -> str:
        """The name of its member."""
        return f"{self.topic}.ndjson"


def without_secrets(value: bytes) -> bytes:
    """A partner's record without secrets, nonces and sessions, and without members of later versions, which may be
    secret.
    """
    return orjson.dumps(partner_document(replace(read_partner(value), secrets=(), nonces=(), sessions=())))


def _offer(record: Record) -> Record:
    key, value = _parts(record)
    _require(is_offer_id(key.decode()), "its key is no offer's id")
    state = read_offer(key, value)
    known = state.known
    numbers = (known.revision, known.sequence, known.appended_at)
    _require(all(type(one) is int and 0 <= one < _NUMBERS for one in numbers), "a number is missing or out of range")
    _require(len(bytes.fromhex(known.digest)) > 0, "its digest is no digest")
    names = (*known.provenance, *known.shared, *known.never)
    _require(all(one.split() == [one] for one in names), "a platform or an audience has no name")
    _require(known.reason is None or known.reason in REASONS, "its reason is not known")
    _require((state.offer is None) == (known.reason is not None), "it is neither live nor withdrawn")
    if state.offer is not None:
        _require(state.offer["id"] == key.decode(), "it is another offer than its key says")
        _require(isinstance(state.territory, dict), "it has no territory")
        _require(isinstance(known.expires_on, str), "it has no end")
    body = orjson.loads(value)
    body["position"] = BEFORE_ALL
    return Record(key, orjson.dumps(body), record.headers)


def _partner(record: Record) -> Record:
    key, value = _parts(record)
    _require(is_slug(key.decode()) and read_partner(value).platform == key.decode(), "it is another partner's")
    return record


def _delivery(record: Record) -> Record:
    key, value = _parts(record)
    if is_delivery(key):
        _require(is_offer_id(key.decode()), "its key is no offer's id")
        read_delivery(key, value)
    else:
        _require(key.startswith(_IDENTITY) and isinstance(orjson.loads(value)["identity"], str), "it is no delivery")
    return record


def _run(record: Record) -> Record:
    key, value = _parts(record)
    _require(is_slug(key.decode().partition("/")[0]), "its key is no platform's")
    read_run(key, value)
    return record


def _count(record: Record) -> Record:
    key, value = _parts(record)
    read_counts(key, value)
    return record


def _entry(record: Record) -> Record:
    key, value = _parts(record)
    entry = read_entry(value)
    _require(0 < entry.number < _NUMBERS and key == str(entry.number).encode(), "its key is not its number")
    _require(orjson.dumps(orjson.loads(value)) == value, "its bytes are not those that a digest is of")
    texts = (entry.person, entry.client, entry.why)
    _require(all(one is None or isinstance(one, str) for one in texts), "a member is no text")
    _require(isinstance(entry.details, dict) and isinstance(entry.failed, int | None), "a member has another form")
    return record


def _name(record: Record) -> Record:
    key, value = _parts(record)
    _require(read_name(value).pseudonym.encode() == key, "its key is not the pseudonym of its name")
    return record


def _contact(record: Record) -> Record:
    read_contact(*_parts(record))
    return record


def _request(record: Record) -> Record:
    read_request(*_parts(record))
    return record


def _activation(record: Record) -> Record:
    key, value = _parts(record)
    read_activation(activated_release(key), value)
    return record


def _on_one_partition(_key: str, _partitions: int) -> int:
    return PARTITION


def _parts(record: Record) -> tuple[bytes, bytes]:
    if not record.key or record.value is None or not isinstance(orjson.loads(record.value), dict):
        raise ValueError("it has no key, or its value is no object")
    return record.key, record.value


def _require(condition: bool, fault: str) -> None:  # noqa: FBT001  # reads as a sentence
    if not condition:
        raise ValueError(fault)


MOVED: tuple[TopicContent, ...] = (
    TopicContent(PARTNERS, _partner),
    TopicContent(OFFERS, _offer),
    TopicContent(
        DELIVERIES,
        _delivery,
        holds=lambda key: is_delivery(key) or key.startswith(_IDENTITY),
        partition=lambda key, partitions: partition_of(key.partition("/")[2] or key, partitions),
    ),
    TopicContent(
        RUNS,
        _run,
        holds=lambda key: not key.endswith((b"/turn", b"/order")),
        partition=lambda key, partitions: partition_of(key.partition("/")[0], partitions),
    ),
    TopicContent(STATISTICS, _count, every=True),
    TopicContent(JOURNAL, _entry, partition=_on_one_partition, every=True),
    TopicContent(OPERATORS, _name, partition=_on_one_partition),
    TopicContent(CONTACTS, _contact, partition=_on_one_partition, asked=True),
    TopicContent(JOINING, _request, partition=_on_one_partition, asked=True),
    TopicContent(RELEASES, _activation, holds=is_activation, partition=_on_one_partition, later=True),
)
"""The topics of an export, in the order of its members. Left out of ``deliveries`` and ``runs`` are orders and their
answers, notes that a connector writes again, and marks of ownership; of ``releases`` the replicas."""

LEFT: Mapping[str, str] = {
    SUBMISSIONS: "all are decided: the outcome of each is in offers",
    RECEIPTS: "kept for 30 days, under ids that are sealed for one gateway and one log",
    REJECTED: "copies of refused inbox messages, for the operator of this log",
    REQUESTS: "idempotency keys of two days; a repeated submission has the same revision and changes nothing",
    NOTICES: "what was sent, or is due, of the last 30 days; facts that still hold become due again",
    POSITIONS: "offsets of this log; the manifest has the numbers of marks and of the journal",
    SUBSCRIPTIONS: "urls are credentials, positions are of this log; each platform sets its subscriptions again",
    PUSHES: "kept for 30 days, about subscriptions that are left out",
}
"""The topics that an export leaves out, and why. ``inbox.*`` are read before, ``feed.*`` are written again."""
