"""Pull every feed of the federation by schedule or by order, with one owner per platform over all replicas."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from adapters.profile.profile import Profile, explain_profile, read_profile
from adapters.pull.pull import Pull, PullDependencies
from adapters.pull.run import ORDER_LIFE_MS, Beginning, failed, is_due
from gateway.log.assignment import run_assigned
from gateway.log.mirror import Fold, TopicMirror, fold_topic
from gateway.log.owner_loop import own_with_retry
from gateway.log.port import EventLog, Output, Owner
from gateway.log.request import Pending, wait_for_answer
from gateway.operate.feeds import has_feed
from gateway.partners.partner_tasks import run_per_partner
from gateway.protocol.identity import partition_of
from gateway.protocol.record import Record, StoredRecord
from gateway.protocol.source_run import Failure, Pause, RunOrder, SourceRun, order_record, read_run, run_record
from gateway.protocol.topic import RUNS

_UNREAD = "unread"
"""The digest of an unreadable profile."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class FeedState:
    """State of one feed on ``runs``: last run, newest order, the append time (ms) of its owner's first record, and
    whether it is paused.
    """

    last: SourceRun | None = None
    order: Pending[RunOrder] | None = None
    began_at: int = 0
    paused: bool = False


def feed_fold(platform: str, *, began: int) -> Fold[FeedState]:
    """The fold of one feed's state. ``began``: the offset after the present owner's first record."""
    own_key = _owner_key(platform)

    def fold(state: FeedState, records: Sequence[StoredRecord]) -> FeedState:
        for record in records:
            if record.key == own_key:
                state = replace(state, began_at=record.appended_at)
            found = read_run(record.key, record.value)
            if found is None or found.platform != platform:
                continue
            match found:
                case SourceRun():
                    state = replace(state, last=found)
                case Pause(paused=paused):
                    state = replace(state, paused=paused)
                case RunOrder():
                    found_at = record.appended_at if record.offset < began else None
                    state = replace(state, order=Pending(found, found_at))
        return state

    return fold


def _owner_key(platform: str) -> bytes:
    return f"{platform}/turn".encode()  # frozen: on the log since the first version


class Pulls:
    """Pulls the feeds assigned to this process. An error of any of them ends ``run``."""

    def __init__(self, dependencies: PullDependencies, *, jitter: Callable[[], float] = random.random) -> None:
        self._dependencies = dependencies
        self._pull = Pull(dependencies)
        self._jitter = jitter

    @property
    def counts(self) -> Mapping[str, int]:
        """Running fetches by lane (``quick``, ``slow``), and those waiting for a slot (``waiting``)."""
        return self._pull.lanes.counts

    async def run(self) -> None:
        """Pull the feeds of all partners with one until cancelled; partners may be added and removed meanwhile."""
        await run_per_partner(self._dependencies.partners, wanted=has_feed, work=self._serve)

    async def _serve(self, platform: str) -> None:
        home = partition_of(platform, self._dependencies.log.partitions)

        async def work(partition: int) -> None:
            if partition != home:  # the owner of the platform's partition pulls its feed; other partitions idle
                await asyncio.Event().wait()
            platform_pull = PlatformPull(self._dependencies, self._pull, platform, jitter=self._jitter)
            await own_with_retry(
                self._dependencies.log, role=f"pull.{platform}", partition=home, work=platform_pull.follow
            )

        await run_assigned(self._dependencies.log, role=f"pull.{platform}", topic=RUNS, work=work)


class PlatformPull:
    """Runs of one platform's feed by its owner."""

    def __init__(
        self, dependencies: PullDependencies, pull: Pull, platform: str, *, jitter: Callable[[], float]
    ) -> None:
        self._dependencies = dependencies
        self._pull = pull
        self._platform = platform
        self._home = partition_of(platform, dependencies.log.partitions)
        self._jitter = jitter
        self._state = FeedState()
        self._read_at = 0.0
        self._failures = 0

    async def follow(self, owner: Owner) -> None:
        """Run the feed when it is due or ordered, and append each run to ``runs``, until cancelled."""
        # After the owner's first record, the mirror includes the last run of any earlier owner.
        first = Output(RUNS, self._home, Record(_owner_key(self._platform), b"{}"))
        end = (await owner.commit([first]))[RUNS, self._home]
        fold = feed_fold(self._platform, began=end)
        mirror = TopicMirror(self._dependencies.log, RUNS, fold=fold, empty=FeedState(), partitions=(self._home,))
        drawn = self._jitter()
        try:
            while True:
                await mirror.advance({self._home: end})
                self._note(mirror.state)
                if self._is_due(drawn):
                    run = await self._run()
                    end = (await owner.commit([Output(RUNS, self._home, run_record(run))]))[RUNS, self._home]
                    drawn = self._jitter()
                    self._failures = self._failures + 1 if run.outcome == "failed" else 0
                else:
                    await mirror.poll()
        finally:
            await mirror.close()

    def _note(self, state: FeedState) -> None:
        """Store the state, and the read time of a new order (seconds of the event loop)."""
        if state.order is not self._state.order:
            self._read_at = asyncio.get_running_loop().time()
        self._state = state

    def _is_due(self, drawn: float) -> bool:
        now, last = self._dependencies.clock(), self._state.last
        if self._state.paused:
            return False
        if self._open_order() is not None:
            return True
        profile = self._profile()
        if isinstance(profile, Failure):
            return last is None or last.profile != _UNREAD
        return is_due(last, profile, jitter=drawn, now=now, failures=self._failures)

    def _open_order(self) -> RunOrder | None:
        """The newest order; None if it is answered or past its lifetime, including the wait in this process.

        The age depends neither on the clock of the ordering machine nor on jumps of the local wall clock.
        """
        pending, last = self._state.order, self._state.last
        if pending is None or (last is not None and last.order == pending.request.id):
            return None
        waited = round((asyncio.get_running_loop().time() - self._read_at) * 1_000)
        too_old = pending.age_ms(self._state.began_at) + waited > ORDER_LIFE_MS
        return None if too_old else pending.request

    async def _run(self) -> SourceRun:
        profile = self._profile()
        beginning = Beginning(
            platform=self._platform,
            started_at=self._dependencies.clock(),
            profile=_UNREAD if isinstance(profile, Failure) else profile.digest,
            last=self._state.last,
            order=self._open_order(),
        )
        if isinstance(profile, Failure):
            _log.error("pull.profile_invalid", platform=self._platform)
            return failed(beginning, profile)
        return await self._pull.run(profile, beginning)

    def _profile(self) -> Profile | Failure:
        """The current profile, which any replica may change at any time, or a failure if it is invalid."""
        partner = self._dependencies.partners.get(self._platform)
        document = None if partner is None else partner.profile
        read = read_profile(document, loopback=self._dependencies.transports.loopback, stored=True)
        if isinstance(read, Profile):
            return read
        return Failure(at=self._dependencies.clock(), code="profile-invalid", **explain_profile(read))


class OrderReplacedError(Exception):
    """A newer order for the same feed arrived before this one was started, and was answered instead."""


async def last_runs(log: EventLog) -> Mapping[str, SourceRun]:
    """The last run of each platform's feed, by slug."""
    return await fold_topic(log, RUNS, _fold_runs, {})


def _fold_runs(runs: Mapping[str, SourceRun], records: Sequence[StoredRecord]) -> Mapping[str, SourceRun]:
    read = (read_run(record.key, record.value) for record in records)
    return {**runs, **{run.platform: run for run in read if isinstance(run, SourceRun)}}


async def order_run(log: EventLog, order: RunOrder, *, seconds: float) -> SourceRun | None:
    """Order a run and wait for it, as ``wait_for_run``."""
    appended = await log.append(RUNS, partition_of(order.platform, log.partitions), [order_record(order)])
    return await wait_for_run(log, order, start=appended.last + 1, seconds=seconds)


async def wait_for_run(log: EventLog, order: RunOrder, *, start: int, seconds: float) -> SourceRun | None:
    """Wait for the run of an order, from this offset on; return None if no gateway answers within ``seconds``.

    All orders for a feed have one key, and the last one counts. An order that arrives while this one is carried out
    does not replace it: only the answer to a newer order proves the replacement. Raises OrderReplacedError then.
    """
    newer: set[str] = set()

    def answer(record: StoredRecord) -> SourceRun | None:
        found = read_run(record.key, record.value)
        if found is None or found.platform != order.platform:
            return None
        if isinstance(found, RunOrder):
            newer.add(found.id)
        if not isinstance(found, SourceRun):
            return None
        if found.order == order.id:
            return found
        if found.order in newer:
            raise OrderReplacedError(order.platform)
        return None

    home = partition_of(order.platform, log.partitions)
    try:
        return await wait_for_answer(log, RUNS, home, start=start, answer=answer, seconds=seconds)
    except TimeoutError:
        return None
