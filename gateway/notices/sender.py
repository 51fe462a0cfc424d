"""The sender: one fenced owner over all replicas finds what is due, and sends it.

A copy is on the log as ``sending`` before the relay may get it, and its outcome after the answer. An owner that ends in
between leaves it open; the next one sends the same mail once more after the deadline (``plan``).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from gateway.clock import Clock
from gateway.log.assignment import run_assigned
from gateway.log.owner_loop import own_with_retry
from gateway.log.port import EventLog, Output, Owner
from gateway.notices.contacts import ContactBook
from gateway.notices.notice import (
    Event,
    Ledger,
    Notice,
    dropped,
    lost,
    notice_record,
    sending,
    settled,
)
from gateway.notices.plan import HOUR_MS, MAX_NOTICES, Next, expired, new_notices, next_step, service_events
from gateway.notices.requests import ended, request_events
from gateway.notices.smtp import MailRelay, MailSession, RelayAwayError
from gateway.operate.desk import RefusedActError
from gateway.protocol.contact import PARTITION, Contact, Contacts
from gateway.protocol.topic import NOTICES

ROLE = "notices"
EVERY_SECONDS = 15.0
AWAY_SECONDS = (30.0, 900.0)

Facts = Callable[[Contacts, Ledger], Awaitable[Sequence[Event]]]
"""The facts of this moment for these contacts."""
Compose = Callable[[Contact, Sequence[Notice]], bytes]
"""The mail of these notices, rendered when it is sent."""

_log = structlog.get_logger()


@dataclass(kw_only=True)
class Sender:
    """The sender of this process, which works while it owns the topic. ``begun``: of each platform since when its
    membership lasts, as in ``expired``; ``erasing``: a clock that does not jump ahead; ``relay`` is None where none is
    set: nothing is sent then, and contacts are erased all the same. ``count`` counts what becomes of mails and of
    notices; ``ceiling``: mails an hour.
    """

    log: EventLog
    book: ContactBook
    relay: MailRelay | None
    facts: Facts
    compose: Compose
    begun: Callable[[], Mapping[str, float]]
    clock: Clock
    erasing: Clock
    ceiling: int
    count: Callable[[str], None] = lambda _: None
    every: float = EVERY_SECONDS
    away: tuple[float, float] = AWAY_SECONDS
    """The pause after the relay was away, doubled each time up to the second."""

    def __post_init__(self) -> None:
        self._away_until = 0.0
        self._pause = self.away[0]
        self._ledger = self.book.notices

    async def run(self) -> None:
        """Send while this process owns the topic, until cancelled."""
        try:
            await run_assigned(self.log, role=ROLE, topic=NOTICES, work=self._work)
        finally:
            await self.book.close()

    async def _work(self, partition: int) -> None:
        if partition != PARTITION:
            await asyncio.Event().wait()  # holds nothing; another process may have the one that does
        await own_with_retry(self.log, role=ROLE, partition=partition, work=self._follow)

    async def _follow(self, owner: Owner) -> None:
        await self._ledger.advance({PARTITION: await owner.end(NOTICES, PARTITION)})
        while True:
            await self.work(owner)
            await asyncio.sleep(self.every)

    async def work(self, owner: Owner) -> None:
        """Find what is due, and send what can be sent now. Raises LogError."""
        await self.book.catch_up()
        await self._ledger.catch_up()
        await self.book.requests.catch_up()
        await self._erase()
        if self.relay is None:
            return
        contacts, requests, ledger = self.book.state, self.book.requests.state, self._ledger.state
        service = [
            *service_events(contacts, ledger, now=self.clock()),
            *request_events(requests),
        ]
        facts = [*service, *await self.facts(contacts, ledger)]
        found = new_notices(facts, self.book.people, ledger, now=self.clock())
        for start in range(0, len(found), MAX_NOTICES):
            await self._commit(owner, found[start : start + MAX_NOTICES])
        while step := next_step(self.book.people, self._ledger.state, now=self.clock(), ceiling=self.ceiling):
            if not await self._take(owner, step, self.relay):
                return
            await self._erase()
        if self._ledger.state.sent_since(self.clock() - HOUR_MS) >= self.ceiling:
            self.count("ceiling")

    async def _erase(self) -> None:
        gone = expired(self.book.state, self._ledger.state, self.begun(), now=self.erasing())
        if gone:
            await self.book.change(lambda contacts: [one for one in gone if one in contacts])
        if ended(self.book.requests.state, self._ledger.state, now=self.erasing()):
            await self.book.requests.change(lambda all_: ended(all_, self._ledger.state, now=self.erasing()))

    async def _take(self, owner: Owner, step: Next, relay: MailRelay) -> bool:
        """Take one step; False if the relay is away, so that none that sends can be taken now."""
        now = self.clock()
        if step.step == "send":
            return await self._send(owner, step.notices, relay)
        ended = lost(step.notices, now=now) if step.step == "lose" else [dropped(one, now=now) for one in step.notices]
        await self._commit(owner, ended)
        if step.step == "lose":
            _log.warning("notices.unknown", mail=step.notices[0].mail, notices=len(ended))
        for _ in ended:
            self.count("unknown" if step.step == "lose" else "dropped")
        return True

    async def _send(self, owner: Owner, notices: Sequence[Notice], relay: MailRelay) -> bool:
        time = asyncio.get_running_loop().time
        if time() < self._away_until:
            return False
        try:
            async with relay.session() as session:
                self._pause = self.away[0]
                await self._copy(owner, notices, session)
        except RelayAwayError as error:
            _log.warning("notices.relay_away", error=str(error), seconds=self._pause)
            self._away_until, self._pause = time() + self._pause, min(2 * self._pause, self.away[1])
            self.count("away")
            return False
        return True

    async def _copy(self, owner: Owner, notices: Sequence[Notice], session: MailSession) -> None:
        contact = self.book.people.get(notices[0].event.contact)
        if not isinstance(contact, Contact) or contact.stopped is not None:
            return  # it left meanwhile
        copies = sending(notices, now=self.clock())
        message = self.compose(contact, copies)
        await self._commit(owner, copies)
        outcome = await session.send(contact.address, message)
        _log.info("notices.mail", mail=copies[0].mail, copy=copies[0].copy, notices=len(copies), outcome=outcome)
        self.count(outcome or "open")
        if outcome == "refused":
            with suppress(RefusedActError):  # it was erased meanwhile
                await self.book.change(self.book.stopping(contact.id, "refused"))
        if outcome is not None:
            await self._commit(owner, settled(copies, outcome, now=self.clock()))

    async def _commit(self, owner: Owner, notices: Sequence[Notice]) -> None:
        ends = await owner.commit([Output(NOTICES, PARTITION, notice_record(one)) for one in notices])
        await self._ledger.advance({PARTITION: ends[NOTICES, PARTITION]})
