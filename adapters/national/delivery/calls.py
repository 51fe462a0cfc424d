"""Calls: takes what is due from the outbox, makes the calls to the site, and writes down what became of each.

Before a call is made, the log says that it may be: after a crash nothing has to be guessed. A creation whose answer was
lost is looked for in the site's index before it is tried again.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeAlias

import structlog

from adapters.national.delivery.outbox import Entry
from adapters.national.delivery.outcome import (
    Retry,
    Settlement,
    attempting,
    given_up,
    lost,
    refused_after_tries,
    settle,
)
from adapters.national.delivery.plan import Due
from adapters.national.delivery.unit_of_work import Ledger, Turn
from adapters.national.delivery.unknown_outcome import (
    LATE_MS,
    LOOK,
    NAME,
    Doubts,
)
from adapters.national.mapping.refusal import refusal
from adapters.national.mapping.remote_id import is_reachable
from adapters.national.site.answer import (
    Missing,
    NameTaken,
    Outcome,
    Refused,
    RightMissing,
    Unrecognized,
)
from adapters.national.site.deletion import delete_rows, understand_about
from adapters.national.site.index_walk import Walker
from adapters.national.site.retry import (
    TRIES,
    TRIPS_AFTER,
    Breaker,
    CountedTries,
    Timing,
    backoff,
)
from adapters.national.site.site import (
    LoginRefusedError,
    OutcomeUnknownError,
    Site,
    SiteError,
    SiteUnavailableError,
)
from gateway.protocol.delivery import Part
from gateway.protocol.record import utc

AT_ONCE = 10
"""How many calls one commit announces; a withdrawal waits at most for these and the few before."""
_FEW = 4
_LONGEST_REST = 60.0
_ACCOUNT_MISSING_MS = 600_000

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Call:
    """A call that the log has announced. ``due`` holds the part as it was before."""

    entry: Entry
    due: Due
    sequence: int


Result: TypeAlias = Outcome | SiteError


@dataclass(slots=True)
class Health:
    """How the site answers, for the account's note."""

    answered_at: int | None = None
    failed_at: int | None = None
    error: str | None = None
    step: str | None = None


class Quiet:
    """Who makes calls holds ``lock``, and lets go of it soon when somebody ``asked`` that the site stand still."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.asked = 0

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """While entered, no call is under way but one's own."""
        self.asked += 1
        try:
            async with self.lock:
                yield
        finally:
            self.asked -= 1


class Calls:
    """The calls of one account."""

    def __init__(self, ledger: Ledger, sites: Mapping[str, Site], *, timing: Timing, quiet: Quiet) -> None:
        self._ledger = ledger
        self._sites = sites
        self._site = sites[ledger.route.account]
        self._sleep = timing.sleep
        self._chance = timing.chance
        self._timing = timing
        self._quiet = quiet
        self._doubts = Doubts(ledger, self._site, timing)
        self._tries = CountedTries()
        self._vain_since: dict[str, int] = {}
        self._under_way: set[str] = set()
        self._looking = False
        self.breaker = Breaker(timing.chance)
        self.health = Health()

    async def run(self) -> None:
        """Make calls until cancelled."""
        while True:
            self._ledger.changed.clear()
            async with self._quiet.lock:
                if self.breaker.needs_probe and not self.breaker.wait(self._now()):
                    await self._probe()
                busy = await self._make_calls() | await self._resolve()
            pause = self.breaker.wait(self._now())
            if pause:
                await self._sleep(pause / 1000)
            elif not busy:
                await self._rest()

    def note(self) -> dict[str, Any]:
        """How the queue stands and how the site answers."""
        told = {name: value for name, value in asdict(self.health).items() if value is not None}
        for name in ("answered_at", "failed_at"):
            if name in told:
                told[name] = utc(told[name])
        return {"queue": dict(self._ledger.outbox.queue(self._now())), "down": self.breaker.tripped, **told}

    def _now(self) -> int:
        return self._ledger.route.clock()

    async def _rest(self) -> None:
        """Wait for a change, or for the time of what is due next."""
        due = self._ledger.outbox.next_at()
        seconds = _LONGEST_REST if due is None else min(_LONGEST_REST, max(1.0, (due - self._now()) / 1000))
        waits = [asyncio.ensure_future(one) for one in (self._ledger.changed.wait(), self._sleep(seconds))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _make_calls(self) -> bool:
        """Make calls until none is due; whether there were any. The next ones are announced while the last few of those
        before are still under way, so that the site's rate is used to the full.
        """
        running: set[asyncio.Task[tuple[Call, Result]]] = set()
        results: list[tuple[Call, Result]] = []
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

    async def _advance(self, results: Sequence[tuple[Call, Result]], *, more: bool) -> list[Call]:
        """Write down what became of calls, and announce the next ones, in one transaction."""
        calls: list[Call] = []
        async with self._ledger.turn() as turn:
            for call, result in results:
                self._under_way.discard(call.entry.id)
                self._settle(turn, call, result)
            if more and not self._quiet.asked and not self._looking:
                for entry in self._next(turn.now):
                    if entry.id not in self._under_way and len(calls) < AT_ONCE:
                        calls += self._announce(turn, entry)
        self._under_way.update(call.entry.id for call in calls)
        return calls

    def _next(self, now: int) -> Sequence[Entry]:
        """What may be called now. A few more than are called: after a crash all that was announced is found, and looked
        for at once.
        """
        if self.breaker.wait(now) or self.breaker.needs_probe:
            return ()
        if self.breaker.tripped:
            return () if self._under_way else self._ledger.outbox.trials(now, limit=TRIPS_AFTER)
        return self._ledger.outbox.ready(now, limit=AT_ONCE + _FEW + len(self._under_way))

    async def _probe(self) -> None:
        """Ask the site for a page before any write is tried again."""
        try:
            await Walker(self._site.index, self._timing).page(1, tries=1)
        except SiteError as error:
            self._down(error)
        else:
            self.breaker.probed()

    def _down(self, error: SiteError) -> None:
        """A call failed that belongs to no offer."""
        now = self._now()
        self.breaker.failed(now)
        self.health = replace(self.health, failed_at=now, error=str(error), step=error.step)

    def _announce(self, turn: Turn, entry: Entry) -> list[Call]:
        found_due = turn.due(entry)
        if found_due is None:
            return []
        delivery, due = found_due
        again = due.part.attempt is not None and due.part.attempt.call == due.call == "create"
        if again and not entry.missed:
            self._ledger.outbox.doubt(entry.id, entry.group, LOOK)
            self._looking = True
            return []
        if due.call == "create" and due.wish is None:
            turn.put_part(entry.id, lost(due.part, turn.now))
            return []
        if due.call == "delete" and due.part.account not in self._sites:
            return self._wait_for_account(turn, entry, due.part)
        if not is_reachable(due.part.remote_id or "") and due.call != "create":
            turn.put_part(entry.id, _unreachable(due.part, turn.now))
            self._ledger.outbox.dequeue(entry.id, entry.group)
            return []
        self._ledger.outbox.announce(entry.id, entry.group)
        turn.put(delivery.with_part(attempting(due, sequence=delivery.sequence)))
        return [Call(entry, due, delivery.sequence)]

    def _wait_for_account(self, turn: Turn, entry: Entry, part: Part) -> list[Call]:
        """The offer is held under an account that is not configured: no other account can withdraw it."""
        missing = (refusal("national-account-missing", said=part.account).to_json(),)
        if part.problems != missing:
            turn.put_part(entry.id, replace(part, problems=missing))
        self._put_off(turn, entry, counted=False, at_least=_ACCOUNT_MISSING_MS)
        return []

    async def _make(self, call: Call) -> tuple[Call, Result]:
        try:
            return call, await self._ask(call.due)
        except SiteError as error:
            return call, error

    async def _ask(self, due: Due) -> Outcome:
        name = due.part.remote_id or ""
        match due.call:
            case "create" if due.wish is not None:
                return understand_about(name, await self._site.create(due.wish.named(name)))
            case "update" if due.wish is not None:
                return understand_about(name, await self._site.update(name, due.wish.body))
        return await delete_rows(self._sites[due.part.account], name)

    def _settle(self, turn: Turn, call: Call, result: Result) -> None:
        entry, due = call.entry, call.due
        if isinstance(result, SiteError):
            self._fail(turn, call, result)
            return
        if isinstance(result, NameTaken) and due.call == "create":
            self._answered(turn.now, entry.id)
            self._ledger.outbox.doubt(entry.id, entry.group, NAME)
            return
        settled = None if isinstance(result, Unrecognized) else self._settlement(turn, call, result)
        if settled is None:
            self._fail(turn, call, _unsettled(due, result))
            return
        self._answered(turn.now, entry.id)
        if isinstance(settled, Retry):
            self._retry(turn, call, settled)
            return
        delivery = self._ledger.outbox.delivery(entry.id)
        if settled.state == "refused" and delivery is not None and delivery.sequence != call.sequence:
            settled = replace(settled, state="pending", until=None, problems=())  # a newer change has come meanwhile
        if isinstance(result, Refused):
            _log.info("national.refused", offer=entry.id, codes=[one.code for one in result.refusals])
        self._ledger.outbox.dequeue(entry.id, entry.group)  # whatever is due now is another call
        turn.put_part(entry.id, settled)

    def _settlement(self, turn: Turn, call: Call, result: Outcome) -> Settlement:
        """What the answer makes of the part. A creation that had no answer may arrive at the site after a deletion
        found nothing: that is the end of it only when another finds nothing ``LATE_MS`` later.
        """
        part = call.due.part
        if isinstance(result, Missing) and call.due.call == "delete" and part.sequence is None:
            name = part.remote_id or ""
            if turn.now - self._vain_since.setdefault(name, turn.now) < LATE_MS:
                return Retry(refusal("national-creation-unsettled"))
            del self._vain_since[name]
        return settle(call.due, result, sequence=call.sequence, now=turn.now)

    def _answered(self, now: int, offer_id: str) -> None:
        outbox = self._ledger.outbox
        for key in self._tries.answered(offer_id, now):
            outbox.count_try(*key)
        if self.breaker.tripped:
            _log.info("national.site_answers_again", account=self._ledger.route.account)
            for key in self._tries.uncounted():
                outbox.try_now(*key, now)
        self.breaker.succeeded()
        self.health = Health(answered_at=now, failed_at=self.health.failed_at)

    def _fail(self, turn: Turn, call: Call, error: SiteError) -> None:
        """A call without an answer is made again later. One that fails while the site answers others ends as a dead
        letter, until the next day; a withdrawal is never given up.
        """
        entry, account = call.entry, self._ledger.route.account
        _log.warning("national.call_failed", account=account, call=call.due.call, offer=entry.id, error=str(error))
        self.breaker.failed(turn.now)
        if isinstance(error, LoginRefusedError):
            self.breaker.trip(turn.now)
        self.health = replace(self.health, failed_at=turn.now, error=str(error), step=error.step)
        part = self._part(call)
        if part is None:
            return
        if not isinstance(error, OutcomeUnknownError):
            part = replace(part, attempt=call.due.part.attempt)
        counted = error.step is None and self._tries.failed((entry.id, entry.group), turn.now)
        if counted and entry.tries + 1 >= TRIES and call.due.call != "delete":
            self._ledger.outbox.dequeue(entry.id, entry.group)
            turn.put_part(entry.id, given_up(part, turn.now, said=str(error)))
            return
        turn.put_part(entry.id, part)
        self._put_off(turn, entry, counted=counted)

    def _retry(self, turn: Turn, call: Call, retry: Retry) -> None:
        """The site answered that the call may succeed later; what is no withdrawal ends as refused in the end."""
        entry, part = call.entry, self._part(call)
        _log.info("national.retry", offer=entry.id, call=call.due.call, code=retry.refusal.code)
        if part is None:
            return
        part = replace(part, attempt=call.due.part.attempt, problems=(retry.refusal.to_json(),))
        if entry.tries + 1 >= TRIES and call.due.call != "delete":
            self._ledger.outbox.dequeue(entry.id, entry.group)
            turn.put_part(entry.id, refused_after_tries(part, turn.now))
            return
        turn.put_part(entry.id, part)
        self._put_off(turn, entry, counted=True)

    def _put_off(self, turn: Turn, entry: Entry, *, counted: bool, at_least: int = 0) -> None:
        rest = max(at_least, backoff(entry.failures, self._chance))
        self._ledger.outbox.put_off(
            entry.id, entry.group, until=turn.now + rest, tries=entry.tries + counted, failures=entry.failures + 1
        )

    def _part(self, call: Call) -> Part | None:
        """The part as it now is, unless it has been replaced since."""
        delivery = self._ledger.outbox.delivery(call.entry.id)
        part = None if delivery is None else delivery.part(call.entry.group)
        return part if part is not None and part.generation == call.due.part.generation else None

    async def _resolve(self) -> bool:
        """Resolve doubts; whether there were any."""
        self._looking = False
        now = self._now()
        if self._quiet.asked or self.breaker.wait(now) or self.breaker.needs_probe:
            return False
        try:
            return await self._doubts.resolve(idle=not self._ledger.outbox.ready(now, limit=1))
        except SiteError as error:
            self._down(error)
            await self._sleep(backoff(0, self._chance) / 1000)
            return True


def _unsettled(due: Due, outcome: Outcome) -> SiteError:
    """Why a call that was answered settles nothing."""
    if isinstance(outcome, Unrecognized):
        return OutcomeUnknownError(f"the answer is not the site's: {outcome.said}", step=outcome.step)
    if isinstance(outcome, RightMissing):
        return SiteUnavailableError(
            f"the site does not let the account {due.part.account} {due.call} offers",
            step="ask the national site for the right to write offers",
        )
    return OutcomeUnknownError(f"the site answered a {due.call} with {type(outcome).__name__}")


def _unreachable(part: Part, now: int) -> Part:
    """The site's addresses do not reach this name: neither update nor deletion is possible."""
    return replace(
        part, state="refused", since=now, attempt=None, problems=(refusal("national-unreachable").to_json(),)
    )
