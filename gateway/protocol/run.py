"""Runs: what became of the last pull of a platform's feed, as the compacted topic ``runs`` holds it. Pure.

A run's key is the slug. Beside it, under ``{slug}/order``, lies what the operator last asked for: a run now.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

import orjson

from gateway.protocol.record import Record
from gateway.protocol.value import from_members

Outcome: TypeAlias = Literal["applied", "partial", "unchanged", "pending", "failed"]
"""``applied``: the feed is what the platform publishes now. ``partial``: its items were published and nothing was
withdrawn, because some could not be told apart from absent ones. ``unchanged``: the feed is the one applied last.
``pending``: it would withdraw too much, and waits to be confirmed. ``failed``: it was not fetched or not readable.
Only the first two change anything.
"""
SUCCESSES: frozenset[Outcome] = frozenset({"applied", "partial", "unchanged"})
_ORDER = "/order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The items of a feed, each counted once: ``published`` are new or changed, ``unchanged`` stand already,
    ``refused`` cannot stand, ``passed`` are left out on purpose by the profile's mapping.

    ``warned`` are those of the first two that have warnings. ``withdrawn`` were live and are not in the feed.
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
    """Why a run changed less than it should, in plain words: when (ms), a stable code, French, English."""

    at: int
    code: str
    fr: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The last run of a platform's feed, with what later runs and readers need of the earlier ones. Times in ms.

    ``problems`` are those of the feed and of its items in groups by rule and path, in both languages, each with its
    ``count``, ``examples``, and ``position`` and ``id`` of the first item; in records of earlier versions, which have
    neither count nor examples, the first twenty.
    ``last_error`` stays when later runs succeed. ``validators`` and ``digest`` tell the feed that was ``applied_at``,
    under the profile with the digest ``profile``. ``would_withdraw`` is the number that a pending run waits for.
    ``applied_counts`` and ``applied_problems`` are what was found in it; None in records that are older than they are.
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
class Order:
    """The operator asks for a run now; ``confirm`` is the number of withdrawals that it may then make."""

    platform: str
    id: str
    ordered_at: int
    confirm: int | None = None


def run_record(run: Run) -> Record:
    """A record of ``runs``: key the slug, value the run; what is unset is left out."""
    body = {name: value for name, value in asdict(run).items() if value is not None}
    return Record(run.platform.encode(), orjson.dumps(body))


def order_record(order: Order) -> Record:
    """A record of ``runs`` under the order's own key."""
    return Record((order.platform + _ORDER).encode(), orjson.dumps(asdict(order)))


def read_run(key: bytes | None, value: bytes | None) -> Run | Order | None:
    """The run or the order of a record; None for a tombstone and for keys of later versions. Members that a later
    version has added are passed over.

    Raises ValueError, TypeError or KeyError on a value that the gateway did not write.
    """
    name = (key or b"").decode()
    if value is None or not name:
        return None
    if name.endswith(_ORDER):
        return from_members(Order, orjson.loads(value))
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
    return from_members(Run, body)
