"""Every feed of the federation, by schedule or when asked: one owner per platform over all replicas."""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from adapters.profile.profile import Profile, explain_profile, read_profile
from adapters.pull.outcome import Beginning, failed
from adapters.pull.pull import Means, Pull
from adapters.pull.schedule import ORDER_LIFE_MS, is_due
from gateway.ports import Output, Owner
from gateway.protocol.identity import partition_of
from gateway.protocol.partner import Partner
from gateway.protocol.record import Record, StoredRecord
from gateway.protocol.run import Failure, Order, Run, read_run, run_record
from gateway.protocol.topic import RUNS
from gateway.share import keep_owning, work_partners, work_share

_PAGE = 100
_UNREAD = "unread"
"""The digest of a profile that cannot be read."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Heard:
    """An order and when it was read here (seconds of the event loop). Of one that was there before this owner began:
    when the log took it (ms since 1970).
    """

    order: Order
    appended_at: int | None
    heard_at: float


class Pulls:
    """This process's share of the feeds. An error of any of them ends ``run``."""

    def __init__(self, means: Means, *, jitter: Callable[[], float] = random.random) -> None:
        self._means = means
        self._pull = Pull(means)
        self._jitter = jitter

    @property
    def counts(self) -> Mapping[str, int]:
        """Fetches under way by lane (``quick``, ``slow``), and those that wait (``waiting``)."""
        return self._pull.lanes.counts

    async def run(self) -> None:
        """Pull the feeds of all partners that have one, as they come and go, until cancelled."""
        await work_partners(self._means.partners, wanted=has_feed, work=self._serve)

    async def _serve(self, platform: str) -> None:
        home = partition_of(platform, self._means.log.partitions)

        async def work(partition: int) -> None:
            if partition != home:  # the platform lies on one partition; who has that one has the platform
                await asyncio.Event().wait()
            platform_pull = PlatformPull(self._means, self._pull, platform, jitter=self._jitter)
            await keep_owning(self._means.log, role=f"pull.{platform}", partition=home, work=platform_pull.follow)

        await work_share(self._means.log, role=f"pull.{platform}", topic=RUNS, work=work)


class PlatformPull:
    """One platform's feed, run after run, by its owner."""

    def __init__(self, means: Means, pull: Pull, platform: str, *, jitter: Callable[[], float]) -> None:
        self._means = means
        self._pull = pull
        self._platform = platform
        self._home = partition_of(platform, means.log.partitions)
        self._jitter = jitter
        self._last: Run | None = None
        self._order: _Heard | None = None
        self._began_at = 0
        self._failures = 0

    async def follow(self, owner: Owner) -> None:
        """Run when it is time or when asked, and keep what became of it, until cancelled."""
        log = self._means.log
        # Once this record can be read, so can the last run, whoever wrote it.
        turn = Output(RUNS, self._home, Record(self._turn_key, b"{}"))
        end = (await owner.commit([turn]))[RUNS, self._home]
        at = (await log.starts(RUNS))[self._home]
        drawn = self._jitter()
        async with log.reader({(RUNS, self._home): at}) as reader:
            while True:
                for chunk in await reader.poll(limit=_PAGE, wait=1.0):
                    at = chunk.position
                    for record in chunk.records:
                        self._learn(record, came_later=record.offset >= end)
                if at >= end and self._is_due(drawn):
                    run = await self._run()
                    await owner.commit([Output(RUNS, self._home, run_record(run))])
                    self._last, drawn = run, self._jitter()
                    self._failures = self._failures + 1 if run.outcome == "failed" else 0

    @property
    def _turn_key(self) -> bytes:
        return f"{self._platform}/turn".encode()

    def _learn(self, record: StoredRecord, *, came_later: bool) -> None:
        if record.key == self._turn_key:
            self._began_at = record.appended_at
        found = read_run(record.key, record.value)
        if found is None or found.platform != self._platform:
            return
        if isinstance(found, Run):
            self._last = found
        else:
            heard_at = asyncio.get_running_loop().time()
            self._order = _Heard(found, None if came_later else record.appended_at, heard_at)

    def _is_due(self, drawn: float) -> bool:
        now = self._means.clock()
        if self._open_order() is not None:
            return True
        profile = self._profile()
        if isinstance(profile, Failure):
            return self._last is None or self._last.profile != _UNREAD
        return is_due(self._last, profile, jitter=drawn, now=now, failures=self._failures)

    def _open_order(self) -> Order | None:
        """An order that nobody has answered yet, unless it is too old to be still wanted.

        Its age is how long before this owner began the log took it, by the log's own times, and how long ago it was
        read here. Neither the clock of the machine that ordered nor a wall clock that jumps counts.
        """
        heard = self._order
        if heard is None:
            return None
        waited = 0 if heard.appended_at is None else max(0, self._began_at - heard.appended_at)
        waited += round((asyncio.get_running_loop().time() - heard.heard_at) * 1_000)
        if waited > ORDER_LIFE_MS:
            return None
        order = heard.order
        return None if self._last is not None and self._last.order == order.id else order

    async def _run(self) -> Run:
        profile = self._profile()
        beginning = Beginning(
            platform=self._platform,
            started_at=self._means.clock(),
            profile=_UNREAD if isinstance(profile, Failure) else profile.digest,
            last=self._last,
            order=self._open_order(),
        )
        if isinstance(profile, Failure):
            _log.error("pull.profile_invalid", platform=self._platform)
            return failed(beginning, profile)
        return await self._pull.run(profile, beginning)

    def _profile(self) -> Profile | Failure:
        """The platform's profile as it is now: it may change at any time, on any replica."""
        partner = self._means.partners.get(self._platform)
        document = None if partner is None else partner.profile
        read = read_profile(document, loopback=self._means.ways.loopback, stored=True)
        if isinstance(read, Profile):
            return read
        said = explain_profile(read)
        return Failure(at=self._means.clock(), code="profile-invalid", fr=said["fr"], en=said["en"])


def has_feed(partner: Partner) -> bool:
    """Whether the partner's profile names a feed to pull."""
    transport = (partner.profile or {}).get("transport")
    return isinstance(transport, dict) and transport.get("kind") != "native"
