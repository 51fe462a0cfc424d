"""The run view: the outcome of the last pull of each platform's source."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import ClassVar

from gateway.log.port import Chunk
from gateway.protocol.source_run import Pause, RunOrder, SourceRun, read_run
from gateway.runtime.sqlite_damage import Tables, computed
from gateway.store.view import View

_STORED = "SELECT key, value FROM runs WHERE whole(sum, key, value)"


class RunView(View):
    """A copy of ``runs``: dozens of rows, one for each platform whose source is pulled."""

    FORMAT = 2
    TABLES: ClassVar[Tables] = {"runs": ("key", "value")}
    SCHEMA = (
        f"CREATE TABLE runs (key TEXT PRIMARY KEY, value BLOB NOT NULL, {computed(['key', 'value'])}) WITHOUT ROWID;"
    )

    async def last(self) -> Mapping[str, SourceRun]:
        """The last run of each platform."""
        return {run.platform: run for run in await self._all() if isinstance(run, SourceRun)}

    async def paused(self) -> Mapping[str, Pause]:
        """The sources that are paused, by platform."""
        return {pause.platform: pause for pause in await self._all() if isinstance(pause, Pause) and pause.paused}

    async def ordered(self) -> Mapping[str, RunOrder]:
        """The last order of a run, by platform."""
        return {order.platform: order for order in await self._all() if isinstance(order, RunOrder)}

    async def _all(self) -> Sequence[SourceRun | RunOrder | Pause | None]:
        rows = await self.copy.read(lambda db: db.execute(_STORED).fetchall())
        return [read_run(key.encode(), value) for key, value in rows]

    def write(self, db: sqlite3.Connection, chunks: Sequence[Chunk], applied: Sequence[int]) -> None:
        """Replace the runs of these records."""
        for chunk in chunks:
            for record in chunk.records:
                if record.key is None or record.offset < applied[chunk.partition]:
                    continue
                key = record.key.decode()
                if record.value is None:
                    db.execute("DELETE FROM runs WHERE key = ?", (key,))
                else:
                    db.execute("INSERT OR REPLACE INTO runs VALUES (?, ?)", (key, record.value))
