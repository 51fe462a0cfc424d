"""The watch: wakes readers when a stream has grown, by this process or by another one on the same file."""

import asyncio
import sqlite3
from collections.abc import Collection
from contextlib import suppress

_EVERY_SECONDS = 0.01


class Watch:
    """Tracks the end of every stream: own commits are seen at once, those of other processes within 10 ms."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._ends: dict[int, int] = {}
        self._waiters: dict[int, set[asyncio.Event]] = {}
        self._version = 0
        self._task: asyncio.Task[None] | None = None
        self.refresh()

    def refresh(self) -> None:
        """Read the ends, and wake the waiters of each stream that has grown."""
        for number, end in self._connection.execute("SELECT id, next FROM stream").fetchall():
            if self._ends.get(number) != end:
                self._ends[number] = end
                for event in self._waiters.get(number, ()):
                    event.set()

    def notice(self) -> None:
        """Read the ends after a commit of this process. A file that cannot be read fails at the next ``check``."""
        with suppress(sqlite3.Error):
            self.refresh()

    def check(self) -> None:
        """Read the ends if another connection has committed since the last check. Raises sqlite3.Error."""
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._version = version
            self.refresh()

    def end(self, number: int) -> int:
        """The end of a stream as last seen."""
        return self._ends.get(number, 0)

    async def grown(self, numbers: Collection[int], wait: float) -> None:
        """Wait until one of these streams has grown since the last check, at most ``wait`` seconds."""
        event = asyncio.Event()
        for number in numbers:
            self._waiters.setdefault(number, set()).add(event)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())
        try:
            async with asyncio.timeout(wait):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            for number in numbers:
                self._waiters[number].discard(event)

    async def close(self) -> None:
        """Stop watching."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._connection.close()

    async def _watch(self) -> None:
        """Check while there are waiters: another process's commit changes the version that this connection sees."""
        while any(self._waiters.values()):
            with suppress(sqlite3.Error):  # each waiting reader checks again before it reads
                self.check()
            await asyncio.sleep(_EVERY_SECONDS)
