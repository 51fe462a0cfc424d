"""The progress of a subscription: its cursor, its retries, and what each outcome of a push does to them. Pure.

A subscription owns a cursor of the changes feed. Progress is stored with a deadline before each push, so that the next
owner of the subscription waits until that push can no longer arrive. Every reading from the start is a generation of
its own; its numbers grow, also over a deleted subscription of the same name, since the first is the time in ms.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import orjson

from gateway.clock import CLOCKS_MS
from gateway.protocol.cursor import FRESH_MS, Cursor, filter_digest, reader_digest, rules_of
from gateway.protocol.subscription import HOUR_MS, Subscription
from gateway.protocol.visibility import VISIBILITY_RULES, Filter, Reader

POST_MS, DEADLINE_MS = 20_000, 25_000
"""Longest push, and the time after which none of an announcement can arrive: between them, what clocks may differ."""
BACKOFF_MS = (
    *(5_000, 30_000, 120_000, 600_000, 1_800_000),
    *(hours * HOUR_MS for hours in (1, 2, 5, 10, 14, 20, 24)),
)
"""The wait after the first failure in a row, the second, and so on; after the last of them, that one again."""
JITTER = 0.2
GIVEN_UP_MS = 5 * 24 * HOUR_MS
MAX_WAIT_MS = 24 * HOUR_MS
REJECTIONS = 3
"""Pushes from one position that an endpoint answers with 4xx before pages are halved."""
MINUTE_MS = 60_000
KEPT_FRESH_MS = 6 * HOUR_MS
"""Progress at the end of the log is stored again after this time, though nothing was pushed."""
_TRANSIENT = frozenset({408, 410, 425, 429})
"""4xx that say nothing about the content."""
_OK, _REJECTED = range(200, 300), range(400, 500)
GONE = 410

PushStop: TypeAlias = Literal["gone", "failing"]
"""The reason for which the sender has disabled a subscription: 410, or five days of failures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Successes:
    """Consecutive pushes of one minute that arrived: the start of the first (ms), their number, and their changes."""

    at: int
    pushes: int
    changes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRow:
    """A row of the attempts: consecutive successes of a minute, or one failure with its status or ``reason``. ``offer``
    is the id of the single change that was refused; ``test``: it was a test.
    """

    at: int
    pushes: int = 1
    changes: int = 0
    status: int | None = None
    reason: str | None = None
    offer: str | None = None
    test: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PushProgress:
    """The sender's state of one subscription, which ``subscription`` names by its id.

    ``positions`` and ``began`` are those of a cursor, ``scope`` its filter, reader and log; ``floor``: positions that a
    view must have reached, also after a restart; ``fresh``: when it was last at the end. ``doubted``: since when times
    of it lie ahead. ``complete``: this generation was read to the end. ``limit`` bounds the changes of a page while a
    refused change is searched; ``rejected``: 4xx from these positions; ``blocked``: the refused change that was found.
    ``failures`` in a row since ``failing_since``; nothing is pushed before ``next_at`` and ``deadline``. ``tests``,
    ``enables`` and ``replays`` are the orders that were followed.
    """

    subscription: str
    scope: str
    generation: int
    positions: tuple[int, ...]
    began: tuple[int, ...]
    floor: tuple[int, ...]
    fresh: int
    doubted: int | None = None
    complete: bool = False
    limit: int | None = None
    rejected: int = 0
    blocked: tuple[str, int] | None = None
    failures: int = 0
    failing_since: int | None = None
    next_at: int = 0
    deadline: int | None = None
    stopped: PushStop | None = None
    tests: int = 0
    enables: int = 0
    replays: int = 0
    successes: Successes | None = None

    @property
    def due_at(self) -> int:
        """The earliest time of the next push (ms)."""
        return max(self.next_at, self.deadline or 0)

    @property
    def later(self) -> bool:
        """Whether a gateway of later visibility rules has written it, which alone may continue."""
        return rules_of(self.scope) > VISIBILITY_RULES

    def cursor(self) -> Cursor:
        """The cursor from which the next page is read."""
        return Cursor(positions=self.positions, began=self.began, fresh=self.fresh, filter="", reader="", log="")

    def wanted(self) -> tuple[int, ...]:
        """The positions that a view must have reached before the next page is read."""
        return tuple(map(max, self.positions, self.floor))


@dataclass(frozen=True, slots=True, kw_only=True)
class PushPage:
    """A page that was read for a push: its changes, the positions after them, whether more follows, and when the view
    was fresh.
    """

    changes: Sequence[Mapping[str, Any]]
    positions: tuple[int, ...]
    more: bool
    fresh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PushOutcome:
    """The end of a push: the status, or the ``reason`` for which there is none; ``wait``: Retry-After in ms."""

    at: int
    status: int | None = None
    reason: str | None = None
    wait: int | None = None

    @property
    def arrived(self) -> bool:
        """Whether the endpoint has taken the push."""
        return self.status in _OK

    @property
    def rejected(self) -> bool:
        """Whether the endpoint refuses the content."""
        return self.status in _REJECTED and self.status not in _TRANSIENT


def scope_of(platform: str, criteria: Filter, log: str) -> str:
    """The scope of a subscription: another filter, territory, log or other visibility rules give another one."""
    return f"{log}@{filter_digest(criteria)}{reader_digest(Reader(platform))}"


def begin(one: Subscription, scope: str, *, ends: tuple[int, ...], now: int) -> PushProgress:
    """The first progress of a subscription, whose receiver holds nothing: offers that match, then removals too."""
    zero = (0,) * len(ends)
    return PushProgress(
        subscription=one.id,
        scope=scope,
        generation=now,
        positions=zero,
        began=ends,
        floor=zero,
        fresh=now,
        enables=one.enables,
        replays=one.replays,
    )


def restart(progress: PushProgress, scope: str, *, ends: tuple[int, ...], now: int) -> PushProgress:
    """The next generation, from the start, with removals: the receiver may hold anything that was ever pushed."""
    zero = (0,) * len(ends)
    same_log = scope.partition("@")[0] == progress.scope.partition("@")[0]
    return replace(
        progress,
        scope=scope,
        generation=progress.generation + 1,
        positions=zero,
        began=zero,
        floor=progress.wanted() if same_log else zero,
        fresh=now,
        complete=False,
        limit=None,
        rejected=0,
        blocked=None,
    )


def follow(
    progress: PushProgress | None, one: Subscription, scope: str, *, ends: tuple[int, ...], now: int
) -> PushProgress:
    """The progress under these settings: orders of the owner are followed, another scope or seven days without reaching
    the end start the next generation. A subscription that is disabled stays as it is until it is enabled.
    """
    if progress is None:
        return begin(one, scope, ends=ends, now=now)
    progress = _in_time(progress, now)
    if progress.subscription != one.id:
        fresh = begin(one, scope, ends=ends, now=now)
        return replace(fresh, generation=max(fresh.generation, progress.generation + 1), deadline=progress.deadline)
    if progress.enables != one.enables:
        progress = replace(progress, enables=one.enables, stopped=None, failures=0, failing_since=None, next_at=0)
    if progress.stopped is not None:
        return progress
    if progress.scope != scope or progress.replays != one.replays or now - progress.fresh > FRESH_MS:
        return replace(restart(progress, scope, ends=ends, now=now), replays=one.replays)
    return progress


def _in_time(progress: PushProgress, now: int) -> PushProgress:
    """The progress without times that a clock has written which was ahead, and the end of five days that were none.
    Those that ages are counted from must lie ahead for an hour: a clock that is behind for a moment shortens no age.
    """
    since, fresh, deadline, doubted = progress.failing_since, progress.fresh, progress.deadline, None
    if max(since or 0, fresh) > now + CLOCKS_MS:
        doubted = now if progress.doubted is None else min(progress.doubted, now)
        if now - doubted >= HOUR_MS:
            since, fresh, doubted = None if since is None else min(since, doubted), min(fresh, doubted), None
    longest = MINUTE_MS if since is None else round(MAX_WAIT_MS * (1 + JITTER))
    hasty = progress.stopped == "failing" and since is not None and now - since < GIVEN_UP_MS
    return replace(
        progress,
        stopped=None if hasty else progress.stopped,
        failing_since=since,
        fresh=fresh,
        doubted=doubted,
        next_at=progress.next_at if progress.next_at <= now + longest else now,
        deadline=deadline if deadline is None else min(deadline, now + DEADLINE_MS),
    )


def announce(progress: PushProgress, *, now: int) -> PushProgress:
    """Before a push: until the deadline, no other owner pushes."""
    return replace(progress, deadline=now + DEADLINE_MS)


def must_send(progress: PushProgress, page: PushPage) -> bool:
    """Whether a page is pushed: it has changes, or it ends a generation, after which the receiver sweeps."""
    return bool(page.changes) or not (page.more or progress.complete)


def passed(progress: PushProgress, page: PushPage) -> PushProgress:
    """After a page that shows the receiver nothing, or one that has arrived."""
    moved = page.positions != progress.positions
    return replace(
        progress,
        positions=page.positions,
        fresh=progress.fresh if page.more else max(progress.fresh, page.fresh),
        rejected=0 if moved else progress.rejected,
        blocked=None if moved else progress.blocked,
    )


def settle(
    progress: PushProgress, page: PushPage, outcome: PushOutcome, *, gap: int, now: int, jitter: float
) -> tuple[PushProgress, tuple[PushRow, ...]]:
    """The progress after a push, and the rows of attempts that are complete. ``gap``: the least time between the
    starts of two pushes; ``jitter``: a random number from -1 to 1.
    """
    if outcome.arrived:
        return _arrived(progress, page, outcome, gap=gap)
    refused, number = outcome.rejected, len(page.changes)
    rejected = progress.rejected + refused
    searching = refused and (rejected >= REJECTIONS or progress.limit is not None)
    halved = searching and number > 1
    failures = progress.failures + (not halved)
    since = max(outcome.at, progress.fresh) if progress.failing_since is None else progress.failing_since
    blocked = (page.changes[0]["id"], page.changes[0]["sequence"]) if searching and number == 1 else progress.blocked
    stopped: PushStop | None = None
    if outcome.status == GONE:
        stopped = "gone"
    elif now - since >= GIVEN_UP_MS:
        stopped = "failing"
    wait = BACKOFF_MS[0] if halved else BACKOFF_MS[min(failures, len(BACKOFF_MS)) - 1]
    wait = min(round(wait * (1 + JITTER * jitter)), max(0, since + GIVEN_UP_MS - now))
    settled = replace(
        progress,
        deadline=None,
        rejected=rejected,
        limit=max(1, number // 2) if searching else progress.limit,
        blocked=blocked,
        failures=failures,
        failing_since=since,
        next_at=now + max(wait, min(outcome.wait or 0, MAX_WAIT_MS)),
        stopped=stopped,
        successes=None,
    )
    row = PushRow(
        at=outcome.at,
        changes=number,
        status=outcome.status,
        reason=outcome.reason,
        offer=blocked[0] if blocked is not None and searching else None,
    )
    return settled, (*_closed(progress.successes), row)


def _arrived(
    progress: PushProgress, page: PushPage, outcome: PushOutcome, *, gap: int
) -> tuple[PushProgress, tuple[PushRow, ...]]:
    number, before, limit = len(page.changes), progress.successes, progress.limit
    rows: tuple[PushRow, ...] = ()
    if before is None or outcome.at // MINUTE_MS != before.at // MINUTE_MS:
        rows, before = _closed(before), Successes(at=outcome.at, pushes=0, changes=0)
    settled = replace(
        passed(progress, page),
        complete=progress.complete or not page.more,
        deadline=None,
        limit=None if limit is None or number < limit else 2 * limit,
        rejected=0,
        blocked=None,
        failures=0,
        failing_since=None,
        next_at=outcome.at + gap,
        successes=replace(before, pushes=before.pushes + 1, changes=before.changes + number),
    )
    return settled, rows


def _closed(successes: Successes | None) -> tuple[PushRow, ...]:
    if successes is None:
        return ()
    return (PushRow(at=successes.at, pushes=successes.pushes, changes=successes.changes),)


def push_id(progress: PushProgress, changes: bytes) -> str:
    """The id of a push: the same for the same changes from the same positions of a generation, and for no others."""
    start = orjson.dumps([progress.subscription, progress.generation, progress.positions])
    digest = hashlib.blake2b(start + changes, digest_size=18).digest()
    return f"msg_{urlsafe_b64encode(digest).decode()}"
