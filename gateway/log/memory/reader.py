"""The reader of the log in memory."""

import asyncio
from collections.abc import Mapping, Sequence

from gateway.log.memory.store import Store
from gateway.log.port import Chunk, Reader


class MemoryReader(Reader):
    """Reads partitions of a store from given positions."""

    def __init__(self, store: Store, positions: Mapping[tuple[str, int], int]) -> None:
        self._store = store
        self._positions = dict(positions)

    async def poll(self, *, limit: int, wait: float) -> Sequence[Chunk]:
        """Records from the positions on, or those that arrive within ``wait`` seconds. Raises PositionLostError."""
        await asyncio.sleep(0)  # as on a real log, other tasks run
        chunks = self._read(limit)
        if chunks or wait <= 0:
            return chunks
        try:
            async with asyncio.timeout(wait):
                while not chunks:
                    await self._store.moved()
                    chunks = self._read(limit)
        except TimeoutError:
            pass
        return chunks

    async def close(self) -> None:
        """Nothing to release."""

    def _read(self, limit: int) -> list[Chunk]:
        """One pass over the partitions; those that were read move to the end of the queue, so that none starves."""
        chunks = []
        for topic, partition in tuple(self._positions):
            chunk = self._store.stream(topic, partition).read(self._positions[topic, partition], limit)
            if chunk is not None:
                limit -= len(chunk.records)
                chunks.append(chunk)
            if limit == 0:
                break
        for chunk in chunks:
            del self._positions[chunk.topic, chunk.partition]
            self._positions[chunk.topic, chunk.partition] = chunk.position
        return chunks
