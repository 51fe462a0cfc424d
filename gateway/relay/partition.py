"""The relay of one partition: own it, rebuild its state, then read, decide and commit until cancelled."""

import asyncio
from collections.abc import Callable, Sequence
from math import inf

from gateway.clock import Clock
from gateway.errors import PositionLostError
from gateway.log.owner_loop import chunks_to_commit, own_positions, own_with_retry
from gateway.log.port import (
    Chunk,
    EventLog,
    Output,
    Owner,
)
from gateway.protocol.record import StoredRecord, position_key, position_record
from gateway.protocol.topic import OFFERS, POSITIONS, SUBMISSIONS
from gateway.relay.batch import Batch, judge, offer_ids
from gateway.relay.pace import CommitPace
from gateway.relay.standby import catch_up
from gateway.runtime.loop import OneThread
from gateway.store.relay_state import RelayState

ROLE = "relay"
_SLICE = 100


class PartitionRelay:
    """Decides the submissions of one partition, exactly once. ``run`` ends only by an error or by cancellation.
    ``state`` is used only in ``thread``: its reads, commits and checkpoints would block the event loop. A
    commit holds fewer submissions than its pace permits where they are large: the log's reader bounds them.
    """

    def __init__(
        self,
        log: EventLog,
        partition: int,
        *,
        state: RelayState,
        thread: OneThread,
        clock: Clock,
        decided: Callable[[dict[str, int]], None],
        pace: CommitPace,
    ) -> None:
        self._log = log
        self._partition = partition
        self._state = state
        self._thread = thread
        self._clock = clock
        self._decided = decided
        self._pace = pace
        self._single_at = -inf
        self.ready = False
        self.position = 0
        self._deciding_since: int | None = None
        self._written: int | None = None
        """The end of ``offers`` after the last commit, once the state is to be kept."""

    @property
    def lag_ms(self) -> int:
        """The age of the oldest submission that is being decided; 0 when none is."""
        return 0 if self._deciding_since is None else max(0, self._clock() - self._deciding_since)

    async def run(self) -> None:
        """Own the partition and relay until cancelled. After a commit of unknown outcome, or an outage of the log, it
        starts again with a new owner and a rebuilt state.
        """
        await own_with_retry(self._log, role=ROLE, partition=self._partition, work=self._own)

    async def _own(self, owner: Owner) -> None:
        await self._thread.call(self._state.mend)
        try:
            with self._state.guarded():
                await self._rebuild(owner)
                await self._relay(owner)
        finally:
            self.ready = False
            self._written = None
            await self._thread.call(self._state.drop)

    async def _rebuild(self, owner: Owner) -> None:
        """Read ``offers`` up to its end. The former owner is fenced before, so that it can append nothing more."""
        end = await owner.end(OFFERS, self._partition)
        await catch_up(self._log, self._partition, end=end, state=self._state, thread=self._thread)

    async def _relay(self, owner: Owner) -> None:
        self.position = await self._input_position(owner)
        self._deciding_since = None  # the former owner's submissions are decided, or are read again
        async with self._log.reader({(SUBMISSIONS, self._partition): self.position}) as reader:
            self.ready = True
            clock = asyncio.get_running_loop().time
            limit = lambda: self._pace.limit(since_single=clock() - self._single_at)  # noqa: E731
            async for chunk in chunks_to_commit(reader, limit=limit):
                self._state.require_whole()  # the upkeep may have found damage
                if chunk is None:
                    await self._thread.call(self._keep)
                else:
                    began = clock()
                    batch = await self._commit(owner, chunk)
                    done = clock()
                    if batch.singles:
                        self._single_at = done
                    rest = self._pace.rest(
                        decided=len(chunk.records),
                        more=chunk.more,
                        singles=batch.singles,
                        since_single=done - self._single_at,
                        took=done - began,
                    )
                    if rest:
                        await asyncio.sleep(rest)

    async def _input_position(self, owner: Owner) -> int:
        """The resume offset stored on ``positions``; 0 if none is stored, unless the log no longer starts at 0
        (PositionLostError).
        """
        positions = await own_positions(self._log, owner, role=ROLE, partition=self._partition)
        kept = positions.get(position_key(SUBMISSIONS, self._partition).decode())
        if kept is not None:
            return kept
        start = (await self._log.starts(SUBMISSIONS))[self._partition]
        if start > 0:
            raise PositionLostError(
                f"positions says nothing of {SUBMISSIONS}/{self._partition}, whose first {start} records are gone; "
                "restore the positions topic from a backup, see docs/mend.md"
            )
        return 0

    async def _commit(self, owner: Owner, chunk: Chunk) -> Batch:
        """Judge a chunk and write its outputs with the new input position, in one transaction."""
        self._deciding_since = chunk.records[0].appended_at if chunk.records else None
        batch = await self._judge(chunk)
        batch.outputs.append(
            Output(POSITIONS, self._partition, position_record(SUBMISSIONS, self._partition, chunk.position))
        )
        ends = await owner.commit(batch.outputs)
        self._written = ends.get((OFFERS, self._partition), self._written)
        self.position = chunk.position
        self._deciding_since = None
        self._decided(batch.verdicts)
        return batch

    async def _judge(self, chunk: Chunk) -> Batch:
        """The decisions on a chunk. The state holds the changes uncommitted, until ``keep`` or ``drop``."""
        return await self._thread.call(self._judge_in_thread, chunk.records)

    def _judge_in_thread(self, records: Sequence[StoredRecord]) -> Batch:
        self._keep()
        batch = Batch()
        for start in range(0, len(records), _SLICE):
            part = records[start : start + _SLICE]
            judge(batch, part, partition=self._partition, known=self._state.known(offer_ids(part)))
            self._state.put(batch.changes)
            batch.changes.clear()
        return batch

    def _keep(self) -> None:
        """Commit the changes that the log has by now."""
        if self._written is not None:
            self._state.keep(position=self._written)
            self._written = None
