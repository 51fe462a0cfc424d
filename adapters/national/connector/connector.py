"""The national connector: every account's work in this process, each account by one process at a time."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

import structlog

from adapters.national.connector.account import AccountWork, Beside
from adapters.national.connector.account_identity import AccountIdentity
from adapters.national.delivery.calls import Calls, Quiet
from adapters.national.delivery.order import (
    Adopt,
    Erase,
    Reconcile,
    Replay,
)
from adapters.national.delivery.outbox import Outbox
from adapters.national.delivery.progress import Progress
from adapters.national.delivery.unit_of_work import Ledger, Route
from adapters.national.inbound.inbound import Inbound
from adapters.national.maintenance.adopt_run import adopt
from adapters.national.maintenance.erase import erase
from adapters.national.maintenance.reconcile import Reconciliation
from adapters.national.maintenance.replay import replay
from adapters.national.site.accounts import Accounts
from adapters.national.site.index_walk import RightMissingError
from adapters.national.site.retry import Timing
from adapters.national.site.site import Site, SiteError
from gateway.log.assignment import keep_going, work_share
from gateway.log.port import EventLog
from gateway.partners import Partners
from gateway.partners.change import ChangeConflictError
from gateway.protocol.identity import partition_of
from gateway.protocol.topic import OFFERS

Outboxes: TypeAlias = Callable[[str], Outbox]
"""Opens the outbox of an account."""

_log = structlog.get_logger()


class NationalConnector:
    """Delivers offers to the national site. ``sites`` holds the site as each account sees it, open, by account name. An
    error of any account ends ``run``.
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
        """Work until cancelled; raises what made an account stop."""
        try:
            async with asyncio.TaskGroup() as group:
                for account in self._accounts.accounts:
                    group.create_task(self._share(account))
        except* Exception as errors:  # noqa: BLE001  # unwrapped, not swallowed: the first error speaks
            raise errors.exceptions[0] from None

    async def _share(self, account: str) -> None:
        """Work on the account wherever its home partition is this process's; the group's other partitions are idle."""
        home = partition_of(account, self._log.partitions)

        async def work(partition: int) -> None:
            if partition != home:
                await asyncio.Event().wait()
            await self._work(account, home)

        await work_share(self._log, role=f"national.{account}", topic=OFFERS, work=work)

    async def _open_outbox(self, account: str) -> Outbox:
        return self._outboxes(account)

    async def _work(self, account: str, home: int) -> None:
        outbox = await keep_going(f"national.{account}", partial(self._open_outbox, account))
        route = Route(account, self._accounts, self._partners, self._timing.clock)
        quiet = Quiet()

        def calls(ledger: Ledger) -> Calls:
            return Calls(ledger, self._sites, timing=self._timing, quiet=quiet)

        async def obey(ledger: Ledger, progress: Progress) -> dict[str, Any]:
            async with quiet.kept():
                return await self._obey(ledger, progress)

        work = AccountWork(
            self._log,
            route,
            outbox=outbox,
            identity=AccountIdentity(self._accounts.accounts[account], self._sites[account], self._timing),
            calls=calls,
            obey=obey,
            beside=self._beside(account),
        )
        self.works[account] = work
        try:
            await work.run(home)
        finally:
            del self.works[account]
            outbox.close()

    def _beside(self, account: str) -> Beside | None:
        """The account that may search also looks for offers made at the site."""
        search, inbound = self._accounts.search, self._inbound
        if inbound is None or search is None or search.account != account:
            return None

        async def look(ledger: Ledger) -> None:
            await inbound.run(ledger)

        return look

    async def _obey(self, ledger: Ledger, progress: Progress) -> dict[str, Any]:
        """Carry out what is left of an order. What the site does not answer becomes the order's answer: the operator
        asks again.
        """
        placed = progress.placed
        reconciliation = Reconciliation(ledger, self._sites[placed.account], self._timing)
        try:
            match placed.order:
                case Replay() as order:
                    return await replay(order, ledger, progress)
                case Reconcile() as order:
                    return await reconciliation.run(order, progress)
                case Adopt() as order:
                    return await adopt(order, reconciliation, self._partners, progress)
                case Erase() as order:
                    return await erase(order, ledger, self._sites, self._timing, progress)
        except ChangeConflictError:
            return {"error": "partner-changing"}
        except RightMissingError:
            return {"error": "waiting-for-right"}
        except SiteError as error:
            _log.warning("national.order_failed", account=placed.account, error=str(error))
            return {"error": "site-unavailable", "said": str(error)}
