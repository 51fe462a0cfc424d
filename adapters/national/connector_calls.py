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

from adapters.national.answer import Broken, NameTaken, Outcome, Refused, understand
from adapters.national.connector_doubt import LOOK, NAME, Doubts
from adapters.national.connector_ledger import Ledger, Turn
from adapters.national.outbox import Entry
from adapters.national.outbox_outcome import attempting, given_up, settle
from adapters.national.outbox_patience import TRIES, Breaker, Timing, backoff
from adapters.national.plan import Due
from adapters.national.refusal import refusal
from adapters.national.remote_id import is_reachable
from adapters.national.site import Answer, LoginRefusedError, OutcomeUnknownError, Site, SiteError
from gateway.protocol.delivery import Part
from gateway.protocol.record import utc

AT_ONCE = 10
"""How many calls one commit announces; a withdrawal waits at most for these and the few before."""
_FEW = 4
_LONGEST_REST = 60.0

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
        self._quiet = quiet
        self._doubts = Doubts(ledger, self._site, timing)
        self._under_way: set[str] = set()
        self._looking = False
        self.breaker = Breaker(timing.chance)
        self.health = Health()

    async def run(self) -> None:
        """Make calls until cancelled."""
        while True:
            self._ledger.changed.clear()
            async with self._quiet.lock:
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
            if more and not self._quiet.asked and not self._looking and self.breaker.wait(turn.now) == 0:
                limit = 1 if self.breaker.tripped else AT_ONCE
                # A few more than are called: after a crash all that was announced is found, and looked for at once.
                entries = self._ledger.outbox.ready(turn.now, limit=limit + _FEW + len(self._under_way))
                for entry in entries:
                    if entry.id not in self._under_way and len(calls) < limit:
                        calls += self._announce(turn, entry)
        self._under_way.update(call.entry.id for call in calls)
        return calls

    def _announce(self, turn: Turn, entry: Entry) -> list[Call]:
        found_due = turn.due(entry)
        if found_due is None:
            return []
        delivery, due = found_due
        if due.part.attempt is not None and due.part.attempt.call == due.call == "create":
            self._ledger.outbox.doubt(entry.id, entry.group, LOOK)
            self._looking = True
            return []
        if not is_reachable(due.part.remote_id or "") and due.call != "create":
            turn.put_part(entry.id, _unreachable(due.part, turn.now))
            self._ledger.outbox.dequeue(entry.id, entry.group)
            return []
        turn.put(delivery.with_part(attempting(due, sequence=delivery.sequence)))
        return [Call(entry, due, delivery.sequence)]

    async def _make(self, call: Call) -> tuple[Call, Result]:
        try:
            return call, understand(await self._ask(call.due))
        except SiteError as error:
            return call, error

    async def _ask(self, due: Due) -> Answer:
        name = due.part.remote_id or ""
        match due.call:
            case "create" if due.wish is not None:
                return await self._site.create(due.wish.named(name))
            case "update" if due.wish is not None:
                return await self._site.update(name, due.wish.body)
        return await self._sites.get(due.part.account, self._site).delete(name)

    def _settle(self, turn: Turn, call: Call, result: Result) -> None:
        entry, due = call.entry, call.due
        if isinstance(result, SiteError):
            self._fail(turn, call, result, str(result))
            return
        if isinstance(result, NameTaken) and due.call == "create":
            self._answered(turn.now)
            self._ledger.outbox.doubt(entry.id, entry.group, NAME)
            return
        part = settle(due, result, sequence=call.sequence, now=turn.now)
        if part is None:
            said = f"status {result.status}" if isinstance(result, Broken) else type(result).__name__
            self._fail(turn, call, OutcomeUnknownError(said), said)
            return
        self._answered(turn.now)
        delivery = self._ledger.outbox.delivery(entry.id)
        if part.state == "refused" and delivery is not None and delivery.sequence != call.sequence:
            part = replace(part, state="pending", problems=())  # a newer change has come meanwhile
        if isinstance(result, Refused):
            _log.info("national.refused", offer=entry.id, codes=[one.code for one in result.refusals])
        self._ledger.outbox.dequeue(entry.id, entry.group)  # whatever is due now is another call
        turn.put_part(entry.id, part)

    def _answered(self, now: int) -> None:
        if self.breaker.tripped:
            _log.info("national.site_answers_again", account=self._ledger.route.account)
        self.breaker.succeeded()
        self.health = Health(answered_at=now, failed_at=self.health.failed_at)

    def _fail(self, turn: Turn, call: Call, error: SiteError, said: str) -> None:
        """A call without an answer: tried again later, and in the end a dead letter, unless the whole site is down. A
        withdrawal is never given up.
        """
        entry, account = call.entry, self._ledger.route.account
        step = error.step if isinstance(error, LoginRefusedError) else None
        _log.warning("national.call_failed", account=account, call=call.due.call, offer=entry.id, error=said)
        down = self.breaker.tripped
        self.breaker.failed(turn.now)
        if step is not None:
            self.breaker.trip(turn.now)
        self.health = replace(self.health, failed_at=turn.now, error=said, step=step)
        part = self._part(call)
        if part is None:
            return
        if not isinstance(error, OutcomeUnknownError):
            part = replace(part, attempt=call.due.part.attempt)
        tries = entry.tries + (not down and step is None)
        if tries >= TRIES and call.due.call != "delete":
            part = given_up(part, turn.now, said=said)
        turn.put_part(entry.id, part)
        self._ledger.outbox.put_off(entry.id, entry.group, until=turn.now + backoff(tries, self._chance), tries=tries)

    def _part(self, call: Call) -> Part | None:
        """The part as it now is, unless it has been replaced since."""
        delivery = self._ledger.outbox.delivery(call.entry.id)
        part = None if delivery is None else delivery.part(call.entry.group)
        return part if part is not None and part.generation == call.due.part.generation else None

    async def _resolve(self) -> bool:
        """Resolve doubts; whether there were any."""
        self._looking = False
        now = self._now()
        if self._quiet.asked or self.breaker.wait(now):
            return False
        try:
            return await self._doubts.resolve(idle=not self._ledger.outbox.ready(now, limit=1))
        except SiteError as error:
            now = self._now()
            self.breaker.failed(now)
            self.health = replace(self.health, failed_at=now, error=str(error))
            await self._sleep(backoff(0, self._chance) / 1000)
            return True


def _unreachable(part: Part, now: int) -> Part:
    """The site's addresses do not reach this name: neither update nor deletion is possible."""
    return replace(
        part, state="refused", since=now, attempt=None, problems=(refusal("national-unreachable").to_json(),)
    )
