"""Revisions: each content of an offer gets its own, in an SQLite file.

Changed content gets max(last + 1, now in milliseconds), so that a content that comes back (A, B, A) is a third
revision; unchanged content keeps its own, so that it can be sent again at any time.
"""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from passerelle_client import clock
from passerelle_client.errors import ClientError, Language

_LOCK_SECONDS = 60.0
_TABLE = """CREATE TABLE IF NOT EXISTS revisions (
    id TEXT PRIMARY KEY, digest TEXT NOT NULL, revision INTEGER NOT NULL, times INTEGER NOT NULL,
    sent_at INTEGER NOT NULL) WITHOUT ROWID"""
_REVISE = """INSERT INTO revisions VALUES (:id, :digest, :now, 1, :now) ON CONFLICT (id) DO UPDATE SET
    revision = CASE WHEN digest = :digest THEN revision ELSE max(revision + 1, :now) END,
    digest = :digest, times = times + 1, sent_at = :now RETURNING revision"""
_LEAVE = "UPDATE revisions SET digest = '' WHERE sent_at < ?"
_HEAL = "UPDATE revisions SET revision = ? WHERE id = ? AND revision = ? AND times = 1"


def digest_of(document: Mapping[str, Any]) -> str:
    """A digest of a document without its revision."""
    content = {name: value for name, value in document.items() if name != "revision"}
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Revisions:
    """Revisions by offer id. Threads and processes may share the file; losing it costs no more than that each offer is
    sent once under a new revision.
    """

    def __init__(self, path: str | Path, *, language: Language = "fr") -> None:
        self._path, self._language, self._lock = path, language, threading.Lock()
        with self._transaction() as database:
            database.execute(_TABLE)

    def revise(self, documents: Iterable[Mapping[str, Any]]) -> Sequence[int]:
        """The revision of each of these offers and withdrawals, in order."""
        now, revisions = clock.now(), []
        with self._transaction() as database:
            for document in documents:
                values = {"id": document["id"], "digest": digest_of(document), "now": now}
                revisions.append(int(database.execute(_REVISE, values).fetchone()[0]))
        return revisions

    def heal(self, offer_id: str, *, sent: int, current: int) -> int | None:
        """The revision above the gateway's ``current`` one, for an offer whose revision ``sent`` was stale; None unless
        this is the first that was sent of it: a known offer was changed elsewhere, withdrawn perhaps.
        """
        with self._transaction() as database:
            healed = database.execute(_HEAL, (current + 1, offer_id, sent)).rowcount
        return current + 1 if healed else None

    def leave(self, before: int) -> None:
        """Give all that was last sent before this time a new revision when it is sent again, whatever its content: a
        snapshot has withdrawn it as absent (WDR-003).
        """
        with self._transaction() as database:
            database.execute(_LEAVE, (before,))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._lock, closing(sqlite3.connect(self._path, _LOCK_SECONDS, isolation_level=None)) as database:
                database.execute("BEGIN IMMEDIATE")
                yield database
                database.execute("COMMIT")
        except sqlite3.Error as error:
            raise ClientError("revisions", self._language, path=self._path, text=error) from error
