"""A gateway without HTTP, on a log in memory, that pulls the feed of a simulated platform."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from adapters.profile.profile import Profile, read_profile
from adapters.pull.pull import Pull, PullDependencies
from adapters.pull.run import Beginning
from adapters.pull.transport_factory import Secrets, TransportFactory
from demo.region_site.feed import example_profile, write_feed
from demo.region_site.simulator import RegionalPlatform
from gateway.clock import now
from gateway.log.kafka import KafkaLog
from gateway.log.port import EventLog
from gateway.operate.audit import audit
from gateway.protocol.partner import Partner
from gateway.protocol.record import OfferState
from gateway.protocol.source_run import Failure, RunOrder, SourceRun
from gateway.protocol.topic import OFFERS, STATISTICS, SUBMISSIONS
from gateway.protocol.visibility import Filter, Reader
from gateway.store.statistics import StatisticsView
from tests.clock import START
from tests.harness import POSITIONS_MIRROR, RELAY, built
from tests.memory_log import MemoryLog

SECRET = b"k" * 32
WITHIN = 20.0


def offer(number: int | str, **wishes: Any) -> dict[str, Any]:
    """An offer of Bretagne as the platform knows it, without a revision."""
    return {
        "id": f"bretagne:{number}",
        "title": "Découverte d'un atelier de menuiserie",
        "description": "Observer la fabrication d'un meuble, du dessin à la pose.",
        "employer": {"name": "Atelier du Port", "description": "Menuiserie de douze personnes."},
        "location": {"street": "4 quai Lamennais", "postal_code": "35000", "city": "Rennes"},
        "levels": ["seconde"],
        "weeks": ["2027-W24", "2027-W25"],
        "sector": "s5",
        "seats": 2,
        "apply_url": f"https://stages.ideo.bretagne.bzh/offres/{number}",
        **wishes,
    }


def profile_of(url: str, format: str = "json", **transport: Any) -> Profile:  # noqa: A002  # the profile's word
    """Bretagne's profile for a feed at this address."""
    source = {"kind": "https", "url": url, "every_minutes": 5, "most_megabytes": 1, **transport}
    profile = read_profile(example_profile("bretagne", format, source), loopback=True)
    assert isinstance(profile, Profile), profile
    return profile


class PullHarness:
    """The gateway's federation, its log, and the platform."""

    def __init__(self, means: PullDependencies, log: EventLog, region: RegionalPlatform, url: str) -> None:
        self.means = means
        self.log = log
        self.region = region
        self.url = url
        self.profile = profile_of(url)
        self.now = START
        self.last: SourceRun | None = None
        self.statistics: StatisticsView
        self._pull = Pull(means)

    def offers(self, *numbers: int | str, **wishes: Any) -> None:
        """Set the offers of the platform's feed."""
        self.region.offers = {one["id"]: one for one in (offer(number, **wishes) for number in numbers)}

    async def run(self, *numbers: int | str, ordered: bool = False, confirm: int | None = None) -> SourceRun:
        """One run a minute later, of these offers if there are any; its submissions are decided when it returns."""
        if numbers:
            self.offers(*numbers)
        self.now += 60_000
        order = RunOrder(platform="bretagne", id=f"o{self.now}", ordered_at=self.now, confirm=confirm)
        beginning = Beginning(
            platform="bretagne",
            started_at=self.now,
            profile=self.profile.digest,
            last=self.last,
            order=order if ordered or confirm is not None else None,
        )
        self.last = await self._pull.run(self.profile, beginning)
        await self.settle()
        return self.last

    async def settle(self) -> None:
        """Wait until every submission is decided and visible."""
        assert await self.means.positions.reached(SUBMISSIONS, await self.log.ends(SUBMISSIONS), timeout=WITHIN)
        assert await self.means.offers.reached(await self.log.ends(OFFERS), WITHIN)

    async def live(self) -> dict[str, OfferState]:
        """The live offers of Bretagne by their number."""
        states, _ = await self.means.offers.page(
            reader=Reader("bretagne"), criteria=Filter(), after=None, limit=10_000, own=True
        )
        return {state.id.partition(":")[2]: state for state in states}


async def _nothing_in(folder: Path) -> Sequence[str]:
    return [one.name for one in await asyncio.to_thread(lambda: list(folder.iterdir()))]


@asynccontextmanager
async def pull_harness(folder: Path, *, kafka: KafkaLog | None = None) -> AsyncIterator[PullHarness]:
    """A running gateway; at the end the log is audited and the spool must be empty.

    On a log in memory, whose time passes as the test says, or on Kafka in real time.
    """
    (folder / "spool").mkdir()
    async with AsyncExitStack() as stack:
        here: list[PullHarness] = []

        def clock() -> int:
            """Time advances with each reading, and when a test sets it forward."""
            if kafka is not None:
                return now()
            if not here:
                return START
            here[0].now += 1
            return here[0].now

        log: EventLog = kafka or MemoryLog(clock=clock)
        stack.push_async_callback(log.close)
        bretagne = Partner(platform="bretagne", name="Bretagne", scopes=frozenset({"offers:read"}))
        harness = await stack.enter_async_context(
            built(folder, log=log, clock=clock, partners=[bretagne], secret=SECRET)
        )
        federation = harness.federation
        region = RegionalPlatform("bretagne", lambda written: write_feed(here[0].profile.format or "", written))
        url = await stack.enter_async_context(region.serving())
        means = PullDependencies(
            log=log,
            partners=federation.partners,
            submissions=federation.submissions,
            offers=federation.offers,
            positions=federation.positions,
            snapshots=federation.snapshots,
            refusals=federation.refusals,
            clock=clock,
            folder=folder / "spool",
            transports=TransportFactory(secrets=Secrets({}), loopback=True, settle=0.05),
        )
        here.append(PullHarness(means, log, region, url))
        here[0].statistics = federation.statistics
        harness.start(POSITIONS_MIRROR, RELAY, OFFERS, STATISTICS)
        try:
            yield here[0]
        finally:
            await harness.stop(*harness.tasks)
        assert [] == (await audit(log)).findings
        assert [] == await _nothing_in(folder / "spool")


def failure(run: SourceRun) -> Failure:
    """The failure of a run, which it must have."""
    assert run.last_error is not None, run.outcome
    return run.last_error


def refusals(run: SourceRun) -> list[tuple[str, str]]:
    """Id and code of the first item of each group of problems; those of the feed as a whole are no refusals."""
    return [(str(one["id"]), str(one["code"])) for one in run.problems if one["position"]]
