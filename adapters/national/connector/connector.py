"""The national connector: runs the work of every account; each account is owned by one process at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from adapters.national.connector.account import AccountWork
from adapters.national.connector.account_identity import AccountIdentity
from adapters.national.delivery.calls import CallPause, Calls
from adapters.national.delivery.outbox import Outbox
from adapters.national.delivery.progress import Progress
from adapters.national.delivery.unit_of_work import DeliveryStore, Route
from adapters.national.inbound.inbound import Inbound
from adapters.national.inbound.state import InboundState
from adapters.national.maintenance.adopt_run import adopt
from adapters.national.maintenance.offer_orders import erase, replay
from adapters.national.maintenance.reconcile import Reconciliation
from adapters.national.site.accounts import Accounts
from adapters.national.site.client import ANSWER_SECONDS, HttpSite
from adapters.national.site.index_walk import RightMissingError
from adapters.national.site.site import SiteError
from adapters.national.site.timing import Rate, Timing
from gateway.ingest.submissions import Submissions
from gateway.log.assignment import run_assigned
from gateway.log.port import EventLog
from gateway.log.retry import retry_log_errors
from gateway.partners import Partners
from gateway.partners.partners import ChangeConflictError
from gateway.protocol.delivery_order import Adopt, Erase, Reconcile, Replay
from gateway.protocol.identity import partition_of
from gateway.protocol.seal import ReceiptIds
from gateway.protocol.topic import OFFERS

_log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class NationalConnector:
    """Delivers offers to the national site. ``sites`` holds an open client per account name; ``inbound`` is the scan of
    the account that the accounts file names for search. An error of any account ends ``run``.
    """

    log: EventLog
    accounts: Accounts
    sites: Mapping[str, HttpSite]
    partners: Partners
    inbound: Inbound | None
    open_outbox: Callable[[str], Outbox]
    timing: Timing

    async def run(self) -> None:
        """Work until cancelled. Raises the error that stopped an account."""
        try:
            async with asyncio.TaskGroup() as group:
                for account in self.accounts.accounts:
                    group.create_task(self._run_account(account))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _run_account(self, account: str) -> None:
        """Work on the account while its home partition is assigned to this process; other partitions stay idle."""
        home = partition_of(account, self.log.partitions)

        async def work(partition: int) -> None:
            if partition != home:
                await asyncio.Event().wait()
            await self._work(account, home)

        await run_assigned(self.log, role=f"national.{account}", topic=OFFERS, work=work)

    async def _work(self, account: str, home: int) -> None:
        async def open_outbox() -> Outbox:
            return self.open_outbox(account)

        outbox = await retry_log_errors(f"national.{account}", open_outbox)
        call_pause = CallPause()

        def calls(store: DeliveryStore) -> Calls:
            return Calls(store, self.sites, timing=self.timing, call_pause=call_pause)

        async def execute(store: DeliveryStore, progress: Progress) -> dict[str, Any]:
            async with call_pause.kept():
                return await self._execute(store, progress)

        searches = self.accounts.search is not None and self.accounts.search.account == account
        work = AccountWork(
            log=self.log,
            route=Route(account, self.accounts, self.partners, self.timing.clock),
            outbox=outbox,
            identity=AccountIdentity(self.accounts.accounts[account], self.sites[account], self.timing),
            make_calls=calls,
            execute=execute,
            inbound_scan=self.inbound.run if self.inbound is not None and searches else None,
        )
        try:
            await work.run(home)
        finally:
            outbox.close()

    async def _execute(self, store: DeliveryStore, progress: Progress) -> dict[str, Any]:
        """Carry out the remaining steps of an order. A failure of the site becomes the order's answer, and the operator
        may place the order again.
        """
        placed = progress.placed
        reconciliation = Reconciliation(store, self.sites[placed.account], self.timing)
        try:
            match placed.order:
                case Replay() as order:
                    return await replay(order, store, progress)
                case Reconcile() as order:
                    return await reconciliation.run(order, progress)
                case Adopt() as order:
                    return await adopt(order, reconciliation, self.partners, progress)
                case Erase() as order:
                    return await erase(order, store, self.sites, self.timing, progress)
        except ChangeConflictError:
            return {"error": "partner-changing"}
        except RightMissingError:
            return {"error": "waiting-for-right"}
        except SiteError as error:
            _log.warning("national.order_failed", account=placed.account, error=str(error))
            return {"error": "site-unavailable", "said": str(error)}


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
        sites: dict[str, HttpSite] = {}
        for name, account in accounts.accounts.items():
            rate = Rate(clock=timing.clock, sleep=timing.sleep)
            site = HttpSite(account, rate=rate, clock=timing.clock, answer_seconds=answer_seconds)
            sites[name] = await stack.enter_async_context(site)
        inbound = None
        if accounts.search is not None:
            inbound = Inbound(
                log=log,
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
            log=log,
            accounts=accounts,
            sites=sites,
            partners=partners,
            inbound=inbound,
            open_outbox=lambda name: Outbox(folder / f"outbox-{name}.sqlite", log=identity),
            timing=timing,
        )
