"""A federation as settings name it, built identically in the main process and in workers, and its running parts."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeVar

from gateway.bootstrap.log import open_log, refuse_older
from gateway.bootstrap.views import VIEWS
from gateway.clock import Clock, now
from gateway.federation import Federation
from gateway.federation.counters import Metrics
from gateway.ingest.backlog import Backlog
from gateway.ingest.refusals import RefusalCounter
from gateway.ingest.snapshot import Snapshots
from gateway.ingest.submissions import Submissions
from gateway.log.port import EventLog
from gateway.log.positions import Positions
from gateway.log.sqlite import SqliteLog
from gateway.notices.contacts import ContactBook
from gateway.operate.health import HOUR_MS, HealthTerms
from gateway.operate.journal import Journal
from gateway.operate.releases import ReleaseBook
from gateway.partners import Partners
from gateway.partners.sign_in import SignIns
from gateway.protocol.refused_offers import refused_offer_seal
from gateway.protocol.seal import ReceiptIds, Seal
from gateway.protocol.topic import DELIVERIES, JOURNAL, OFFERS, RECEIPTS, RUNS, STATISTICS
from gateway.push.book import SubscriptionBook
from gateway.runtime.activity import Activity
from gateway.runtime.keys import load_secret
from gateway.settings import Settings
from gateway.store import DeliveryView, JournalView, OfferView, ReceiptView, RunView, StatisticsView
from gateway.store.view import View

_SomeView = TypeVar("_SomeView", bound=View)


def running(federation: Federation) -> dict[str, Callable[[], Awaitable[None]]]:
    """The long-running parts of every process, by the name that appears in errors."""
    parts: dict[str, Callable[[], Awaitable[None]]] = {
        "partners": federation.partners.run,
        "positions": federation.positions.run,
        "releases": federation.releases.run,
        "refusals": federation.refusals.run,
        "acts": federation.acts.run,
    }
    if isinstance(federation.log, SqliteLog):
        parts["log writer"] = federation.log.ended
    return parts


def conditions(federation: Federation) -> dict[str, bool]:
    """Readiness conditions of every process: requests are answered when all are true."""
    log, partners, positions = federation.log, federation.partners, federation.positions
    whole = not (isinstance(log, SqliteLog) and log.damage)
    return {
        "log": whole,
        "partners": partners.caught_up,
        "positions": positions.caught_up,
        "releases": federation.releases.ready,
    }


async def build_federation(
    settings: Settings,
    stack: AsyncExitStack,
    *,
    follow: bool = False,
    ready: Callable[[EventLog, Partners], Awaitable[None]] | None = None,
    check: bool = False,
    log: EventLog | None = None,
    clock: Clock = now,
    submitting: Activity | None = None,
) -> Federation:
    """Build the federation, which is closed with the stack. ``ready`` is called when partners are loaded, before the
    views are opened. ``follow``: the main process updates the views, a worker follows them. ``check`` checks the
    embedded log's file first.

    ``log`` replaces the one that the settings name; the caller closes it. ``submitting``: who submits in any process of
    this gateway.
    """
    if log is None:
        log = await stack.enter_async_context(open_log(settings, check=check, follow=follow))
    if check and isinstance(log, SqliteLog):
        await refuse_older(log, settings, VIEWS)
    identity = await log.identity()
    partners = Partners(log, clock=clock)
    stack.push_async_callback(partners.close)
    await partners.catch_up()
    if ready is not None:
        await ready(log, partners)
    secret = load_secret(settings.secret, folder=settings.data)
    ids = ReceiptIds(secret)

    async def open_view(kind: type[_SomeView], topic: str) -> _SomeView:
        construct = kind.follow if follow else kind.open
        path = settings.data / "views" / f"{topic}.sqlite"
        view = await construct(path, log_identity=identity, partitions=log.partitions)
        stack.push_async_callback(view.close)
        return view

    opening = offers, receipts, deliveries, runs, statistics, journal = (
        asyncio.create_task(open_view(OfferView, OFFERS)),
        asyncio.create_task(open_view(ReceiptView, RECEIPTS)),
        asyncio.create_task(open_view(DeliveryView, DELIVERIES)),
        asyncio.create_task(open_view(RunView, RUNS)),
        asyncio.create_task(open_view(StatisticsView, STATISTICS)),
        asyncio.create_task(open_view(JournalView, JOURNAL)),
    )
    try:
        await asyncio.wait(opening)
    except asyncio.CancelledError:
        await asyncio.wait(opening)  # so that the stack closes each that opens
        raise
    for error in filter(None, [one.exception() for one in opening]):
        raise error
    contacts = ContactBook(log, secret=secret, clock=clock)
    stack.push_async_callback(contacts.close)
    positions = Positions(log)
    stack.push_async_callback(positions.close)
    backlog = Backlog(positions, submitting)
    submissions = Submissions(log, ids=ids, clock=clock, backlog=backlog)
    metrics = Metrics()
    releases = ReleaseBook(log, clock=clock)
    stack.push_async_callback(releases.close)
    await releases.catch_up()
    subscriptions = SubscriptionBook(log, loopback=bool(settings.loopback_feeds))
    stack.push_async_callback(subscriptions.close)
    return Federation(
        log=log,
        identity=identity,
        secret=secret,
        partners=partners,
        sign_ins=SignIns(partners, secret, clock=clock),
        ids=ids,
        backlog=backlog,
        submissions=submissions,
        offers=offers.result(),
        receipts=receipts.result(),
        deliveries=deliveries.result(),
        runs=runs.result(),
        statistics=statistics.result(),
        journal=journal.result(),
        acts=Journal(log, secret=secret, clock=clock),
        contacts=contacts,
        refusals=RefusalCounter(log, clock=clock, seal=refused_offer_seal(secret), counted=metrics.count_refusals),
        positions=positions,
        snapshots=Snapshots(
            log,
            submissions=submissions,
            offers=offers.result(),
            positions=positions,
            ids=ids,
            seal=Seal(secret, purpose="mark"),
            clock=clock,
        ),
        subscriptions=subscriptions,
        releases=releases,
        metrics=metrics,
        terms=HealthTerms(
            late_exchanges=settings.late_exchanges,
            down_ms=settings.down_hours * HOUR_MS,
            publish_ms=settings.publish_hours * HOUR_MS,
            require_certificate=settings.require_certificate,
        ),
        clock=clock,
    )
