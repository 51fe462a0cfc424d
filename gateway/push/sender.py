"""The sender: one fenced owner for each partition of the subscriptions, over all replicas."""

import asyncio
from collections.abc import Callable
from functools import partial

from gateway.log.assignment import run_assigned
from gateway.log.owner_loop import own_with_retry
from gateway.log.port import EventLog, Output, Owner
from gateway.protocol.push import PushProgress
from gateway.protocol.push_record import SubscriptionTopic, progress_key
from gateway.protocol.record import Record
from gateway.protocol.topic import SUBSCRIPTIONS
from gateway.push.book import is_former, settings_of
from gateway.push.commits import SharedCommits
from gateway.push.follower import Follower, PushParts
from gateway.runtime.loop import stop

ROLE = "push"
_IDLE_SECONDS = 3_600.0

Key = tuple[str, str]


async def run_sender(log: EventLog, parts: PushParts) -> None:
    """Push while this process owns partitions, until cancelled. It takes part only once there is a subscription; the
    book is run beside it.
    """
    while not await parts.book.wait_for(lambda topic: bool(topic.platforms), seconds=_IDLE_SECONDS):
        pass
    await run_assigned(log, role=ROLE, topic=SUBSCRIPTIONS, work=partial(_work, log, parts))


async def _work(log: EventLog, parts: PushParts, partition: int) -> None:
    """Own a partition while it has subscriptions."""

    def has(topic: SubscriptionTopic) -> bool:
        return any(parts.book.partition(platform) == partition for platform in topic.platforms)

    async def follow(owner: Owner) -> None:
        await PartitionSender(parts, partition, owner).run(has)

    while True:
        if await parts.book.wait_for(has, seconds=_IDLE_SECONDS):
            await own_with_retry(log, role=ROLE, partition=partition, work=follow)


class PartitionSender:
    """The subscriptions of one partition, each with a task."""

    def __init__(self, parts: PushParts, partition: int, owner: Owner) -> None:
        self._parts = parts
        self._partition = partition
        self._owner = owner
        self._commits = SharedCommits(owner)
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._known: dict[Key, PushProgress] = {}

    async def run(self, has: Callable[[SubscriptionTopic], bool]) -> None:
        """Follow the subscriptions, as they come and go, until there are none. Raises LogError."""
        book = self._parts.book
        await book.advance({self._partition: await self._owner.end(SUBSCRIPTIONS, self._partition)})
        self._known |= {key: one for key, one in book.state.progress.items() if self._holds(key[0])}
        committing = asyncio.create_task(self._commits.run())
        try:
            while self._known or has(book.state):
                wanted = self._wanted()
                await stop([self._tasks.pop(key) for key in set(self._tasks) - wanted])
                for key in sorted(wanted - set(self._tasks)):
                    self._tasks[key] = asyncio.create_task(self._follow(key))
                await self._erase(wanted)
                tasks = {committing, *self._tasks.values()}
                done, _ = await asyncio.wait(tasks, timeout=self._parts.look, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                self._tasks = {key: task for key, task in self._tasks.items() if task not in done}
        finally:
            await stop([committing, *self._tasks.values()])

    async def _follow(self, key: Key) -> None:
        await Follower(*key, parts=self._parts, commits=self._commits, known=self._known).run()

    def _holds(self, platform: str) -> bool:
        return self._parts.book.partition(platform) == self._partition

    def _wanted(self) -> set[Key]:
        """The subscriptions of partners that may read."""
        topic, partners = self._parts.book.state, self._parts.partners
        return {
            (platform, one.name)
            for platform in topic.platforms
            if self._holds(platform)
            for one in settings_of(topic, partners.get(platform)).items
        }

    async def _erase(self, wanted: set[Key]) -> None:
        """Erase the settings of former members, and the progress of subscriptions that are gone, after its deadline."""
        book, now = self._parts.book, self._parts.clock()
        for platform, own in book.state.platforms.items():
            partner = self._parts.partners.get(platform)
            if self._holds(platform) and partner is not None and is_former(own, partner):
                await book.change(platform, own.joined_at, lambda _: None)
        gone = [key for key, one in self._known.items() if key not in wanted and (one.deadline or 0) <= now]
        if gone:
            for key in gone:
                del self._known[key]
            await self._commits.put(
                [Output(SUBSCRIPTIONS, self._partition, Record(progress_key(*key), None)) for key in gone]
            )
