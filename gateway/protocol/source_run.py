"""Runs: the outcome of the last pull of a platform's source, as the compacted topic ``runs`` holds it. Pure.

A run's key is the slug. The key ``{slug}/order`` holds the operator's last order for an immediate run, ``{slug}/pause``
whether the operator has paused the source; a process of an earlier version ignores that key.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

import orjson

from gateway.protocol.record import Record
from gateway.protocol.value import from_members

Outcome: TypeAlias = Literal["applied", "partial", "unchanged", "pending", "failed"]
"""``applied``: the platform now publishes what its source has. ``partial``: the items were published and nothing was
withdrawn, because an offer may exist that the items do not show. ``unchanged``: the source equals the one applied
last. ``pending``: it would withdraw too much, and waits for confirmation. ``failed``: it was not fetched or not
readable. Only the first two change anything.
"""
SUCCESSES: frozenset[Outcome] = frozenset({"applied", "partial", "unchanged"})
DEFAULT_MINUTES = 60
"""Minutes from the start of one run to the start of the next, where a profile says nothing."""
NATIVE = "native"
"""The transport of a platform that publishes by itself."""
_ORDER = "/order"
_PAUSE = "/pause"


def period_ms(profile: Mapping[str, Any] | None) -> int | None:
    """Milliseconds from the start of one run to the start of the next, by a profile; None without a source to pull."""
    transport = (profile or {}).get("transport")
    if not isinstance(transport, dict) or transport.get("kind") == NATIVE:
        return None
    return int(transport.get("every_minutes", DEFAULT_MINUTES)) * 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The items of a source, each counted once: ``published`` are new or changed, ``unchanged`` are already published,
    ``refused`` cannot be published, ``passed`` are left out on purpose by the profile's mapping.

    ``warned`` are those of the first two that have warnings. ``withdrawn`` were live and are not in the source.
    """

    items: int = 0
    published: int = 0
    unchanged: int = 0
    refused: int = 0
    passed: int = 0
    warned: int = 0
    withdrawn: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The reason why a run changed less than it should: time (ms), a stable code, plain French and English."""

    at: int
    code: str
    fr: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRun:
    """The last run of a platform's source, with the facts of earlier runs that are still needed. Times in ms.

    ``problems`` are those of the source and of its items in groups by rule and path, in both languages, each with its
    ``count``, ``examples``, and ``position`` and ``id`` of the first item; in records of earlier versions, which have
    neither count nor examples, the first twenty.
    ``last_error`` stays when later runs succeed. ``validators`` and ``digest`` identify the content that was applied
    at ``applied_at``, under the profile with the digest ``profile``. ``would_withdraw`` is the number whose
    confirmation a pending run waits for.
    ``applied_counts`` and ``applied_problems`` are those of that content; None in older records.
    ``order`` is the id of the order that this run, or one before it, has answered.
    """

    platform: str
    started_at: int
    ended_at: int
    outcome: Outcome
    counts: Counts = field(default_factory=Counts)
    problems: tuple[Mapping[str, Any], ...] = ()
    would_withdraw: int | None = None
    first_success_at: int | None = None
    last_success_at: int | None = None
    last_error: Failure | None = None
    applied_at: int | None = None
    applied_counts: Counts | None = None
    applied_problems: tuple[Mapping[str, Any], ...] | None = None
    validators: Mapping[str, str] = field(default_factory=dict)
    digest: str | None = None
    profile: str | None = None
    order: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOrder:
    """An operator's order for an immediate run; ``confirm`` is the number of withdrawals that it may make."""

    platform: str
    id: str
    ordered_at: int
    confirm: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Whether a source is paused, and since when (ms)."""

    platform: str
    paused: bool
    at: int


def run_record(run: SourceRun) -> Record:
    """A record of ``runs``: key the slug, value the run; unset members are left out."""
    body = {name: value for name, value in asdict(run).items() if value is not None}
    return Record(run.platform.encode(), orjson.dumps(body))


def order_record(order: RunOrder) -> Record:
    """A record of ``runs`` under the order's own key."""
    return Record((order.platform + _ORDER).encode(), orjson.dumps(asdict(order)))


def pause_record(pause: Pause) -> Record:
    """A record of ``runs`` under the pause's own key."""
    return Record((pause.platform + _PAUSE).encode(), orjson.dumps(asdict(pause)))


def read_run(key: bytes | None, value: bytes | None) -> SourceRun | RunOrder | Pause | None:
    """The run, the order or the pause of a record; None for a tombstone and for keys of later versions. Members that a
    later version has added are ignored.

    Raises ValueError, TypeError or KeyError on a value that the gateway did not write.
    """
    name = (key or b"").decode()
    if value is None or not name:
        return None
    if name.endswith(_ORDER):
        return from_members(RunOrder, orjson.loads(value))
    if name.endswith(_PAUSE):
        return from_members(Pause, orjson.loads(value))
    if "/" in name:
        return None
    body = orjson.loads(value)
    body["counts"] = from_members(Counts, body["counts"])
    body["problems"] = tuple(body["problems"])
    if "applied_counts" in body:
        body["applied_counts"] = from_members(Counts, body["applied_counts"])
    if "applied_problems" in body:
        body["applied_problems"] = tuple(body["applied_problems"])
    if "last_error" in body:
        body["last_error"] = from_members(Failure, body["last_error"])
    return from_members(SourceRun, body)
