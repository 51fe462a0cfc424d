"""Scenario of the demo: its steps run while all subscribers read; each is verified by counts at external systems."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from demo.balance import Balance, compute_balance
from demo.client import Client
from demo.entry import departments_of
from demo.federation import OBSERVER, DemoFederation
from demo.region import RegionSystems
from demo.site import UNCOVERED, towns_in
from demo.step import follow_one, pause_between_polls, poll_until_count, run_negative_scenarios
from demo.subscriber import OfferCopy, read_changes
from demo.traffic import OfferAct, next_act

BALANCE_SECONDS = 180.0
"""Continuous traffic rests after these, until everything balances."""
_EMPLOYER_SECONDS = 10.0
"""Interval between two acts of employers at the national site."""
_STALL_SECONDS = 30.0
"""Seconds without any change after which missing offers count as lost."""
LATER_STALL_SECONDS = 120.0
"""The same once the national site's clock may be slow: two of its scans come before a withdrawal."""
_DUTY = 3
"""Continuous traffic of a platform sends for one in four of all seconds at most."""
_POLL_SECONDS = 0.1
_MADE_UNCOVERED, _MADE_COVERED = 6, 2
"""Offers that employers make at the national site per Region without a platform, and with one."""
_TOWNS = 40
_MAX_DIFFERENCES = 5


async def _status(observer: Client) -> dict[str, tuple[int, int]]:
    """Counts of ``GET /v1/platforms`` by Region: live offers, and those not at the national site."""
    platforms = (await observer.call("GET", "/v1/platforms")).body["platforms"]
    return {
        one["platform"]: (one["live"], one["details"]["undelivered"] + one["details"]["pending"])
        for one in platforms
        if one["kind"] == "regional"
    }


async def _rests(resting: asyncio.Event, pause: float) -> bool:
    """Whether traffic rests, at once or within a pause in seconds."""
    with suppress(TimeoutError):
        await asyncio.wait_for(resting.wait(), pause)
    return resting.is_set()


class ProgressReport(Protocol):
    """Output of the scenario's progress."""

    def begin(self, phase: str) -> None:
        """Report the start of a step."""

    def say(self, sentence: str) -> None:
        """Report an event."""


@dataclass(slots=True)
class DemoScenario:
    """Runs the demo with ``count`` offers; ``phase`` is the present step."""

    federation: DemoFederation
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
            await asyncio.to_thread(region.arrive, share, self.federation.today())
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

    async def settle(self, *, patience: float = _STALL_SECONDS) -> bool:
        """Wait until everything balances; returns False when the counts do not change for ``patience`` seconds, or a
        subscriber has stopped.
        """
        loop = asyncio.get_running_loop()
        differences, since = self.balance().differences, loop.time()
        while differences and loop.time() - since < patience and not self.federation.broken:
            began = loop.time()
            before, differences = differences, self.balance().differences
            since = since if differences == before else loop.time()
            await pause_between_polls(_POLL_SECONDS, since=began)
        return not differences

    async def continuous_traffic(self, random: Random, ended: asyncio.Event) -> None:
        """Continuous traffic until ``ended`` is set: offers come, change, are corrected and go, by every transport and
        at the national site. It rests at intervals until everything balances; an imbalance is reported, and goes on.
        Raises ChannelError, ClientError.
        """
        self._begin("Offers come, change and go, and are counted at all ends again and again")
        loop = asyncio.get_running_loop()
        began, usual = loop.time(), {region.slug: len(region.live) for region in self.federation.regions}
        while not ended.is_set():
            resting = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                for region in self.federation.regions:
                    group.create_task(self._act(region, random, resting, usual=usual[region.slug]))
                group.create_task(self._employ(random, resting))
                with suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), BALANCE_SECONDS)
                resting.set()
            await self._count_all(minutes=(loop.time() - began) / 60)

    async def _act(self, region: RegionSystems, random: Random, resting: asyncio.Event, *, usual: int) -> None:
        """Let one platform act at its pace until it rests."""
        loop, pace = asyncio.get_running_loop(), region.channel.pace
        pause = random.random() * pace.seconds
        while not await _rests(resting, pause):
            began = loop.time()
            changes = region.draw(random, pace.changes, self.federation.today(), usual=usual)
            if changes.changed or changes.gone:
                await region.channel.send(changes)
            pause = max(pace.seconds * (0.5 + random.random()), _DUTY * (loop.time() - began))

    async def _employ(self, random: Random, resting: asyncio.Event) -> None:
        """Let employers make and delete offers at the national site, in the Regions without a platform."""
        site, number = self.federation.site, 0
        departments = {code: departments_of(code) for code in UNCOVERED.values()}
        towns = [town for code in departments.values() for town in towns_in(code, _TOWNS)]
        usual = _MADE_UNCOVERED * len(departments)
        while not await _rests(resting, _EMPLOYER_SECONDS):
            alone = sum(one.department in frozenset().union(*departments.values()) for one in site.made().values())
            if next_act(random, live=alone, refused=0, usual=usual) is OfferAct.WITHDRAWAL:
                site.delete_one(frozenset().union(*departments.values()))
            else:
                number += 1
                site.make(random.choice(towns), number)

    async def _count_all(self, *, minutes: float) -> None:
        """Wait until everything balances, and report it with what has happened since the beginning."""
        balanced = await self.settle(patience=LATER_STALL_SECONDS)
        acts = {act: sum(region.acts[act] for region in self.federation.regions) for act in OfferAct}
        sentence = (
            f"After {minutes:.0f} min: {acts[OfferAct.ARRIVAL]} offers came, {acts[OfferAct.CHANGE]} changes, "
            f"{acts[OfferAct.CORRECTION]} corrected, {acts[OfferAct.WITHDRAWAL]} went, "
            f"{len(self.federation.observer.titles)} are live"
        )
        if balanced:
            self.report.say(f"{sentence}; everything balances.")
        else:
            found = self.balance().differences[:_MAX_DIFFERENCES]
            self.surprises.append(f"{sentence}; it did not balance: {'; '.join(found)}")
            self.report.say(self.surprises[-1])

    def _begin(self, phase: str) -> None:
        self.phase = phase
        self.report.begin(phase)

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
        on = self.federation.today()
        await asyncio.gather(*(region.channel.send(region.update(on)) for region in self.federation.regions))

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
