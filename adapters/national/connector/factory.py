"""Connector factory: builds sites, outboxes and the inbound scan from the accounts file."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from adapters.national.connector.connector import NationalConnector
from adapters.national.delivery.outbox import Outbox
from adapters.national.inbound.inbound import Inbound
from adapters.national.inbound.state import InboundState
from adapters.national.site.accounts import Accounts
from adapters.national.site.client import ANSWER_SECONDS, NationalSite
from adapters.national.site.rate import Rate
from adapters.national.site.retry import Timing
from gateway.ingest.submissions import Submissions
from gateway.log.port import EventLog
from gateway.partners import Partners
from gateway.protocol.seal import ReceiptIds


@asynccontextmanager
async def open_connector(
    log: EventLog,
    accounts: Accounts,
    *,
    partners: Partners,
    submissions: Submissions,
    ids: ReceiptIds,
    folder: Path,
    timing: Timing,
    answer_seconds: float = ANSWER_SECONDS,
) -> AsyncIterator[NationalConnector]:
    """A connector that is ready to run; ``folder`` holds its outboxes. It must end before the block does."""
    identity = await log.identity()
    async with AsyncExitStack() as stack:
        sites: dict[str, NationalSite] = {}
        for name, account in accounts.accounts.items():
            rate = Rate(clock=timing.clock, sleep=timing.sleep)
            site = NationalSite(account, rate=rate, clock=timing.clock, answer_seconds=answer_seconds)
            sites[name] = await stack.enter_async_context(site)
        inbound = None
        if accounts.search is not None:
            inbound = Inbound(
                log,
                site=sites[accounts.search.account],
                search=accounts.search,
                partners=partners,
                submissions=submissions,
                ids=ids,
                open_state=lambda: InboundState(folder / "inbound.sqlite", log=identity),
                timing=timing,
            )
            stack.callback(inbound.close)
        yield NationalConnector(
            log,
            accounts=accounts,
            sites=sites,
            partners=partners,
            inbound=inbound,
            outboxes=lambda name: Outbox(folder / f"outbox-{name}.sqlite", log=identity),
            timing=timing,
        )
