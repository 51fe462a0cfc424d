"""The rehearsal: computes the due calls of the connector from the log, without ownership and without calls."""

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from adapters.national.delivery.outbox import Outbox
from adapters.national.delivery.unit_of_work import DeliveryStore, Route, review
from adapters.national.site.accounts import Accounts
from gateway.clock import now
from gateway.log.port import EventLog, Output
from gateway.log.reading import read_all
from gateway.partners import Partners
from gateway.protocol.delivery import AccountPlan, is_delivery
from gateway.protocol.identity import platform_of
from gateway.protocol.topic import DELIVERIES, OFFERS

_PAGE = 2_000


class _NullOwner:
    """Owner that discards its commits: a rehearsal writes nothing."""

    async def commit(self, outputs: Sequence[Output]) -> Mapping[tuple[str, int], int]:
        """Discard the outputs."""
        del outputs
        return {}

    async def end(self, topic: str, partition: int) -> int:
        """Always 0: nothing is written."""
        del topic, partition
        return 0

    async def close(self) -> None:
        """Nothing to close."""


async def rehearse(log: EventLog, accounts: Accounts) -> list[AccountPlan]:
    """The plan of each account, computed in temporary outboxes."""
    identity = await log.identity()
    async with Partners(log).caught_up_once() as partners:
        with tempfile.TemporaryDirectory() as folder:
            routes = [Route(name, accounts, partners, now) for name in accounts.accounts]
            return [await _plan(log, route, Path(folder), identity) for route in routes]


async def _plan(log: EventLog, route: Route, folder: Path, identity: str) -> AccountPlan:
    outbox = Outbox(folder / f"{route.account}.sqlite", log=identity)
    try:
        await _fill(log, outbox, route)
        store = DeliveryStore(_NullOwner(), outbox, route, partitions=log.partitions)
        await review(store)
        states: Counter[str] = Counter()
        codes: Counter[str] = Counter()
        for offer_id in outbox.ids():
            delivery = outbox.delivery(offer_id)
            for part in () if delivery is None else delivery.current():
                states[part.state] += 1
                codes.update(problem["code"] for problem in part.problems)
        return AccountPlan(route.account, outbox.queue(route.clock()), dict(states), dict(codes))
    finally:
        outbox.close()


async def _fill(log: EventLog, outbox: Outbox, route: Route) -> None:
    for topic in (DELIVERIES, OFFERS):
        async with read_all(log, topic, limit=_PAGE) as chunks:
            async for chunk in chunks:
                for record in chunk.records:
                    key = record.key or b""
                    if is_delivery(key) and route.delivers_for(platform_of(key.decode())):
                        outbox.apply(topic, key, record.value)
                outbox.keep({})
