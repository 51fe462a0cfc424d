"""The relay of this process: one task per partition that the group gives it."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import structlog

from gateway.clock import Clock
from gateway.errors import LogError
from gateway.ingest.submissions import Submissions
from gateway.log.assignment import keep_going, work_share
from gateway.log.port import EventLog
from gateway.protocol.receipt import ReceiptIds
from gateway.protocol.topic import SUBMISSIONS
from gateway.relay.partition import ROLE, PartitionRelay
from gateway.relay.upkeep import due_commands
from gateway.runtime.one_thread import OneThread
from gateway.store.relay_state import RelayState

AT_ONCE = 750
SHARED_AT_ONCE = 250
"""On a log whose commits wait for one another: one of 750 decisions keeps single offers waiting for tens of ms."""
_CHORES_SECONDS = 60.0
_NOT_READY_SECONDS = 0.1

_log = structlog.get_logger()


class Relay:
    """Follows the group's assignment; ``at_once`` submissions at most are decided in one commit. An error of any
    partition ends ``run``: the process then says so and exits.
    """

    def __init__(  # noqa: PLR0913  # all but one by name
        self,
        log: EventLog,
        *,
        folder: Path,
        identity: str,
        submissions: Submissions,
        ids: ReceiptIds,
        clock: Clock,
        decided: Callable[[dict[str, int]], None],
        chores_clock: Clock | None = None,
        chores_seconds: float = _CHORES_SECONDS,
        at_once: int = AT_ONCE,
    ) -> None:
        self._log = log
        self._folder = folder
        self._identity = identity
        self._submissions = submissions
        self._ids = ids
        self._clock = clock
        self._decided = decided
        self._chores_clock = chores_clock or clock
        self._chores_seconds = chores_seconds
        self._at_once = at_once
        self.partitions: dict[int, PartitionRelay] = {}
        self._share: frozenset[int] | None = None

    @property
    def ready(self) -> bool:
        """Whether this process knows its share, and relays every partition of it from a rebuilt state."""
        share = self._share
        return share is not None and all(p in self.partitions and self.partitions[p].ready for p in share)

    @property
    def lag_ms(self) -> int | None:
        """The age of the oldest submission in hand, over this process's partitions. None where none is and some
        partition is not relayed: how long what is unread has waited there is not known.
        """
        oldest = max((relay.lag_ms for relay in self.partitions.values()), default=0)
        return oldest if oldest or self.ready else None

    async def run(self) -> None:
        """Relay until cancelled; raises what made a partition stop."""
        await work_share(self._log, role=ROLE, topic=SUBMISSIONS, work=self._partition, assigned=self._assigned)

    def _assigned(self, share: frozenset[int]) -> None:
        self._share = share

    async def _partition(self, partition: int) -> None:
        thread = OneThread(f"relay-{partition}")
        try:
            state = await keep_going(f"relay {partition}", partial(self._open_state, thread, partition))
        except BaseException:
            await thread.close(lambda: None)
            raise
        relay = PartitionRelay(
            self._log,
            partition,
            state=state,
            thread=thread,
            clock=self._clock,
            decided=self._decided,
            at_once=self._at_once,
        )
        self.partitions[partition] = relay
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(relay.run())
                group.create_task(self._chores(relay, thread, state, partition))
        except* Exception as errors:  # noqa: BLE001  # unwrapped, not swallowed: the first error speaks
            raise errors.exceptions[0] from None
        finally:
            del self.partitions[partition]
            await thread.close(state.close)

    async def _open_state(self, thread: OneThread, partition: int) -> RelayState:
        return await thread.call(RelayState, self._folder / f"relay-{partition}.sqlite", log=self._identity)

    async def _chores(self, relay: PartitionRelay, thread: OneThread, state: RelayState, partition: int) -> None:
        """Hand in what is due, and look again only when the relay has read past what was handed in."""
        while True:
            handed_in = False
            if relay.ready:
                try:
                    handed_in = await self._hand_in(relay, thread, state, partition)
                except LogError as error:  # what is due now is due later as well
                    _log.warning("relay.chores_put_off", partition=partition, error=str(error))
            if not handed_in:
                await asyncio.sleep(self._chores_seconds if relay.ready else _NOT_READY_SECONDS)

    async def _hand_in(self, relay: PartitionRelay, thread: OneThread, state: RelayState, partition: int) -> bool:
        """Whether anything was due, and has been decided meanwhile."""
        with state.guarded():
            commands = await thread.call(
                due_commands, state, partition=partition, ids=self._ids, now=self._chores_clock()
            )
        failed = [one for one in await self._submissions.submit(commands) if isinstance(one, LogError)]
        if failed:
            raise failed[0]
        end = (await self._log.ends(SUBMISSIONS))[partition]
        while commands and relay.ready and relay.position < end:  # noqa: ASYNC110  # a chore has time
            await asyncio.sleep(_NOT_READY_SECONDS)
        return bool(commands)
