"""One round: load on a deployment, faults by a seeded schedule, calm, and the check."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Any

from gateway.clock import now
from gateway.log.port import EventLog
from gateway.protocol.paris_time import paris_date
from gateway.protocol.topic import FEED, INBOX
from tests.faults.checker import WRONGS, Finding, find_violations
from tests.faults.deployment import FILTERED, NATIVE, PUBLISHERS, SUBSCRIBER, Deployment
from tests.faults.ending import decided, read_offers, read_receipts, standing, visible
from tests.faults.history import ACKNOWLEDGED, Ending, History
from tests.faults.http_publisher import HttpPublisher
from tests.faults.native import NativePublisher, read_feed
from tests.faults.process import GatewayDiedError
from tests.faults.publisher import SECTORS, Publisher
from tests.faults.subscriber import Subscriber
from tests.faults.wire import Line, open_session

CALM_SECONDS = 180.0
_SECTOR = SECTORS[1]
_WORKERS = 4
_STARTS = 3


class MissedError(Exception):
    """The fault could not be provoked in time: the machine is too slow to send enough."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the deployment under load; ``strike`` returns when it is over."""

    name: str
    strike: Callable[["Round"], Awaitable[None]]


@dataclass(slots=True)
class Verdict:
    """The result of a round. ``seconds``: of each fault, from its beginning until all replicas were ready again."""

    faults: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def add(self, other: "Verdict") -> None:
        """Sum up over rounds."""
        self.faults += other.faults
        for name, seconds in other.seconds.items():
            self.seconds.setdefault(name, []).extend(seconds)
        self.counts += other.counts
        self.findings += other.findings

    @property
    def wrongs(self) -> dict[str, int]:
        """How many findings of each kind."""
        counted = Counter(finding.wrong for finding in self.findings)
        return {wrong: counted[wrong] for wrong in WRONGS}


class Round:
    """The load and its record; ``say`` reports the progress."""

    def __init__(
        self, deployment: Deployment, *, seed: str, gap: float, pause: float, offers: int, say: Callable[[str], None]
    ) -> None:
        self.deployment = deployment
        self.random = Random(seed)
        self.history = History()
        self.verdict = Verdict()
        self.say = say
        self._gap = gap
        self._pause = pause
        self._offers = offers
        self._publishers: list[Publisher] = []
        self._subscribers: list[Subscriber] = []
        self._reading: list[asyncio.Task[None]] = []
        self._working: list[asyncio.Task[None]] = []
        self._stack = AsyncExitStack()

    @asynccontextmanager
    async def load(self) -> AsyncIterator[None]:
        """Publishers and subscribers run while entered."""
        async with self._stack:
            await self._open_publishers()
            for publisher in self._publishers:
                self._working += [asyncio.create_task(publisher.work(pause=self._pause)) for _ in range(_WORKERS)]
            await self.join("steady")
            await self.join("sleepy", sleep=4.0)
            await self.join("filtered", asked={"sector": _SECTOR})
            try:
                yield
                await self._hush()
            finally:
                await _cancel([*self._working, *self._reading])

    async def _open_publishers(self) -> None:
        """The platforms that publish over HTTP and, on Kafka, the one that writes to its inbox."""
        common: dict[str, Any] = {
            "history": self.history,
            "offers": self._offers,
            "on": date.fromisoformat(paris_date(now())),
            "clock": asyncio.get_running_loop().time,
        }
        for platform in PUBLISHERS:
            line, random = await self._line(platform), Random(self.random.random())
            self._publishers.append(HttpPublisher(line=line, platform=platform, random=random, **common))
        if self.deployment.kafka is not None:
            native = NativePublisher(
                servers=self.deployment.kafka,
                topic=self.deployment.topic(INBOX + NATIVE),
                platform=NATIVE,
                random=Random(self.random.random()),
                **common,
            )
            await native.start()
            self._stack.push_async_callback(native.stop)
            self._publishers.append(native)

    async def join(self, name: str, *, asked: dict[str, str] | None = None, sleep: float = 0.0) -> None:
        """A subscriber that begins now."""
        slug = FILTERED if asked else SUBSCRIBER
        subscriber = Subscriber(
            await self._line(slug),
            self.history,
            name=name,
            random=Random(self.random.random()),
            asked=asked,
            sleep=sleep,
        )
        self._subscribers.append(subscriber)
        self._reading.append(asyncio.create_task(subscriber.follow()))

    async def burst(self, count: int) -> None:
        """Concurrent requests of this number."""
        publisher = self._publishers[0]
        await asyncio.gather(*(publisher.update() for _ in range(count)))

    async def flood(self, batches: int, items: int) -> None:
        """Concurrent large batches of each platform."""
        await asyncio.gather(*(publisher.flood(batches, items) for publisher in self._publishers))

    async def token(self, slug: str) -> str:
        """A bearer token of a partner."""
        return await (await self._line(slug)).bearer()

    async def under_load(self) -> None:
        """Let some time pass."""
        await asyncio.sleep(self._gap * self.random.uniform(0.5, 1.5))

    async def strike(self, fault: Fault) -> None:
        """Inject one fault, then wait until all replicas are ready again, and audit the log."""
        self.say(f"{fault.name} …")
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            await fault.strike(self)
        except MissedError:
            self.verdict.faults[f"{fault.name} (missed)"] += 1
        else:
            self.verdict.faults[fault.name] += 1
        await self.recover()
        self.verdict.seconds.setdefault(fault.name, []).append(clock() - began)
        for sentence in await self.deployment.audit():
            self.find(f"audit after {fault.name}: {sentence}")

    def find(self, sentence: str) -> None:
        """Record a finding of the round itself."""
        self.verdict.findings.append(Finding("other", sentence))

    async def recover(self) -> None:
        """Wait until all replicas are ready. No replica may end by itself; one that does is started again, as by its
        supervisor. Raises GatewayDiedError for one that ends repeatedly.
        """
        for _ in range(_STARTS):
            try:
                await self.deployment.ready()
            except GatewayDiedError:
                await self._restart()
            else:
                return
        await self.deployment.ready()

    async def _restart(self) -> None:
        for replica in self.deployment.replicas:
            if replica.died:
                self.find(f"a replica ended by itself: {replica.last_words()}")
                await replica.start()

    async def _hush(self) -> None:
        """Stop sending, settle unknown outcomes, and wait until everything is decided and read."""
        self.say("calm …")
        await _cancel(self._working)
        await self.recover()
        await _until(self._settled, seconds=CALM_SECONDS)
        await _cancel(self._reading)
        async with self.deployment.log() as log:
            await _until(lambda: self._decided(log), seconds=CALM_SECONDS)
            offers, receipts = await read_offers(log), await read_receipts(log)
        everything, some = visible(offers), visible(offers, sector=_SECTOR)
        late = Subscriber(
            await self._line(SUBSCRIBER), self.history, name="late", random=Random(self.random.random()), quiet=True
        )
        expected = {reader.name: some if reader.name == "filtered" else everything for reader in self.history.readings}
        readers = [*self._subscribers, late]
        # The late joiner begins when nothing changes any more also for the views.
        await asyncio.gather(
            *(reader.until(expected[reader.reading.name], seconds=CALM_SECONDS) for reader in self._subscribers)
        )
        await late.until(everything, seconds=CALM_SECONDS)
        if self.deployment.kafka is not None:
            topic, partitions = self.deployment.topic(FEED + SUBSCRIBER), self.deployment.settings.partitions
            reading = await read_feed(self.deployment.kafka, topic, partitions, everything, seconds=CALM_SECONDS)
            self.history.readings.append(reading)
            expected[reading.name] = everything
        for sentence in (sentence for reader in readers for sentence in reader.wrong):
            self.find(sentence)
        self.verdict.findings += find_violations(self.history, Ending(receipts, standing(offers), expected))
        self._count(len(receipts), everything)
        await self._stop()

    async def _decided(self, log: EventLog) -> bool:
        """Whether everything on the log has its receipt, messages of an inbox included."""
        delivered = {(one.id, one.revision) for one in self.history.attempts if one.outcome == "delivered"}
        return await decided(log) and delivered <= {(one.id, one.revision) for one in await read_receipts(log)}

    async def _settled(self) -> bool:
        return all([await publisher.settle() for publisher in self._publishers])

    def _count(self, receipts: int, live: dict[str, int]) -> None:
        counts = self.verdict.counts
        attempts = self.history.attempts
        counts["requests for an offer"] += len(attempts)
        counts["acknowledged"] += sum(one.outcome in ACKNOWLEDGED for one in attempts)
        counts["answered: unknown"] += sum(one.outcome == "unknown" for one in attempts)
        counts["answered: refused"] += sum(one.outcome == "refused" for one in attempts)
        counts["receipts"] += receipts
        counts["offers"] += len({one.id for one in attempts})
        counts["live at the end"] += len(live)
        counts["changes read"] += sum(len(reading.seen) for reading in self.history.readings)
        counts["readers"] += len(self.history.readings)

    async def _stop(self) -> None:
        """In order; then the last audit, without load."""
        for replica in self.deployment.replicas:
            if replica.running:
                code = await replica.stop()
                if code != 0:
                    self.find(f"asked to stop, it ended with {code}: {replica.last_words()}")
        for sentence in await self.deployment.audit():
            self.find(f"audit at the end: {sentence}")

    async def _line(self, slug: str) -> Line:
        session = await self._stack.enter_async_context(open_session())
        return Line(
            session,
            lambda: self.deployment.urls,
            slug=slug,
            secret=self.deployment.secrets[slug],
            random=Random(self.random.random()),
        )


async def play(
    deployment: Deployment,
    faults: Sequence[Fault],
    *,
    seed: str,
    replicas: int = 1,
    gap: float = 2.0,
    pause: float = 0.15,
    offers: int = 150,
    say: Callable[[str], None] = lambda _: None,
) -> Verdict:
    """A whole round on a fresh deployment. ``gap`` is the mean time between faults, ``pause`` that between requests of
    one task, in seconds; ``offers`` is the number of each platform's offers.
    """
    round_ = Round(deployment, seed=seed, gap=gap, pause=pause, offers=offers, say=say)
    await deployment.onboard()
    try:
        for _ in range(replicas):
            await deployment.add_replica()
            await deployment.ready()
        async with round_.load():
            for number, fault in enumerate(faults):
                await round_.under_load()
                await round_.strike(fault)
                if number % 3 == 1:
                    await round_.join(f"joined after {number} faults")
            await round_.under_load()
    finally:
        await deployment.close()
    return round_.verdict


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome


async def _until(condition: Callable[[], Awaitable[bool]], *, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.1)
