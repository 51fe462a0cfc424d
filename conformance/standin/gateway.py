"""The stand-in gateway: answers every operation that a partner may call, from its state in memory."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from typing import Any

from conformance.standin.contract import operations
from conformance.standin.documents import Documents
from conformance.standin.exchange import HostAnswer, PartnerRequest, RefusedError
from conformance.standin.feed import Feed, filter_of
from conformance.standin.offers import Offers
from conformance.standin.parameters import Values, read_parameters
from conformance.standin.publishing import Observer, Publishing, Unobserved, id_in_path
from conformance.standin.receipts import Receipts
from conformance.standin.seal import Seal
from conformance.standin.statistics import Statistics
from conformance.standin.tokens import Client

_PAUSE_SECONDS = 0.05


class StandIn:
    """A gateway for these clients. ``day`` is the day of receipt, ``now`` the time in milliseconds since 1970."""

    def __init__(
        self,
        clients: Sequence[Client],
        *,
        day: Callable[[], date],
        now: Callable[[], int],
        observer: Observer | None = None,
    ) -> None:
        hosts = {each.host: each.platform for each in clients if each.host}
        seal = Seal()
        self.offers = Offers([each.platform for each in clients], hosts)
        self._clients = {each.platform: each for each in clients}
        self._day = day
        self._now = now
        self._feed = Feed(self.offers, seal)
        self._receipts = Receipts(seal, self._feed)
        self._statistics = Statistics(day)
        publishing = Publishing(
            self.offers,
            self._receipts,
            self._statistics,
            seal,
            observer=observer or Unobserved(),
            day=day,
            now=now,
        )
        self._documents = Documents(clients, self.offers, self._feed)
        self._answers: Mapping[str, Callable[[PartnerRequest], Awaitable[HostAnswer]]] = {
            "publishOffer": publishing.publish,
            "withdrawOffer": publishing.withdraw,
            "getOffer": self._get_offer,
            "publishBatch": publishing.take_batch,
            "takeMark": publishing.take_mark,
            "applySnapshot": publishing.take_snapshot,
            "listReceipts": self._list_receipts,
            "getReceipt": self._get_receipt,
            "listOffers": self._list_offers,
            "getChanges": self._get_changes,
            "exportOffers": self._export,
            "listPlatforms": self._list_platforms,
            "getStatistics": self._get_statistics,
        }

    async def answer(self, ask: PartnerRequest) -> HostAnswer:
        """The answer to an authorised request, or to a public one."""
        self.offers.expire(self._day(), now=self._now())
        try:
            if not operations()[ask.operation].scopes:
                return self._documents.public(ask)
            return await self._answers[ask.operation](ask)
        except RefusedError as error:
            return error.answer

    async def _get_offer(self, ask: PartnerRequest) -> HostAnswer:
        read_parameters(ask)
        return self._feed.offer(ask, id_in_path(ask))

    async def _list_offers(self, ask: PartnerRequest) -> HostAnswer:
        values = read_parameters(ask)
        return self._feed.offers(ask, values, self._filter(ask, values))

    async def _get_changes(self, ask: PartnerRequest) -> HostAnswer:
        """A page, at once where there is something to tell, else at the end of ``wait``."""
        values = read_parameters(ask)
        asked, loop = self._filter(ask, values), asyncio.get_running_loop()
        deadline = loop.time() + (values["wait"] or 0.0)
        while True:
            answer = self._feed.changes(ask, values, asked, now=self._now())
            if answer.body["changes"] or answer.body["more"] or loop.time() >= deadline:
                return answer
            await asyncio.sleep(_PAUSE_SECONDS)

    def _filter(self, ask: PartnerRequest, values: Values) -> dict[str, Any]:
        return filter_of(values, self._clients[ask.platform].territory)

    async def _list_receipts(self, ask: PartnerRequest) -> HostAnswer:
        return self._receipts.page(ask, read_parameters(ask), now=self._now())

    async def _get_receipt(self, ask: PartnerRequest) -> HostAnswer:
        read_parameters(ask)
        return self._receipts.one(ask, ask.variables["receipt"], now=self._now())

    async def _export(self, ask: PartnerRequest) -> HostAnswer:
        return self._documents.export(ask, lambda values: self._filter(ask, values))

    async def _list_platforms(self, ask: PartnerRequest) -> HostAnswer:
        read_parameters(ask)
        return self._documents.platforms(ask, now=self._now())

    async def _get_statistics(self, ask: PartnerRequest) -> HostAnswer:
        return self._statistics.answer(ask, read_parameters(ask, today=self._day()))
