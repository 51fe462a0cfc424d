"""A running federation: its log, its partners, its views, and the writers of its topics, in one process."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from gateway.clock import Clock
from gateway.errors import LogError
from gateway.federation.counters import Metrics
from gateway.ingest.backlog import Backlog
from gateway.ingest.refusals import RefusalCounter
from gateway.ingest.snapshot import Snapshots
from gateway.ingest.submissions import Submissions
from gateway.log.port import EventLog
from gateway.log.positions import Positions
from gateway.notices.contacts import ContactBook
from gateway.operate.desk import Desk, RefusedActError
from gateway.operate.health import HealthTerms
from gateway.operate.journal import Journal
from gateway.operate.releases import ReleaseBook
from gateway.partners import Partners
from gateway.partners.sign_in import SignIns
from gateway.protocol.join_request import DryRun, Rehearse
from gateway.protocol.journal import Actor
from gateway.protocol.paris_time import paris_date
from gateway.protocol.seal import ReceiptIds
from gateway.protocol.topic import DELIVERIES, JOURNAL, OFFERS, RECEIPTS, RUNS, STATISTICS
from gateway.push.book import SubscriptionBook
from gateway.push.follower import PushParts
from gateway.store import DeliveryView, JournalView, OfferView, ReceiptView, RunView, StatisticsView
from gateway.store.view import View
from schemas.rules.beginning import MARKS, waiting

_DISPLAYED_SECONDS = 5.0


async def _without_feeds(_profile: Mapping[str, Any]) -> DryRun:
    """The dry run of a gateway that fetches none: one that does brings all readers of feeds with it."""
    raise RefusedActError("unknown", "This gateway reads no feeds.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Federation:
    """The parts that facts and acts need. ``journal`` is the view of the journal, ``acts`` its writer; ``terms`` say
    when a system is late or down, and from which day on publishing needs a certificate. ``secret`` seals what the
    gateway gives out. ``rehearse``: a dry run of a stranger's feed. ``judging``: one release at a time judges offers
    again.
    """

    log: EventLog
    identity: str
    secret: bytes = field(repr=False)
    partners: Partners
    sign_ins: SignIns
    ids: ReceiptIds
    backlog: Backlog
    submissions: Submissions
    offers: OfferView
    receipts: ReceiptView
    deliveries: DeliveryView
    runs: RunView
    statistics: StatisticsView
    journal: JournalView
    acts: Journal
    contacts: ContactBook
    refusals: RefusalCounter
    positions: Positions
    snapshots: Snapshots
    subscriptions: SubscriptionBook
    releases: ReleaseBook
    metrics: Metrics
    terms: HealthTerms
    clock: Clock
    rehearse: Rehearse = _without_feeds
    judging: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def views(self) -> Mapping[str, View]:
        """The views, by topic."""
        return {
            OFFERS: self.offers,
            RECEIPTS: self.receipts,
            DELIVERIES: self.deliveries,
            RUNS: self.runs,
            STATISTICS: self.statistics,
            JOURNAL: self.journal,
        }

    def desk(self, actor: Actor, why: str | None = None) -> Desk:
        """The desk at which someone acts, with a reason."""
        return Desk(
            log=self.log, partners=self.partners, journal=self.acts, actor=actor, why=why or None, clock=self.clock
        )

    @property
    def waiting(self) -> frozenset[str]:
        """The marks of the fields and values that have not begun today."""
        return (
            waiting(date.fromisoformat(paris_date(self.clock())), self.releases.activations) if MARKS else frozenset()
        )

    def push_parts(self) -> PushParts:
        """The parts of the sender of pushes."""
        return PushParts(
            identity=self.identity,
            secret=self.secret,
            partners=self.partners,
            book=self.subscriptions,
            view=self.offers,
            clock=self.clock,
            count=self.metrics.count_push,
        )

    async def wait_until_displayed(self, *topics: str) -> None:
        """Wait until these views have reached the log's end, 5 s per topic at most. The act is complete, so a LogError
        is ignored.
        """
        for topic in topics:
            with suppress(LogError):
                await self.views[topic].reached(await self.log.ends(topic), _DISPLAYED_SECONDS)

    @property
    def caught_up(self) -> bool:
        """Whether every view has reached the end that its log had at the start."""
        return all(view.caught_up for view in self.views.values())
