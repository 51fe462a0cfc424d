"""Calls: takes due calls from the outbox, makes them at the site, and records their outcomes.

Each call is announced on the log before it is made, so a restart knows every call that may have happened. A creation of
unknown outcome is looked up in the site's index before it is retried.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeAlias

import structlog

from adapters.national.delivery.outbox import DueCall
from adapters.national.delivery.outcome import (
    Retry,
    as_given_up,
    as_lost,
    as_refused,
    as_unreachable,
    attempting,
    settle,
    unsettled,
)
from adapters.national.delivery.plan import Due
from adapters.national.delivery.site_check import answers_writes
from adapters.national.delivery.unit_of_work import DeliveryStore, UnitOfWork
from adapters.national.delivery.unknown_outcome import LOST_ANSWER, NAME_TAKEN, UnknownOutcomes
from adapters.national.mapping.body import is_reachable
from adapters.national.mapping.deliverability import refusal
from adapters.national.site.answer import (
    NameTaken,
    Outcome,
    RefusedAnswer,
    outcome_about,
)
from adapters.national.site.client import HttpSite
from adapters.national.site.site import (
    LoginRefusedError,
    OutcomeUnknownError,
    SiteError,
)
from adapters.national.site.timing import TRIES, TRIPS_AFTER, Breaker, CountedTries, Timing, backoff
from gateway.protocol.delivery import DeliveryPart
from gateway.protocol.record import utc

AT_ONCE = 10
"""Maximum of calls that one commit announces; a withdrawal waits at most for these and ``_FEW`` earlier ones."""
_FEW = 4
_MAX_REST = 60.0
_ACCOUNT_MISSING_MS = 600_000

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class AnnouncedCall:
    """A call that is announced on the log. ``due`` holds the part as it was before."""

    entry: DueCall
    due: Due
    sequence: int


Result: TypeAlias = Outcome | SiteError


@dataclass(slots=True)
class Health:
    """The site's answers in short, for the account's note."""

    answered_at: int | None = None
    failed_at: int | None = None
    error: str | None = None
    step: str | None = None
    login_refused: bool | None = None


class CallPause:
    """Excludes calls while an order runs: ``Calls`` holds ``lock`` and releases it soon after ``requested`` rises."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.requested = 0

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """While entered, the only calls under way are those of the block."""
        self.requested += 1
        try:
            async with self.lock:
                yield
        finally:
            self.requested -= 1


class Calls:
    """The calls of one account."""

    def __init__(
        self, store: DeliveryStore, sites: Mapping[str, HttpSite], *, timing: Timing, call_pause: CallPause
    ) -> None:
        self._store = store
        self._outbox = store.outbox
        self._sites = sites
        self._site = sites[store.route.account]
        self._sleep = timing.sleep
        self._chance = timing.chance
        self._timing = timing
        self._call_pause = call_pause
        self._unknown_outcomes = UnknownOutcomes(store, self._site, timing)
        self._tries = CountedTries()
        self._under_way: set[str] = set()
        self._lookup_due = False
        self.breaker = Breaker(timing.chance)
        self.health = Health()

    async def run(self) -> None:
        """Make calls until cancelled."""
        while True:
            self._store.changed.clear()
            async with self._call_pause.lock:
                if self.breaker.needs_read and not self.breaker.wait(self._now()):
                    await self._check_site()
                busy = await self._make_calls() | await self._resolve()
            pause = self.breaker.wait(self._now())
            if pause:
                await self._sleep(pause / 1000)
            elif not busy:
                await self._rest()
                if self.breaker.down:
                    self.breaker.recheck()

    def note(self) -> dict[str, Any]:
        """The account's note: state of the queue and of the site."""
        if not self.breaker.down and not self._outbox.fails():
            self.health = replace(self.health, error=None, step=None)  # what failed is not called any more
        fields = {name: value for name, value in asdict(self.health).items() if value is not None}
        for name in ("answered_at", "failed_at"):
            if name in fields:
                fields[name] = utc(fields[name])
        return {"queue": dict(self._outbox.queue(self._now())), "down": self.breaker.down, **fields}

    def _now(self) -> int:
        return self._store.route.clock()

    async def _rest(self) -> None:
        """Wait for a change, or until the next call is due."""
        due = self._outbox.next_at()
        seconds = _MAX_REST if due is None else min(_MAX_REST, max(1.0, (due - self._now()) / 1000))
        waits = [asyncio.ensure_future(one) for one in (self._store.changed.wait(), self._sleep(seconds))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _make_calls(self) -> bool:
        """Make calls until none is due; returns whether there were any. The next calls are announced while the last few
        of the previous ones are still under way, so that the site's rate is used in full.
        """
        running: set[asyncio.Task[tuple[AnnouncedCall, Result]]] = set()
        results: list[tuple[AnnouncedCall, Result]] = []
        any_made = False
        try:
            while True:
                calls = await self._advance(results, more=len(running) <= _FEW)
                results = []
                any_made = any_made or bool(calls)
                running |= {asyncio.create_task(self._make(call)) for call in calls}
                if not running:
                    return any_made
                enough = _FEW if calls else 0
                while len(running) > enough:
                    done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    results += [task.result() for task in done]
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            self._under_way.clear()

    async def _advance(self, results: Sequence[tuple[AnnouncedCall, Result]], *, more: bool) -> list[AnnouncedCall]:
        """Record the outcomes of calls and announce the next calls, in one transaction."""
        calls: list[AnnouncedCall] = []
        async with self._store.unit_of_work() as unit:
            for call, result in results:
                self._under_way.discard(call.entry.id)
                self._settle(unit, call, result)
            if more and not self._call_pause.requested and not self._lookup_due:
                for entry in self._next(unit.now):
                    if entry.id not in self._under_way and len(calls) < AT_ONCE:
                        calls += self._announce(unit, entry)
        self._under_way.update(call.entry.id for call in calls)
        return calls

    def _next(self, now: int) -> Sequence[DueCall]:
        """The entries that may be called now: a few more than are called, so that a restart finds all announced calls
        and looks them up together.
        """
        if self.breaker.wait(now) or self.breaker.needs_read:
            return ()
        if self.breaker.tripped:
            return () if self._under_way else self._outbox.trials(now, limit=TRIPS_AFTER)
        return self._outbox.ready(now, limit=AT_ONCE + _FEW + len(self._under_way))

    async def _check_site(self) -> None:
        """Check the site before any write is retried: it may be up, and fail for a few offers only."""
        try:
            writes = await answers_writes(self._site, self._timing)
        except SiteError as error:
            self._note_failure(error, self._now())
            return
        self.breaker.probed(writes=writes)
        self.health = replace(self.health, login_refused=None)
        if writes:
            self.health = replace(self.health, answered_at=self._now())

    def _note_failure(self, error: SiteError, now: int) -> None:
        """Record the failure of a call."""
        self.breaker.failed(now)
        refused = isinstance(error, LoginRefusedError)
        if refused:
            self.breaker.trip(now)
        self.health = replace(
            self.health, failed_at=now, error=str(error), step=error.step, login_refused=refused or None
        )

    def _announce(self, unit: UnitOfWork, entry: DueCall) -> list[AnnouncedCall]:
        found_due = unit.due(entry)
        if found_due is None:
            return []
        delivery, due = found_due
        again = due.part.attempt is not None and due.part.attempt.call == due.call == "create"
        if again and not entry.missed:
            self._outbox.set_aside(entry.id, entry.group, LOST_ANSWER)
            self._lookup_due = True
            return []
        if due.call == "create" and due.wanted is None:
            unit.put_part(entry.id, as_lost(due.part, unit.now))
            return []
        if due.call == "delete" and due.part.account not in self._sites:
            return self._wait_for_account(unit, entry, due.part)
        if not is_reachable(due.part.remote_id or "") and due.call != "create":
            unit.put_part(entry.id, as_unreachable(due.part, unit.now))
            self._outbox.dequeue(entry.id, entry.group)
            return []
        self._outbox.announce(entry.id, entry.group)
        unit.put(delivery.with_part(attempting(due, sequence=delivery.sequence)))
        return [AnnouncedCall(entry, due, delivery.sequence)]

    def _wait_for_account(self, unit: UnitOfWork, entry: DueCall, part: DeliveryPart) -> list[AnnouncedCall]:
        """Put off a deletion whose account is not configured: no other account can withdraw the offer."""
        missing = (refusal("national-account-missing", actual=part.account).to_json(),)
        if part.problems != missing:
            unit.put_part(entry.id, replace(part, problems=missing))
        self._put_off(unit, entry, counted=False, at_least=_ACCOUNT_MISSING_MS)
        return []

    async def _make(self, call: AnnouncedCall) -> tuple[AnnouncedCall, Result]:
        due, name = call.due, call.due.part.remote_id or ""
        try:
            if due.call == "delete" or due.wanted is None:
                return call, await self._sites[due.part.account].delete_rows(name)
            if due.call == "create":
                return call, outcome_about(name, await self._site.create(due.wanted.named(name)))
            return call, outcome_about(name, await self._site.update(name, due.wanted.body))
        except SiteError as error:
            return call, error

    def _settle(self, unit: UnitOfWork, call: AnnouncedCall, result: Result) -> None:
        entry, due = call.entry, call.due
        if isinstance(result, SiteError):
            self._fail(unit, call, result)
            return
        if isinstance(result, NameTaken) and due.call == "create":
            self._answered(unit.now, entry.id)
            self._outbox.set_aside(entry.id, entry.group, NAME_TAKEN)
            return
        late = self._unknown_outcomes.may_still_arrive(due, result, unit.now)
        retry = Retry(refusal("national-creation-unsettled")) if late else None
        settled = retry or settle(due, result, sequence=call.sequence, now=unit.now)
        if settled is None:
            self._fail(unit, call, unsettled(due, result))
            return
        self._answered(unit.now, entry.id)
        if isinstance(settled, Retry):
            self._retry(unit, call, settled)
            return
        delivery = self._outbox.delivery(entry.id)
        if settled.state == "refused" and delivery is not None and delivery.sequence != call.sequence:
            settled = replace(settled, state="pending", until=None, problems=())  # a newer change exists
        if isinstance(result, RefusedAnswer):
            _log.info("national.refused", offer=entry.id, codes=[one.code for one in result.refusals])
        self._outbox.dequeue(entry.id, entry.group)  # any call that is due now is another call
        unit.put_part(entry.id, settled)

    def _answered(self, now: int, offer_id: str) -> None:
        for key in self._tries.answered(offer_id, now):
            self._outbox.count_try(*key)
        if self.breaker.tripped:
            _log.info("national.site_answers_again", account=self._store.route.account)
            for key in self._tries.uncounted():
                self._outbox.try_now(*key, now)
        self.breaker.succeeded()
        self.health = Health(answered_at=now, failed_at=self.health.failed_at)

    def _fail(self, unit: UnitOfWork, call: AnnouncedCall, error: SiteError) -> None:
        """Retry a call without an answer later. A call that keeps failing while the site answers others becomes a dead
        letter until the next day; a withdrawal is never given up.
        """
        entry, account = call.entry, self._store.route.account
        _log.warning("national.call_failed", account=account, call=call.due.call, offer=entry.id, error=str(error))
        self._note_failure(error, unit.now)
        part = self._part(call)
        if part is None:
            return
        if not isinstance(error, OutcomeUnknownError):
            part = replace(part, attempt=call.due.part.attempt)
        counts = self._tries.failed((entry.id, entry.group), unit.now) or self.breaker.counts(entry.failures)
        counted = error.step is None and counts
        given_up = as_given_up(part, unit.now, reason=str(error))
        self._try_again(unit, call, part, counted=counted, given_up=given_up)

    def _retry(self, unit: UnitOfWork, call: AnnouncedCall, retry: Retry) -> None:
        """Retry a call that the site may accept later; any call but a withdrawal is refused after ``TRIES`` tries."""
        part = self._part(call)
        _log.info("national.retry", offer=call.entry.id, call=call.due.call, code=retry.refusal.code)
        if part is None:
            return
        part = replace(part, attempt=call.due.part.attempt, problems=(retry.refusal.to_json(),))
        self._try_again(unit, call, part, counted=True, given_up=as_refused(part, unit.now))

    def _try_again(
        self, unit: UnitOfWork, call: AnnouncedCall, part: DeliveryPart, *, counted: bool, given_up: DeliveryPart
    ) -> None:
        """Put the call off; after ``TRIES`` counted tries the part is ``given_up``, unless it is to be withdrawn."""
        entry = call.entry
        if counted and entry.tries + 1 >= TRIES and call.due.call != "delete":
            self._outbox.dequeue(entry.id, entry.group)
            unit.put_part(entry.id, given_up)
        else:
            unit.put_part(entry.id, part)
            self._put_off(unit, entry, counted=counted)

    def _put_off(self, unit: UnitOfWork, entry: DueCall, *, counted: bool, at_least: int = 0) -> None:
        rest = max(at_least, backoff(entry.failures, self._chance))
        self._outbox.put_off(
            entry.id, entry.group, until=unit.now + rest, tries=entry.tries + counted, failures=entry.failures + 1
        )

    def _part(self, call: AnnouncedCall) -> DeliveryPart | None:
        """The current state of the call's part; None if a new generation has replaced it."""
        delivery = self._outbox.delivery(call.entry.id)
        part = None if delivery is None else delivery.part(call.entry.group)
        return part if part is not None and part.generation == call.due.part.generation else None

    async def _resolve(self) -> bool:
        """Resolve unknown outcomes; returns whether there were any."""
        self._lookup_due = False
        now = self._now()
        if self._call_pause.requested or self.breaker.wait(now) or self.breaker.needs_read:
            return False
        try:
            return await self._unknown_outcomes.resolve(idle=not self._outbox.ready(now, limit=1))
        except SiteError as error:
            self._note_failure(error, self._now())
            await self._sleep(backoff(0, self._chance) / 1000)
            return True
