"""A set of ids in a temporary SQLite database, for sets too large for memory (a million ids)."""

import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gateway.runtime.sqlite_damage import passing_outages

_FOLDER = Path(tempfile.gettempdir())


class IdSet:
    """Ids numbered from 0 in insertion order. Not thread-safe; must be closed. ``in_memory``: nothing goes to disk."""

    def __init__(self, *, in_memory: bool = False) -> None:
        # An empty name opens a temporary database, which SQLite spills to disk and deletes.
        self._db = sqlite3.connect(":memory:" if in_memory else "", check_same_thread=False)
        self._db.execute("CREATE TABLE ids (id TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID")
        self._size = 0

    def add(self, offer_id: str) -> bool:
        """Add an id; False if it is already present. Raises LogUnavailableError when the disk is full."""
        with passing_outages(_FOLDER):
            added = self._db.execute("INSERT OR IGNORE INTO ids VALUES (?, ?)", (offer_id, self._size)).rowcount
        self._size += added
        return bool(added)

    def number(self, offer_id: str) -> int | None:
        """The number of an id; None if it is absent."""
        row = self._db.execute("SELECT number FROM ids WHERE id = ?", (offer_id,)).fetchone()
        return None if row is None else row[0]

    def __contains__(self, offer_id: str) -> bool:
        return self.number(offer_id) is not None

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[str]:
        """The ids, in sort order."""
        return (row[0] for row in self._db.execute("SELECT id FROM ids"))

    def close(self) -> None:
        """Close and delete the temporary database."""
        self._db.close()
