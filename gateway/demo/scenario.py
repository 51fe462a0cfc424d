"""Scenario of the demo: its steps run while all subscribers read; each is verified by counts at external systems."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

import orjson

from gateway.client import Client
from gateway.demo.balance import Balance, Document, compute_balance
from gateway.demo.channel import Pulled
from gateway.demo.entry import departments_of
from gateway.demo.federation import OBSERVER, Federation
from gateway.demo.generator import generate
from gateway.demo.region import Region
from gateway.demo.site import UNCOVERED, towns_in
from gateway.demo.step import follow_one, pause_between_polls, poll_until_count, run_negative_scenarios
from gateway.demo.subscriber import OfferCopy, read_changes

WRONG = 0.06
"""Share of offers with a fault."""
_TRAFFIC_SECONDS = 0.4
"""Interval between two changes of continuous traffic."""
_STALL_SECONDS = 30.0
"""Seconds without any change after which missing offers count as lost."""
_POLL_SECONDS = 0.1
_MADE_UNCOVERED, _MADE_COVERED = 6, 2
"""Offers that employers make at the national site per Region without a platform, and with one."""


async def _status(observer: Client) -> dict[str, tuple[int, int]]:
    """Counts of ``GET /v1/platforms`` by Region: live offers, and those not at the national site."""
    platforms = (await observer.call("GET", "/v1/platforms")).body["platforms"]
    return {
        one["platform"]: (one["live"], one["details"]["undelivered"] + one["details"]["pending"])
        for one in platforms
        if one["kind"] == "regional"
    }


class ProgressReport(Protocol):
    """Output of the scenario's progress."""

    def begin(self, phase: str) -> None:
        """Report the start of a step."""

    def say(self, sentence: str) -> None:
        """Report an event."""


@dataclass(slots=True)
class Scenario:
    """Runs the demo with ``count`` offers; ``phase`` is the present step."""

    federation: Federation
    seed: int
    count: int
    report: ProgressReport
    phase: str = ""
    surprises: list[str] = field(default_factory=list)
    """Unexpected answers, as sentences."""

    def balance(self) -> Balance:
        """The present balance."""
        return compute_balance(self.federation.count())

    @property
    def due(self) -> int:
        """Expected number of the platforms' rows at the national site."""
        parties = self.federation.count().parties
        return sum(len(offer.names) for party in parties for offer in party.expected.values() if offer)

    @property
    def differences(self) -> list[str]:
        """All present differences, stopped subscribers and unexpected answers."""
        return [*self.balance().differences, *self.federation.broken, *self.surprises]

    async def prepare(self) -> None:
        """Generate every platform's offers, some with faults, and start the gateway. Raises GatewayError."""
        self._begin("Nine Regions get their offers ready, the gateway starts")
        regions = self.federation.regions
        share = -(-self.count // len(regions))
        starting = asyncio.ensure_future(self.federation.gateway.start())
        for region in regions:
            region.publish(await asyncio.to_thread(self._generate, region, share))
        await starting

    async def play(self) -> None:
        """Run all steps; stops after a step that does not settle. Raises ChannelError, ClientError, GatewayError,
        SubscriberError, TimeoutError.
        """
        steps: Sequence[tuple[str, Callable[[], Awaitable[None]]]] = (
            ("Nine Regions publish, employers use the national site, and the gateway is killed", self._publish),
            ("Negative scenarios: a feed cut in the middle, half an export, a foreign offer id", self._disturb),
            ("Some offers change", self._update),
            ("Some offers are withdrawn, two are deleted at the national site", self._withdraw),
            ("One offer is followed from end to end", self._follow),
            ("Cross-checks: a new subscriber, and the gateway's own status", self._compare_newcomer),
        )
        for phase, step in steps:
            self._begin(phase)
            await step()
            if not await self.settle():
                return

    async def settle(self) -> bool:
        """Wait until everything balances; returns False when the counts stall, or a subscriber has stopped."""
        loop = asyncio.get_running_loop()
        differences, since = self.balance().differences, loop.time()
        while differences and loop.time() - since < _STALL_SECONDS and not self.federation.broken:
            began = loop.time()
            before, differences = differences, self.balance().differences
            since = since if differences == before else loop.time()
            await pause_between_polls(_POLL_SECONDS, since=began)
        return not differences

    async def continuous_traffic(self, random: Random, ended: asyncio.Event) -> None:
        """Continuous traffic until ``ended`` is set: a random platform updates or withdraws an offer. Raises
        ChannelError, ClientError.
        """
        self._begin("Continuous traffic")
        native = [region for region in self.federation.regions if not isinstance(region.channel, Pulled)]
        while not ended.is_set():
            region = random.choice(native)
            changes = region.draw(random)
            if changes is not None:
                await region.channel.send(changes)
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), _TRAFFIC_SECONDS)

    def _begin(self, phase: str) -> None:
        self.phase = phase
        self.report.begin(phase)

    def _generate(self, region: Region, share: int) -> list[Document]:
        offers = generate(self.seed, region.slug, share, self.federation.on, wrong=WRONG)
        documents: list[Document] = [orjson.loads(offer.raw) for offer in offers]
        if region.profile.mapping is None:
            return documents
        # A feed has a fixed column for the description, so the fault of a misspelt name cannot occur.
        return [one for one in documents if "description" in one]

    async def _publish(self) -> None:
        async with asyncio.TaskGroup() as group:
            for region in self.federation.regions:
                group.create_task(region.channel.send(region.changes()))
            self._create_at_site()
            group.create_task(self._kill())

    def _create_at_site(self) -> None:
        """Create employers' offers at the national site, in the Regions without a platform and in the others."""
        site = self.federation.site
        localities = [one for code in UNCOVERED.values() for one in towns_in(departments_of(code), _MADE_UNCOVERED)]
        alone = len(localities)
        for region in self.federation.regions:
            localities += towns_in(departments_of(region.profile.region), _MADE_COVERED)
        for number, locality in enumerate(localities):
            site.make(locality, number)
        self.report.say(
            f"Employers have made {len(localities)} offers at the national site, {alone} of them in "
            f"{' and '.join(UNCOVERED)}, which have no platform."
        )

    async def _kill(self) -> None:
        """Kill the gateway during delivery, and restart it. Raises TimeoutError when delivery stalls, GatewayError."""
        world, due = self.federation, self.due
        if not await poll_until_count(
            world.site.count, due // 3, every=_POLL_SECONDS / 4, patience=_STALL_SECONDS, broken=world.broken
        ):
            raise TimeoutError(f"only {world.site.count()} of {due} offers reached the national site, then none came")
        await world.gateway.kill()
        arrived = world.site.count()
        self.report.say(f"kill -9 of the gateway, when {arrived} of {due} offers had reached the national site.")
        began = asyncio.get_running_loop().time()
        await world.gateway.start()
        took = asyncio.get_running_loop().time() - began
        self.report.say(f"It is up again after {took:.1f} s; every system resumes where it stopped.")

    async def _disturb(self) -> None:
        for attempt in await run_negative_scenarios(self.federation):
            self._expect(attempt.sentence, right=attempt.stopped)

    async def _update(self) -> None:
        await asyncio.gather(*(region.channel.send(region.update()) for region in self.federation.regions))

    async def _withdraw(self) -> None:
        for code in UNCOVERED.values():
            self.federation.site.delete_one(departments_of(code))
        await asyncio.gather(*(region.channel.send(region.withdraw()) for region in self.federation.regions))

    async def _follow(self) -> None:
        for sentence in await follow_one(self.federation):
            self.report.say(sentence)

    async def _compare_newcomer(self) -> None:
        """Compare the copy of a new subscriber with the observer's, and the gateway's status with the counts."""
        observer = self.federation.clients[OBSERVER]
        late = OfferCopy()
        await read_changes(observer, late)
        same = late.titles == self.federation.observer.titles
        self._expect(f"A newcomer reads the feed from its start: the same {len(late.titles)} offers.", right=same)
        counted = {line.slug: (line.live, line.not_for_site) for line in self.balance().lines}
        loop = asyncio.get_running_loop()
        until = loop.time() + _STALL_SECONDS
        # The site has a row before the gateway has recorded its answer, and before its view has that record.
        while not (agreed := await _status(observer) == counted) and loop.time() < until:
            await pause_between_polls(_POLL_SECONDS, since=loop.time())
        self._expect("The gateway's status gives the same numbers as the external systems.", right=agreed)

    def _expect(self, sentence: str, *, right: bool) -> None:
        if right:
            self.report.say(sentence)
        else:
            self.surprises.append(f"not so: {sentence}")
