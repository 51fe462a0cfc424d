"""Build the objects that requests need, identically in the main process and in workers."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from gateway.api.management import Metrics
from gateway.bootstrap.log import open_log, refuse_older
from gateway.clock import Clock, now
from gateway.ingest.snapshot import Snapshots
from gateway.ingest.submissions import Submissions
from gateway.log.port import EventLog
from gateway.log.positions import Positions
from gateway.log.sqlite import SqliteLog
from gateway.partners import Partners
from gateway.protocol.seal import ReceiptIds, Seal
from gateway.protocol.topic import DELIVERIES, OFFERS, RECEIPTS, RUNS
from gateway.runtime.keys import load_secret
from gateway.settings import Settings
from gateway.store import (
    DeliveryView,
    OfferView,
    ReceiptView,
    RunView,
)

_VIEWS = {
    OFFERS: "offers.sqlite",
    RECEIPTS: "receipts.sqlite",
    DELIVERIES: "deliveries.sqlite",
    RUNS: "runs.sqlite",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewTypes:
    """The classes of the four views."""

    offers: type[OfferView]
    receipts: type[ReceiptView]
    deliveries: type[DeliveryView]
    runs: type[RunView]


WRITABLE_VIEWS = ViewTypes(offers=OfferView, receipts=ReceiptView, deliveries=DeliveryView, runs=RunView)
"""Views that this process writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The objects that requests need, built but not yet running."""

    settings: Settings
    log: EventLog
    identity: str
    partners: Partners
    secret: bytes = field(repr=False)
    ids: ReceiptIds
    submissions: Submissions
    offers: OfferView
    receipts: ReceiptView
    deliveries: DeliveryView
    runs: RunView
    positions: Positions
    snapshots: Snapshots
    metrics: Metrics
    clock: Clock

    def running(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """The long-running parts, by the name that appears in errors."""
        running: dict[str, Callable[[], Awaitable[None]]] = {
            "partners": self.partners.run,
            "positions": self.positions.run,
        }
        if isinstance(self.log, SqliteLog):
            running["log writer"] = self.log.ended
        return running

    def conditions(self) -> dict[str, bool]:
        """Readiness conditions: requests are answered when all are true."""
        whole = not (isinstance(self.log, SqliteLog) and self.log.damage)
        return {"log": whole, "partners": self.partners.caught_up, "positions": self.positions.caught_up}


async def build_parts(
    settings: Settings,
    stack: AsyncExitStack,
    *,
    views: ViewTypes = WRITABLE_VIEWS,
    ready: Callable[[EventLog, Partners], Awaitable[None]] | None = None,
    check: bool = False,
    log: EventLog | None = None,
    clock: Clock = now,
) -> Parts:
    """Build the parts; they are closed with the stack. ``ready`` is called when partners are loaded, before the
    views are opened. ``views``: writable in the main process, followers in a worker. ``check`` checks the embedded
    log's file first.

    ``log`` replaces the one that the settings name; the caller closes it.
    """
    if log is None:
        log = await stack.enter_async_context(open_log(settings, check=check))
    if check and isinstance(log, SqliteLog):
        await refuse_older(log, settings, _VIEWS)
    identity = await log.identity()
    partners = Partners(log, clock=clock)
    await partners.catch_up()
    if ready is not None:
        await ready(log, partners)
    secret = load_secret(settings.secret, folder=settings.data)
    ids = ReceiptIds(secret)
    folder = settings.data / "views"
    offer_view = await views.offers.open(folder / _VIEWS[OFFERS], log_identity=identity, partitions=log.partitions)
    stack.push_async_callback(offer_view.close)
    receipt_view = await views.receipts.open(
        folder / _VIEWS[RECEIPTS], log_identity=identity, partitions=log.partitions
    )
    stack.push_async_callback(receipt_view.close)
    delivery_view = await views.deliveries.open(
        folder / _VIEWS[DELIVERIES], log_identity=identity, partitions=log.partitions
    )
    stack.push_async_callback(delivery_view.close)
    run_view = await views.runs.open(folder / _VIEWS[RUNS], log_identity=identity, partitions=log.partitions)
    stack.push_async_callback(run_view.close)
    positions = Positions(log)
    submissions = Submissions(log, ids=ids, clock=clock)
    return Parts(
        settings=settings,
        log=log,
        identity=identity,
        partners=partners,
        secret=secret,
        ids=ids,
        submissions=submissions,
        offers=offer_view,
        receipts=receipt_view,
        deliveries=delivery_view,
        runs=run_view,
        positions=positions,
        snapshots=Snapshots(
            log,
            submissions=submissions,
            offers=offer_view,
            positions=positions,
            ids=ids,
            seal=Seal(secret, purpose="mark"),
            clock=clock,
        ),
        metrics=Metrics(),
        clock=clock,
    )
