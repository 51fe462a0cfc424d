"""Commits of a sender: what its subscriptions store within 100 ms is one transaction."""

import asyncio
from collections.abc import Sequence

from gateway.log.port import Output, Owner
from gateway.runtime.loop import settle

EVERY_SECONDS = 0.1


class SharedCommits:
    """Collects outputs for one owner, and commits them together, at least ``every`` seconds apart."""

    def __init__(self, owner: Owner, *, every: float = EVERY_SECONDS) -> None:
        self._owner = owner
        self._every = every
        self._waiting: list[tuple[Sequence[Output], asyncio.Future[None]]] = []
        self._filled = asyncio.Event()
        self._failed: Exception | None = None

    async def put(self, outputs: Sequence[Output]) -> None:
        """Store outputs; returns once they are committed. Raises LogError, as ``run`` does then, also once it has."""
        if self._failed is not None:
            raise self._failed
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append((outputs, stored))
        self._filled.set()
        await stored

    async def run(self) -> None:
        """Commit what is put, until cancelled. Raises LogError."""
        clock = asyncio.get_running_loop().time
        while True:
            await self._filled.wait()
            self._filled.clear()
            began = clock()
            batch, self._waiting = self._waiting, []
            try:
                await self._owner.commit([output for outputs, _ in batch for output in outputs])
            except Exception as error:
                self._failed = error
                for _, stored in (*batch, *self._waiting):
                    settle(stored, None, error)
                raise
            for _, stored in batch:
                settle(stored, None, None)
            await asyncio.sleep(self._every - (clock() - began))
