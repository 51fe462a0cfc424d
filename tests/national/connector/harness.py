"""A log, a simulated national site over HTTP on fast time, and a connector that may be started, stopped and cut off."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import orjson

import schemas
from adapters.national.connector.connector import open_connector
from adapters.national.mapping.deliverability import DeliveryTerms
from adapters.national.site.accounts import Account, Accounts
from adapters.national.site.timing import Timing
from demo.national_site.simulator import NationalSimulator
from demo.national_site.stock import Operator, SiteOffer
from demo.process import FastTime
from gateway.ingest.submissions import Submissions
from gateway.log.port import EventLog
from gateway.log.reading import read_all
from gateway.partners import Partners
from gateway.protocol.delivery import Delivery, DeliveryPart, is_delivery, read_delivery
from gateway.protocol.delivery_order import Order, Placed, note_key, order_record, read_note, read_order
from gateway.protocol.identity import partition_of
from gateway.protocol.paris_time import paris_date
from gateway.protocol.partner import Partner
from gateway.protocol.record import OfferState, offer_record, read_offer
from gateway.protocol.seal import ReceiptIds
from gateway.protocol.submission import Known
from gateway.protocol.topic import DELIVERIES, OFFERS
from gateway.relay import Relay

MARCH = 1_804_500_000_000
"""9 March 2027: the mandatory weeks in force are 2027-W24 and 2027-W25."""
PASSWORD = "open sesame"
IDS = ReceiptIds(b"k" * 32)


async def eventually(
    condition: Callable[..., bool], *, of: Callable[[], Awaitable[Any]] | None = None, seconds: float = 30.0
) -> None:
    """Wait for a condition, with a deadline: of the value that ``of`` reads, once there is one."""
    async with asyncio.timeout(seconds):
        while not (condition() if of is None else (found := await of()) is not None and condition(found)):
            await asyncio.sleep(0.01)


def document(offer_id: str, **changes: Any) -> dict[str, Any]:
    """A sound offer for seconde, as a publisher sends it."""
    base: dict[str, Any] = {
        "id": offer_id,
        "revision": 1,
        "title": "Découverte d'un atelier",
        "description": "Observer la fabrication d'un meuble.",
        "employer": {"name": "Atelier du Port", "description": "Menuiserie de douze personnes."},
        "location": {"street": "4 quai Lamennais", "postal_code": "35000", "city": "Rennes"},
        "levels": ["seconde"],
        "weeks": ["2027-W24", "2027-W25"],
        "sector": "s5",
        "apply_url": f"https://stages.example.bzh/offres/{offer_id.partition(':')[2]}",
    }
    return {name: value for name, value in {**base, **changes}.items() if value is not None}


@dataclass
class ConnectorHarness:
    """One log, one site, and the connector between them."""

    log: EventLog
    folder: Path
    time: FastTime
    simulator: NationalSimulator
    operators: Mapping[str, Operator]
    accounts: Accounts
    partners: Partners
    sequence: int = 1_000
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    answer_seconds: float = 60.0

    async def start(
        self, *documents: Mapping[str, Any], log: EventLog | None = None, folder: str = "national"
    ) -> asyncio.Task[None]:
        """Publish offers, and start a connector with its own partners and sites, as in a process of its own."""
        await self.publish(*documents)
        log = log or self.log
        partners = Partners(log)
        await partners.catch_up()
        self.stack.push_async_callback(partners.close)
        watching = asyncio.create_task(partners.run())
        connector = await self.stack.enter_async_context(
            open_connector(
                log,
                self.accounts,
                partners=partners,
                submissions=Submissions(log, ids=IDS, clock=self.time.clock),
                ids=IDS,
                folder=self.folder / folder,
                timing=Timing(self.time.clock, self.time.sleep, lambda: 0.0),
                answer_seconds=self.answer_seconds,
            )
        )
        task = asyncio.create_task(connector.run())
        self.tasks += [task, watching]
        return task

    def relay(self) -> None:
        """Start a relay, which decides submissions."""
        submissions = Submissions(self.log, ids=IDS, clock=self.time.clock)
        relay = Relay(
            self.log,
            folder=self.folder / "relay",
            identity="the-log",
            submissions=submissions,
            ids=IDS,
            clock=self.time.clock,
            decided=lambda _: None,
        )
        self.tasks.append(asyncio.create_task(relay.run()))

    async def offers(self) -> dict[str, OfferState]:
        """The last record of each offer."""
        states = [read_offer(key, value or b"") for key, value in (await self.records(OFFERS)).items()]
        return {state.id: state for state in states}

    async def deliver(self, *documents: Mapping[str, Any]) -> None:
        """Publish offers, start a connector, and wait until it has delivered them."""
        await self.start(*documents)
        await self.until_states({one["id"]: "delivered" for one in documents})

    async def stop(self) -> None:
        """Cancel everything, as a kill would."""
        for task in self.tasks:
            task.cancel()
        for task in self.tasks:
            with suppress(asyncio.CancelledError):
                await task
        self.tasks = []
        await self.stack.aclose()

    async def publish(self, *documents: Mapping[str, Any]) -> None:
        """Write live offers on ``offers``, judged as the gateway judges them."""
        await self.write(*(self.state(one) for one in documents))

    def state(self, one: Mapping[str, Any]) -> OfferState:
        self.sequence += 1
        on = date.fromisoformat(paris_date(self.time.clock()))
        verdict = schemas.check(orjson.dumps(one), on=on)
        assert verdict.accepted, [problem.to_json() for problem in verdict.problems]
        known = Known(
            revision=one["revision"],
            digest="aa",
            sequence=self.sequence,
            position=0,
            appended_at=self.time.clock(),
            provenance=(one["id"].partition(":")[0],),
            shared=frozenset({"regions", "national"}),
        )
        return OfferState(one["id"], known, verdict.offer, verdict.territory)

    async def withdraw(self, *offer_ids: str) -> None:
        """Write markers on ``offers``."""
        states = []
        for offer_id in offer_ids:
            self.sequence += 1
            known = Known(
                revision=2,
                digest="bb",
                sequence=self.sequence,
                position=0,
                appended_at=self.time.clock(),
                reason="cancelled",
            )
            states.append(OfferState(offer_id, known))
        await self.write(*states)

    async def write(self, *states: OfferState) -> None:
        shares: dict[int, list[Any]] = {}
        for state in states:
            shares.setdefault(partition_of(state.id, self.log.partitions), []).append(offer_record(state))
        for partition, records in shares.items():
            for start in range(0, len(records), 200):
                await self.log.append(OFFERS, partition, records[start : start + 200])

    async def records(self, topic: str = DELIVERIES) -> dict[bytes, bytes | None]:
        """The last record of each key of a topic."""
        found: dict[bytes, bytes | None] = {}
        async with read_all(self.log, topic, limit=5_000) as chunks:
            async for chunk in chunks:
                found.update((record.key or b"", record.value) for record in chunk.records)
        return found

    async def deliveries(self) -> dict[str, Delivery]:
        """Every delivery, by offer id."""
        records = await self.records()
        return {
            key.decode(): read_delivery(key, value)
            for key, value in records.items()
            if value is not None and is_delivery(key)
        }

    async def part(self, offer_id: str, group: Any = "lycee") -> DeliveryPart | None:
        delivery = (await self.deliveries()).get(offer_id)
        return None if delivery is None else delivery.part(group)

    async def until_states(self, expected: Mapping[str, str], *, seconds: float = 30.0) -> None:
        """Wait until the parts that count have these states, by ``id`` or ``id group``."""
        states: dict[str, str] = {}
        try:
            async with asyncio.timeout(seconds):
                while states != dict(expected):
                    await asyncio.sleep(0.02)
                    states = {}
                    for delivery in (await self.deliveries()).values():
                        parts = delivery.current()
                        for part in parts:
                            name = delivery.id if len(parts) == 1 else f"{delivery.id} {part.group}"
                            states[name] = part.state
        except TimeoutError:
            assert dict(expected) == states

    async def until_problem(self, code: str, offer_id: str = "bretagne:1") -> None:
        """Wait until an offer's part is pending with this one problem."""
        await eventually(
            lambda part: (part.state, codes_of(part)) == ("pending", [code]), of=lambda: self.part(offer_id)
        )

    async def order(self, order: Order, *, account: str = "shared", seconds: float = 30.0) -> Mapping[str, Any]:
        """Place an order and wait for its answer."""
        return await self.answer(await self.submit(order, account=account), seconds=seconds)

    async def submit(self, order: Order, *, account: str = "shared") -> Placed:
        """Write an order on the log."""
        self.sequence += 1
        placed = Placed(account, str(self.sequence), order)
        home = partition_of(account, self.log.partitions)
        await self.log.append(DELIVERIES, home, [order_record(placed)])
        return placed

    async def answer(self, placed: Placed, *, seconds: float = 30.0) -> Mapping[str, Any]:
        """Wait for the answer to an order."""
        async with asyncio.timeout(seconds):
            while True:
                value = (await self.records())[placed.key]
                read = None if value is None else read_order(placed.key, value)
                if read is not None and read.answer is not None:
                    return read.answer
                await asyncio.sleep(0.02)

    async def note(self, *, account: str = "shared") -> Mapping[str, Any]:
        """The account's note; empty while there is none."""
        value = (await self.records()).get(note_key(account))
        note = None if value is None else read_note(note_key(account), value)
        return {} if note is None else note[1]

    def live(self) -> dict[str, str]:
        """Live offers at the site under our accounts: remote id → title."""
        rows = [row for row in self.simulator.stock.rows if row.owner is not None and row.discarded_at is None]
        assert len(rows) == len({(row.owner, row.remote_id) for row in rows})
        return {str(row.remote_id): str(row.title) for row in rows}

    def calls(self, *methods: str) -> int:
        """How many calls of these methods the site has answered."""
        return sum(number for (one, _), number in self.simulator.answered.items() if one in methods)

    async def save(self, platform: str, **changes: Any) -> None:
        """Change a partner."""
        partner = self.partners.get(platform) or Partner(
            platform=platform, name=platform, scopes=frozenset({"offers:publish"})
        )
        await self.partners.save(replace(partner, **changes))


def accounts_at(url: str, *, names: Mapping[str, list[str]], v1: str | None = None, **terms: DeliveryTerms) -> Accounts:
    """Accounts by name with the platforms that go by each."""
    accounts = {
        name: Account(name=name, url=url, email=f"{name}@example.org", password=PASSWORD, v1_token=v1) for name in names
    }
    platforms = {platform: name for name, listed in names.items() for platform in listed}
    return Accounts(accounts, platforms, {name.replace("_", "-"): one for name, one in terms.items()})


def codes_of(part: DeliveryPart) -> list[str]:
    """The codes of a part's problems."""
    return [problem["code"] for problem in part.problems]


async def part_of(harness: ConnectorHarness, offer_id: str) -> DeliveryPart:
    """The offer's part for the lycées."""
    part = await harness.part(offer_id)
    assert part is not None, offer_id
    return part


def row_of(simulator: NationalSimulator, remote_id: str) -> SiteOffer:
    """The site's first row of that remote id."""
    row = simulator.row(remote_id)
    assert row is not None, remote_id
    return row


def document_of(state: OfferState) -> Mapping[str, Any]:
    """The document of a live offer."""
    assert state.offer is not None, state.id
    return state.offer
