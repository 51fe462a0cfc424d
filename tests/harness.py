"""A gateway in the test's own process, as the composition root builds it, on a log and a clock of the test's choice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

from gateway.api.context import Context, Limits
from gateway.bootstrap.parts import build_federation
from gateway.bootstrap.rehearsal import with_rehearsals
from gateway.bootstrap.serving import build_context
from gateway.clock import Clock
from gateway.errors import TokenError
from gateway.federation import Federation
from gateway.log.port import EventLog
from gateway.oauth.keys import KeyRing
from gateway.partners.revocation import Claims
from gateway.protocol.partner import SCOPES, Partner
from gateway.protocol.record import StoredRecord
from gateway.protocol.topic import COMMON, DELIVERIES, JOURNAL, OFFERS, RECEIPTS, RUNS, STATISTICS
from gateway.relay import Relay
from gateway.settings import Settings
from gateway.store import ViewUpdater

KEYS = KeyRing([ECKey.generate_key("P-256", auto_kid=True)])
SECRET = b"a secret of thirty-two bytes or so"
URL = "https://gateway.example"
VIEWS = (OFFERS, RECEIPTS, DELIVERIES, RUNS, STATISTICS, JOURNAL)
POSITIONS_MIRROR = "positions"
NAMES_MIRROR = "names of operators"
RELAY = "relay"
ALL = (POSITIONS_MIRROR, NAMES_MIRROR, RELAY, *VIEWS)
"""The names of all background tasks."""
OFFER = {
    "id": "bretagne:1",
    "revision": 1,
    "title": "Découverte d'un atelier",
    "description": "Observer la fabrication d'un meuble.",
    "employer": {"name": "Atelier du Port", "description": "Menuiserie."},
    "location": {"street": "4 quai Lamennais", "postal_code": "35000", "city": "Rennes"},
    "levels": ["seconde"],
    "weeks": ["2027-W24", "2027-W25"],
    "sector": "s5",
    "apply_url": "https://stages.ideo.bretagne.bzh/1",
}
"""As a platform publishes it."""
SECONDS = 10
"""Deadline of every wait."""


async def until(holds: Callable[[], object], *, seconds: float = 60) -> None:
    """Wait until a condition holds, which may be a coroutine's result."""
    async with asyncio.timeout(seconds):
        while not (await found if isinstance(found := holds(), Awaitable) else found):
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(*works: Coroutine[Any, Any, Any]) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """Tasks of these while the block runs; it ends by the error of one that has failed."""
    tasks = [asyncio.create_task(one) for one in works]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for error in ends:
        if isinstance(error, Exception):
            raise error


def replace_bytes(path: Path, old: bytes, new: bytes) -> None:
    """Change stored bytes in place, as a disk may."""
    content = path.read_bytes()
    assert old in content
    with path.open("r+b") as file:
        file.write(content.replace(old, new))


async def records_of(log: EventLog, topic: str) -> list[StoredRecord]:
    """Everything on a topic, up to its present ends."""
    ends = await log.ends(topic)
    at = dict(enumerate(await log.starts(topic)))
    found: list[StoredRecord] = []
    async with log.reader({(topic, p): start for p, start in at.items()}) as reader:
        while any(at[p] < end for p, end in enumerate(ends)):
            for chunk in await reader.poll(limit=1_000, wait=0.1):
                found += chunk.records
                at[chunk.partition] = chunk.position
    return found


class PlatformTokens:
    """A verifier for which a token is a platform's name, followed by a slash and its scopes unless it has all."""

    async def verify(self, token: str) -> Claims:
        platform, _, scopes = token.partition("/")
        if not platform.isalpha() or platform == "forged":
            raise TokenError(token)
        return Claims(platform, frozenset(scopes.split("+") if scopes else SCOPES), 1 << 41)


class Harness:
    """A federation with its settings, and the background tasks that run on it by name."""

    def __init__(self, settings: Settings, federation: Federation) -> None:
        self.settings = settings
        self.federation = federation
        self.views = federation.views
        self.relay = Relay(
            federation.log,
            folder=settings.data / "relay",
            identity=federation.identity,
            submissions=federation.submissions,
            ids=federation.ids,
            clock=federation.clock,
            decided=lambda _: None,
        )
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def context(self, limits: Limits | None = None) -> Context:
        """The API's context."""
        limits = limits or Limits()
        return build_context(self.settings, self.federation, URL, keys=KEYS, verifier=PlatformTokens(), limits=limits)

    def start(self, *names: str) -> None:
        """Start background tasks."""
        for name in names:
            self.tasks[name] = asyncio.create_task(self._work(name)(), name=name)

    async def stop(self, *names: str) -> None:
        """Cancel background tasks and wait for their end."""
        tasks = [self.tasks.pop(name) for name in names if name in self.tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def ready(self) -> None:
        """Wait until the running views have caught up, and the relay owns its partitions."""
        fed = [view for name, view in self.views.items() if name in self.tasks]
        async with asyncio.timeout(SECONDS):
            while not all(view.fresh for view in fed):
                await asyncio.sleep(0.005)
            while NAMES_MIRROR in self.tasks and not self.federation.acts.names.caught_up:
                await asyncio.sleep(0.005)
            while RELAY in self.tasks and not (self.relay.ready and self.relay.partitions):
                await asyncio.sleep(0.005)

    def _work(self, name: str) -> Callable[[], Coroutine[Any, Any, None]]:
        if name == POSITIONS_MIRROR:
            return self.federation.positions.run
        if name == NAMES_MIRROR:
            return self.federation.acts.run
        if name == RELAY:
            return self.relay.run
        return ViewUpdater(self.federation.log, name, self.views[name], clock=self.federation.clock).run


@asynccontextmanager
async def built(
    folder: Path,
    *,
    log: EventLog,
    clock: Clock,
    partners: Iterable[Partner] = (),
    secret: bytes = SECRET,
    require_certificate: date | None = None,
    loopback_feeds: int = 0,
) -> AsyncIterator[Harness]:
    """A federation in a folder, with these partners and nothing running; closed with all that was started."""
    settings = Settings(
        data=folder,
        secret=secret.decode(),
        require_certificate=require_certificate,
        loopback_feeds=loopback_feeds,
    )
    async with AsyncExitStack() as stack:
        await log.create_topics(COMMON)
        federation = with_rehearsals(await build_federation(settings, stack, log=log, clock=clock), settings)
        stack.push_async_callback(federation.partners.close)
        for partner in partners:
            await federation.partners.save(partner)
        harness = Harness(settings, federation)
        try:
            yield harness
        finally:
            await harness.stop(*harness.tasks)
