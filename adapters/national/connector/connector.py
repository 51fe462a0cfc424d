"""The national connector: runs the work of every account; each account is owned by one process at a time."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

import structlog

from adapters.national.connector.account import AccountWork, OwnerTask
from adapters.national.connector.account_identity import AccountIdentity
from adapters.national.delivery.calls import CallPause, Calls
from adapters.national.delivery.order import (
    Adopt,
    Erase,
    Reconcile,
    Replay,
)
from adapters.national.delivery.outbox import Outbox
from adapters.national.delivery.progress import Progress
from adapters.national.delivery.unit_of_work import DeliveryStore, Route
from adapters.national.inbound.inbound import Inbound
from adapters.national.maintenance.adopt_run import adopt
from adapters.national.maintenance.erase import erase
from adapters.national.maintenance.reconcile import Reconciliation
from adapters.national.maintenance.replay import replay
from adapters.national.site.accounts import Accounts
from adapters.national.site.index_walk import RightMissingError
from adapters.national.site.retry import Timing
from adapters.national.site.site import Site, SiteError
from gateway.log.assignment import retry_log_errors, run_assigned
from gateway.log.port import EventLog
from gateway.partners import Partners
from gateway.partners.partners import ChangeConflictError
from gateway.protocol.identity import partition_of
from gateway.protocol.topic import OFFERS

Outboxes: TypeAlias = Callable[[str], Outbox]
"""Opens the outbox of an account."""

_log = structlog.get_logger()


class NationalConnector:
    """Delivers offers to the national site. ``sites`` holds an open client per account name. An error of any account
    ends ``run``.
    """

    def __init__(
        self,
        log: EventLog,
        *,
        accounts: Accounts,
        sites: Mapping[str, Site],
        partners: Partners,
        inbound: Inbound | None,
        outboxes: Outboxes,
        timing: Timing,
    ) -> None:
        self._log = log
        self._accounts = accounts
        self._sites = sites
        self._partners = partners
        self._inbound = inbound
        self._outboxes = outboxes
        self._timing = timing
        self.works: dict[str, AccountWork] = {}

    async def run(self) -> None:
        """Work until cancelled. Raises the error that stopped an account."""
        try:
            async with asyncio.TaskGroup() as group:
                for account in self._accounts.accounts:
                    group.create_task(self._run_account(account))
        except* Exception as errors:  # noqa: BLE001  # unwrapped, not swallowed: the first error is raised
            raise errors.exceptions[0] from None

    async def _run_account(self, account: str) -> None:
        """Work on the account while its home partition is assigned to this process; other partitions stay idle."""
        home = partition_of(account, self._log.partitions)

        async def work(partition: int) -> None:
            if partition != home:
                await asyncio.Event().wait()
            await self._work(account, home)

        await run_assigned(self._log, role=f"national.{account}", topic=OFFERS, work=work)

    async def _open_outbox(self, account: str) -> Outbox:
        return self._outboxes(account)

    async def _work(self, account: str, home: int) -> None:
        outbox = await retry_log_errors(f"national.{account}", partial(self._open_outbox, account))
        route = Route(account, self._accounts, self._partners, self._timing.clock)
        call_pause = CallPause()

        def calls(store: DeliveryStore) -> Calls:
            return Calls(store, self._sites, timing=self._timing, call_pause=call_pause)

        async def obey(store: DeliveryStore, progress: Progress) -> dict[str, Any]:
            async with call_pause.kept():
                return await self._obey(store, progress)

        work = AccountWork(
            self._log,
            route,
            outbox=outbox,
            identity=AccountIdentity(self._accounts.accounts[account], self._sites[account], self._timing),
            calls=calls,
            obey=obey,
            beside=self._inbound_scan(account),
        )
        self.works[account] = work
        try:
            await work.run(home)
        finally:
            del self.works[account]
            outbox.close()

    def _inbound_scan(self, account: str) -> OwnerTask | None:
        """The inbound scan, for the account that the accounts file names for search; None for every other account."""
        search, inbound = self._accounts.search, self._inbound
        if inbound is None or search is None or search.account != account:
            return None

        async def scan(store: DeliveryStore) -> None:
            await inbound.run(store)

        return scan

    async def _obey(self, store: DeliveryStore, progress: Progress) -> dict[str, Any]:
        """Carry out the remaining steps of an order. A failure of the site becomes the order's answer, and the operator
        may place the order again.
        """
        placed = progress.placed
        reconciliation = Reconciliation(store, self._sites[placed.account], self._timing)
        try:
            match placed.order:
                case Replay() as order:
                    return await replay(order, store, progress)
                case Reconcile() as order:
                    return await reconciliation.run(order, progress)
                case Adopt() as order:
                    return await adopt(order, reconciliation, self._partners, progress)
                case Erase() as order:
                    return await erase(order, store, self._sites, self._timing, progress)
        except ChangeConflictError:
            return {"error": "partner-changing"}
        except RightMissingError:
            return {"error": "waiting-for-right"}
        except SiteError as error:
            _log.warning("national.order_failed", account=placed.account, error=str(error))
            return {"error": "site-unavailable", "said": str(error)}
