"""Parts of a gateway in this process, on a log with a clock set by the test: for years and clock steps."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import schemas
from gateway.errors import LogError
from gateway.ingest.submissions import Submissions
from gateway.log.port import EventLog
from gateway.protocol import cursor as cursors
from gateway.protocol.cursor import Cursor
from gateway.protocol.seal import ReceiptIds
from gateway.protocol.submission import Publish, Submission, Withdraw
from gateway.protocol.topic import OFFERS
from gateway.protocol.visibility import Filter, Reader
from gateway.relay import Relay
from gateway.store import OfferView, ViewUpdater
from tests.clock import ManualClock
from tests.faults.ending import decided
from tests.faults.history import Seen

IDS = ReceiptIds(b"f" * 32)
READER = Reader("national")
EVERYTHING = Filter()
_SECONDS = 30.0


class Inner:
    """Submissions, relay and one view, running. ``submit`` is the way in, ``changes`` the way out."""

    def __init__(self, log: EventLog, folder: Path, clock: ManualClock, offers: OfferView, identity: str) -> None:
        self.log = log
        self._clock = clock
        self._offers = offers
        self._identity = identity
        self._submissions = Submissions(log, ids=IDS, clock=clock)
        self._updater = ViewUpdater(log, OFFERS, offers, clock=clock)
        self._relay = Relay(
            log,
            folder=folder,
            identity=identity,
            submissions=self._submissions,
            ids=IDS,
            clock=clock,
            decided=lambda _: None,
            upkeep_seconds=0.1,
        )

    @asynccontextmanager
    async def running(self, *, relay: bool = True) -> AsyncIterator[None]:
        """While entered."""
        parts = [self._updater.run(), self._relay.run()] if relay else [self._updater.run()]
        tasks = [asyncio.ensure_future(part) for part in parts]
        if not relay:
            self._relay.run().close()
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task

    def prepare(self, raw: bytes) -> Publish | Withdraw:
        """The submission of a document that must be accepted today."""
        verdict = schemas.check_submission(raw, on=self._clock.today)
        assert verdict.accepted, verdict.problems
        publisher = str(verdict.id).partition(":")[0]
        return self._submissions.prepare(verdict, publisher=publisher, hosts={})

    async def submit(self, submissions: Sequence[Submission]) -> None:
        """Submit all of it, with certain outcomes."""
        for outcome in await self._submissions.submit(submissions):
            assert not isinstance(outcome, LogError), outcome

    async def settled(self) -> None:
        """Wait until everything is decided and in the view."""
        async with asyncio.timeout(_SECONDS):
            while not await decided(self.log):
                await asyncio.sleep(0.05)
            assert await self._offers.reached(await self.log.ends(OFFERS), _SECONDS)

    def begin(self) -> Cursor:
        """The cursor of a subscriber that begins now."""
        end = self._offers.positions
        return cursors.start(end=end, now=self._clock(), criteria=EVERYTHING, reader=READER, log=self._identity)

    async def changes(self, cursor: Cursor) -> tuple[list[Seen], Cursor]:
        """All changes after a cursor, and the cursor after them."""
        seen: list[Seen] = []
        more = True
        while more:
            found, positions, more = await self._offers.changes(cursor, reader=READER, criteria=EVERYTHING, limit=70)
            seen += [
                Seen(one["op"], one["id"], one["sequence"], one["offer"]["revision"] if "offer" in one else None)
                for one in found
            ]
            cursor = Cursor(
                positions=positions,
                began=cursor.began,
                fresh=cursor.fresh,
                filter=cursor.filter,
                reader=cursor.reader,
                log=cursor.log,
            )
        return seen, cursor


@asynccontextmanager
async def inner_gateway(log: EventLog, folder: Path, clock: ManualClock) -> AsyncIterator[Inner]:
    """The parts of a process that begins with the log only."""
    identity = await log.identity()
    offers = await OfferView.open(folder / "offers.sqlite", log_identity=identity, partitions=log.partitions)
    try:
        yield Inner(log, folder, clock, offers, identity)
    finally:
        await offers.close()
