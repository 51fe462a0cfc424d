"""The relay of this process: one task per partition of its assignment."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import structlog

from gateway.clock import Clock
from gateway.errors import LogError
from gateway.ingest.submissions import Submissions
from gateway.log.assignment import run_assigned
from gateway.log.port import EventLog
from gateway.log.retry import retry_log_errors
from gateway.protocol.seal import ReceiptIds
from gateway.protocol.topic import SUBMISSIONS
from gateway.relay.expiry import due_commands
from gateway.relay.pace import CommitPace
from gateway.relay.partition import ROLE, PartitionRelay
from gateway.relay.standby import Standby
from gateway.runtime.loop import OneThread
from gateway.store.relay_state import RelayState

_UPKEEP_SECONDS = 60.0
_NOT_READY_SECONDS = 0.1

_log = structlog.get_logger()


class Relay:
    """Relays the partitions assigned to this process. An error of any partition ends ``run``: the process then reports
    it and exits.
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
        upkeep_clock: Clock | None = None,
        upkeep_seconds: float = _UPKEEP_SECONDS,
        pace: CommitPace = CommitPace(),  # noqa: B008  # frozen
    ) -> None:
        self._log = log
        self._folder = folder
        self._identity = identity
        self._submissions = submissions
        self._ids = ids
        self._clock = clock
        self._decided = decided
        self._upkeep_clock = upkeep_clock or clock
        self._upkeep_seconds = upkeep_seconds
        self._pace = pace
        self.partitions: dict[int, PartitionRelay] = {}
        self._assignment: frozenset[int] | None = None
        self._thread = OneThread("relay")
        self._standby = Standby(log, thread=self._thread, open_state=self._open_state)

    @property
    def ready(self) -> bool:
        """Whether the assignment is known, and every partition of it is relayed from a rebuilt state."""
        assignment = self._assignment
        return assignment is not None and all(p in self.partitions and self.partitions[p].ready for p in assignment)

    @property
    def lag_ms(self) -> int | None:
        """The age of the oldest submission that is being decided, over this process's partitions. None where there is
        none and some partition is not relayed: the age of its unread submissions is not known.
        """
        oldest = max((relay.lag_ms for relay in self.partitions.values()), default=0)
        return oldest if oldest or self.ready else None

    async def run(self) -> None:
        """Relay until cancelled. Raises the error that stopped a partition."""
        try:
            await run_assigned(self._log, role=ROLE, topic=SUBMISSIONS, work=self._partition, assigned=self._assigned)
        finally:
            await self._standby.close()

    def _assigned(self, assignment: frozenset[int]) -> None:
        self._assignment = assignment
        self._standby.assigned(assignment)

    async def _partition(self, partition: int) -> None:
        async with self._standby.owned(partition):
            await self._own(partition)

    async def _own(self, partition: int) -> None:
        state = await retry_log_errors(f"relay {partition}", partial(self._open_state, partition))
        relay = PartitionRelay(
            self._log,
            partition,
            state=state,
            thread=self._thread,
            clock=self._clock,
            decided=self._decided,
            pace=self._pace,
        )
        self.partitions[partition] = relay
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(relay.run())
                group.create_task(self._upkeep(relay, state, partition))
        except ExceptionGroup as errors:  # not ``except*``: before Python 3.11.4 it wraps what is raised in it
            raise errors.exceptions[0] from None
        finally:
            del self.partitions[partition]
            await self._thread.call(state.close)

    async def _open_state(self, partition: int) -> RelayState:
        """Open the table of a partition, beside the decisions of others: its file may have to be checked."""
        return await asyncio.to_thread(RelayState, self._folder / f"relay-{partition}.sqlite", log=self._identity)

    async def _upkeep(self, relay: PartitionRelay, state: RelayState, partition: int) -> None:
        """Submit the commands that are due; search again only when the relay has read past them."""
        while True:
            submitted = False
            if relay.ready:
                try:
                    submitted = await self._submit_due(relay, state, partition)
                except LogError as error:  # what is due now is due later as well
                    _log.warning("relay.upkeep_postponed", partition=partition, error=str(error))
            if not submitted:
                await asyncio.sleep(self._upkeep_seconds if relay.ready else _NOT_READY_SECONDS)

    async def _submit_due(self, relay: PartitionRelay, state: RelayState, partition: int) -> bool:
        """Submit the commands that are due, and wait for their decisions. Returns whether any were due."""
        with state.guarded():
            commands = await self._thread.call(
                due_commands, state, partition=partition, ids=self._ids, now=self._upkeep_clock()
            )
        failed = [one for one in await self._submissions.submit(commands) if isinstance(one, LogError)]
        if failed:
            raise failed[0]
        end = (await self._log.ends(SUBMISSIONS))[partition]
        while commands and relay.ready and relay.position < end:  # noqa: ASYNC110  # upkeep can wait
            await asyncio.sleep(_NOT_READY_SECONDS)
        return bool(commands)
