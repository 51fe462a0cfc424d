"""Releases of the schema on the log: which of them each replica knows, and from which day each one holds. Pure.

The topic ``releases`` has two kinds of record. ``replica/{id}``: the releases that a replica knows, written each
minute; the log's time of the record is when it was seen, or that of a later record where it is less: nothing was
written after what follows it, however the log's clock was set. ``activation/{release}``: the first day of receipt of
its fields.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import orjson

from gateway.protocol.paris_time import paris_date, paris_midnight
from gateway.protocol.record import Record, StoredRecord, read_utc, utc
from gateway.protocol.topic import DAY_MS

PARTITION = 0
"""The partition of ``releases`` that holds everything."""
LEAD_DAYS = 2
"""The earliest day of an activation, counted from the day of the act."""
SEEN_MS = 3_600_000
"""For so long a replica that was seen can still take offers."""
_ACTIVATION, _REPLICA = "activation", "replica"


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """The activation of a release: ``begins`` is the first day of receipt of its ``fields`` (dotted
    paths, for a value of a list with the value after a colon). ``entry``
    is the journal's number of the act, which has who did it; ``at`` its time in ms.
    """

    release: str
    begins: date
    fields: tuple[str, ...]
    entry: int
    at: int

    def is_near(self, now: int) -> bool:
        """Whether only one day is left, or none: a replica that does not know the release takes no more offers."""
        return now >= paris_midnight(self.begins - timedelta(days=1))

    def has_begun(self, now: int) -> bool:
        """Whether its fields hold."""
        return self.begins.isoformat() <= paris_date(now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """A replica: the releases that it ``knows``, and when it was last seen, in ms."""

    id: str
    knows: frozenset[str]
    seen_at: int


@dataclass(frozen=True, slots=True)
class ReleaseTopic:
    """The topic: activations by release, replicas by id. ``days`` is what a verdict takes of it; ``at`` is the time
    of its last record, against which replicas are judged.
    """

    activations: Mapping[str, Activation] = field(default_factory=dict)
    replicas: Mapping[str, Replica] = field(default_factory=dict)
    days: Mapping[str, date] = field(default_factory=dict)
    at: int = 0

    def lacking(self, release: str) -> list[Replica]:
        """The replicas that can still take offers and do not know a release."""
        return [one for one in self.replicas.values() if release not in one.knows and one.seen_at > self.at - SEEN_MS]

    def forgotten(self) -> list[str]:
        """The ids of the replicas that were not seen for a day."""
        return [one.id for one in self.replicas.values() if one.seen_at <= self.at - DAY_MS]

    def unknown(self, knows: Iterable[str]) -> Activation | None:
        """The first activation of a release that is not among these."""
        others = (one for one in self.activations.values() if one.release not in {*knows})
        return min(others, key=lambda one: one.begins, default=None)


def earliest_day(now: int) -> date:
    """The first day that an activation may name."""
    return date.fromisoformat(paris_date(now)) + timedelta(days=LEAD_DAYS)


def read_day(text: object) -> date | None:
    """A day as people and clients write it (``2027-09-01``); None for anything else."""
    try:
        found = date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is not None and found.isoformat() == text else None


def fold_releases(topic: ReleaseTopic, records: Sequence[StoredRecord]) -> ReleaseTopic:
    """The topic after more records. An unreadable one is none: a later version may have written it."""
    if not records:
        return topic
    activations, replicas, at = dict(topic.activations), dict(topic.replicas), topic.at
    for record in records:
        if record.appended_at < at:
            replicas = {
                name: replace(one, seen_at=min(one.seen_at, record.appended_at)) for name, one in replicas.items()
            }
        at = record.appended_at
        kind, _, name = (record.key or b"").decode(errors="replace").partition("/")
        if kind == _ACTIVATION:
            activations.pop(name, None)
        elif kind == _REPLICA:
            replicas.pop(name, None)
        if record.value is not None:
            with suppress(ValueError):
                if kind == _ACTIVATION:
                    activations[name] = read_activation(name, record.value)
                elif kind == _REPLICA:
                    replicas[name] = _read_replica(name, record)
    return ReleaseTopic(activations, replicas, {name: one.begins for name, one in activations.items()}, at)


def activation_record(activation: Activation) -> Record:
    """An activation as a record."""
    body = {
        "from": activation.begins.isoformat(),
        "fields": activation.fields,
        "entry": activation.entry,
        "at": utc(activation.at),
    }
    return Record(activation_key(activation.release), orjson.dumps(body))


def activation_key(release: str) -> bytes:
    """The key of a release's activation; its tombstone takes the activation back."""
    return f"{_ACTIVATION}/{release}".encode()


def is_activation(key: bytes) -> bool:
    """Whether a key is that of an activation."""
    return key.startswith(f"{_ACTIVATION}/".encode())


def activated_release(key: bytes) -> str:
    """The release of the key of an activation."""
    return key.decode().partition("/")[2]


def read_activation(release: str, value: bytes) -> Activation:
    """The inverse of ``activation_record``. Raises ValueError on a value that the gateway did not write."""
    try:
        body = orjson.loads(value)
        return Activation(
            release=release,
            begins=date.fromisoformat(body["from"]),
            fields=tuple(map(str, body["fields"])),
            entry=int(body["entry"]),
            at=read_utc(body["at"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"an activation with other members: {error}") from error


def replica_record(replica: str, knows: Iterable[str]) -> Record:
    """The announcement of a replica."""
    return Record(_replica_key(replica), orjson.dumps({"knows": sorted(knows)}))


def forgotten_record(replica: str) -> Record:
    """The tombstone that erases a replica."""
    return Record(_replica_key(replica), None)


def _replica_key(replica: str) -> bytes:
    return f"{_REPLICA}/{replica}".encode()


def _read_replica(name: str, record: StoredRecord) -> Replica:
    try:
        knows = frozenset(map(str, orjson.loads(record.value or b"")["knows"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"a replica with other members: {error}") from error
    return Replica(id=name, knows=knows, seen_at=record.appended_at)
