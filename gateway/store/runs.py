"""The run view: the outcome of the last pull of each platform's source."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from gateway.log.port import Chunk
from gateway.protocol.source_run import Run, read_run
from gateway.runtime.row_checksum import computed
from gateway.runtime.sqlite_damage import Tables
from gateway.store.view import View


class RunView(View):
    """A copy of ``runs``: dozens of rows, one for each platform whose source is pulled."""

    FORMAT = 2
    TABLES: ClassVar[Tables] = {"runs": ("key", "value")}
    SCHEMA = (
        f"CREATE TABLE runs (key TEXT PRIMARY KEY, value BLOB NOT NULL, {computed(['key', 'value'])}) WITHOUT ROWID;"
    )

    async def last(self) -> Mapping[str, Run]:
        """The last run of each platform."""
        return await self._in_reader(self._last)

    def _last(self) -> Mapping[str, Run]:
        rows = self._reading.execute("SELECT key, value FROM runs WHERE whole(sum, key, value)").fetchall()
        found = (read_run(key.encode(), value) for key, value in rows)
        return {run.platform: run for run in found if isinstance(run, Run)}

    def _write(self, chunks: Iterable[Chunk]) -> None:
        for chunk in chunks:
            for record in chunk.records:
                if record.key is None or record.offset < self._applied[chunk.partition]:
                    continue
                key = record.key.decode()
                if record.value is None:
                    self._db.execute("DELETE FROM runs WHERE key = ?", (key,))
                else:
                    self._db.execute("INSERT OR REPLACE INTO runs VALUES (?, ?)", (key, record.value))
