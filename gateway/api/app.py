"""The application: every route, and the middleware in front of them."""

from collections.abc import AsyncIterator

from aiohttp import web

from gateway.api import (
    batch,
    certificates,
    changes,
    contacts,
    digest,
    discovery,
    every_receipt,
    exports,
    feeds,
    get_offers,
    impact,
    join_requests,
    journal,
    moderation,
    national,
    partners,
    platforms,
    put_offer,
    receipts,
    releases,
    sign_in,
    snapshots,
    statistics,
    subscriptions,
    tokens,
)
from gateway.api.body import DISK_QUOTA
from gateway.api.context import CONTEXT, Context
from gateway.api.deprecation import DEPRECATIONS, by_route
from gateway.api.digest import COPIES, DIGESTS, KeptCopies
from gateway.api.exports import EXPORTS
from gateway.api.idempotency import REQUESTS
from gateway.api.impact import IMPACTS
from gateway.api.limit import ADDRESS_RATES, RATES, SLOTS, WAITS, AddressRates, Rates, Slots
from gateway.api.middleware import complete, request_middleware
from gateway.api.work import WORK_REGISTRY, WorkRegistry
from gateway.ingest.idempotency import Requests
from gateway.ingest.upload.spool import DiskQuota
from gateway.runtime.activity import Activity
from gateway.runtime.loop import hurry
from gateway.runtime.processor import Processor
from schemas.contract import deprecations

_MODULES = (
    tokens,
    discovery,
    batch,
    snapshots,
    put_offer,
    moderation,
    receipts,
    get_offers,
    exports,
    changes,
    digest,
    platforms,
    statistics,
    impact,
    subscriptions,
    journal,
    feeds,
    releases,
    partners,
    sign_in,
    contacts,
    join_requests,
    certificates,
    national,
    every_receipt,
)


def build_app(context: Context, *, activity: Activity | None = None) -> web.Application:
    """The API of a gateway with these components. The composition root adds ``TOKEN_ISSUER`` and ``METRICS``.
    ``activity``: shared with the other processes that serve it.
    """
    app = web.Application(middlewares=[request_middleware])
    app[CONTEXT] = context
    app[RATES] = Rates(context.limits.requests_per_minute)
    app[ADDRESS_RATES] = AddressRates(context.limits.requests_per_minute)
    app[SLOTS] = Slots(context.limits.uploads_at_once, full="uploads-busy")
    app[WAITS] = Slots(context.limits.uploads_waiting, full="uploads-busy")
    app[EXPORTS] = Slots(context.limits.exports_at_once, full="exports-busy")
    app[DIGESTS] = Slots(context.limits.exports_at_once, full="digests-busy", each=1)
    app[IMPACTS] = Slots(context.limits.exports_at_once, full="impact-busy", each=1)
    app[COPIES] = KeptCopies()
    processor = Processor(percent=context.limits.processor_percent, hurry=hurry, activity=activity)
    app[WORK_REGISTRY] = WorkRegistry(processor)
    app[DISK_QUOTA] = DiskQuota(context.limits.spool_bytes)
    app[REQUESTS] = Requests(context.federation.log)
    app[DEPRECATIONS] = by_route(deprecations())
    app.on_response_prepare.append(complete)
    app.on_shutdown.append(_stop)
    app.cleanup_ctx.append(_close_requests)
    for module in _MODULES:
        app.add_routes(module.ROUTES)
    return app


async def _stop(app: web.Application) -> None:
    """Runs once no new connection is accepted, before the server waits for the requests in progress."""
    app[WORK_REGISTRY].stop()


async def _close_requests(app: web.Application) -> AsyncIterator[None]:
    yield
    await app[REQUESTS].close()
