"""The relay's state of one partition's offers: a disposable SQLite table, rebuilt from ``offers``.

The table is only a copy: it holds its log's identity and the offset up to which ``offers`` was applied. A file that is
damaged, belongs to another log or is ahead of the log is discarded. On disk, so that a million offers cost no memory.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import ClassVar
from zlib import crc32

import orjson

from gateway.protocol.submission import Known
from gateway.runtime.sqlite_damage import ChecksumError, Tables, computed, joined
from gateway.store.local_copy import LocalCopy

_LAYOUT = f"""
CREATE TABLE known (
    id TEXT PRIMARY KEY, revision INTEGER, digest BLOB, sequence INTEGER, position INTEGER, appended_at INTEGER,
    reason TEXT, expires_on TEXT, provenance TEXT, shared TEXT, never TEXT, sum INTEGER
) WITHOUT ROWID;
CREATE INDEX due ON known (expires_on) WHERE reason IS NULL;
CREATE INDEX old ON known (appended_at) WHERE reason IS NOT NULL;
CREATE TABLE position (position INTEGER, {computed(["position"])});
INSERT INTO position VALUES (0);
"""  # noqa: S608  # names of our own tables and columns
_COLUMNS = "revision, digest, sequence, position, appended_at, reason, expires_on, provenance, shared, never"
_POSITION = "SELECT position FROM position WHERE whole(sum, position)"
_DELETE = "DELETE FROM known WHERE id IN (SELECT value FROM json_each(?))"
# Not OR REPLACE: a statement that may fail midway copies each page that it changes into a journal of its own.
_PUT, _ROW = "INSERT OR IGNORE INTO known VALUES ", "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ROWS_AT_ONCE = 64  # rows in one statement, so that the GIL is released rarely
_BESIDE = """SELECT
    json_group_array((SELECT json_array(id, sum >> 32) FROM known WHERE id < j.value ORDER BY id DESC LIMIT 1)),
    json_group_array((SELECT json_array(id, sum >> 32) FROM known WHERE id > j.value ORDER BY id LIMIT 1))
    FROM json_each(?) AS j"""
_SUM = f"""crc32(CAST(id AS BLOB)) >> 1 << 32 | crc32(CAST({joined(["id", *_COLUMNS.split(", ")])} AS BLOB))"""
_LOOKUP = 500


class RelayState(LocalCopy):
    """The table of one partition. ``keep`` commits changes; ``drop`` rolls back those since the last commit."""

    FORMAT = 5
    LAYOUT = _LAYOUT
    TABLES: ClassVar[Tables] = {"known": _SUM, "position": ("position",)}

    @property
    def position(self) -> int:
        """The next offset of ``offers`` to apply."""
        return int(self._db.execute(_POSITION).fetchone()[0])

    def known(self, ids: Iterable[str]) -> dict[str, Known]:
        """The known states of these offers by id; unknown offers are left out."""
        found: dict[str, Known] = {}
        wanted = list(ids)
        for start in range(0, len(wanted), _LOOKUP):
            part = wanted[start : start + _LOOKUP]
            marks = ",".join("?" * len(part))
            found.update(self._select(f"id IN ({marks})", *part))
        self._require_unknown([key for key in wanted if key not in found])
        return found

    def _require_unknown(self, keys: Sequence[str]) -> None:
        """Compare the keys of the two rows beside each id that is not found with their checksums. Where the bytes of a
        key are damaged, a search for that key ends beside its row. Raises ChecksumError.
        """
        for texts in self._db.execute(_BESIDE, (orjson.dumps(keys).decode(),)).fetchone():
            try:
                beside = orjson.loads(texts)
            except orjson.JSONDecodeError as error:
                raise ChecksumError("a row holds no JSON") from error
            for key, stored in filter(None, beside):
                if stored != crc32(key.encode()) >> 1:
                    raise ChecksumError(f"the checksum of a key does not match ({key[:80]!r})")

    def put(self, changes: Mapping[str, Known | None]) -> None:
        """Set the known states of offers by id; None removes one."""
        with self.guarded():
            self._db.execute(_DELETE, (orjson.dumps(list(changes)).decode(),))
            rows = sorted(_row(key, known) for key, known in changes.items() if known is not None)
            for first in range(0, len(rows), _ROWS_AT_ONCE):
                some = rows[first : first + _ROWS_AT_ONCE]
                put = self._db.execute(_PUT + ",".join([_ROW] * len(some)), tuple(chain.from_iterable(some)))
                if put.rowcount != len(some):
                    raise ChecksumError("a deleted row is still there")

    def apply(self, changes: Mapping[str, Known | None], *, position: int) -> None:
        """Apply records of ``offers`` and commit, during a rebuild."""
        self.put(changes)
        self.keep(position=position)

    def keep(self, *, position: int) -> None:
        """Commit the changes, which the log holds below this offset of ``offers``."""
        with self.guarded():
            self._db.execute("UPDATE position SET position = ?", (position,))
            self._db.commit()

    def due(self, *, today: str, limit: int) -> Iterator[tuple[str, Known]]:
        """Live offers whose last day is before ``today`` (ISO date)."""
        return self._select("reason IS NULL AND expires_on < ? ORDER BY expires_on LIMIT ?", today, limit)

    def old_markers(self, *, before: int, limit: int) -> Iterator[tuple[str, Known]]:
        """Markers that were set before an instant (ms), by their append time and by their sequence."""
        condition = "reason IS NOT NULL AND appended_at < ? AND sequence < ? LIMIT ?"
        return self._select(condition, before, before, limit)

    def _select(self, condition: str, *values: object) -> Iterator[tuple[str, Known]]:
        rows = self._db.execute(f"SELECT sum, id, {_COLUMNS} FROM known WHERE {condition}", values)  # noqa: S608  # our own names
        return (_found(row) for row in rows.fetchall())


def _row(offer_id: str, known: Known) -> tuple[object, ...]:
    row: tuple[str, int, bytes, *tuple[object, ...]] = (
        offer_id,
        known.revision,
        bytes.fromhex(known.digest),
        known.sequence,
        known.position,
        known.appended_at,
        known.reason,
        known.expires_on,
        " ".join(known.provenance),
        _text(known.shared),
        _text(known.never),
    )
    return *row, _checksum(*row)


def _checksum(offer_id: str, revision: int, digest: bytes, *others: object) -> int:
    """The lower 32 bits are that of all columns (``checksum``, faster: one is a blob), those above that of the id."""
    key = crc32(offer_id.encode())
    before = crc32(digest, crc32(f"\x1f{revision}\x1f".encode(), key))
    return key >> 1 << 32 | crc32("\x1f".join(("", *map(str, others))).encode(), before)


@lru_cache(maxsize=1_024)
def _text(names: frozenset[str]) -> str:
    """Names as one text. There are few such sets, each shared by many offers."""
    return " ".join(sorted(names))


@lru_cache(maxsize=1_024)
def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


@lru_cache(maxsize=1_024)
def _name_set(text: str) -> frozenset[str]:
    """The inverse of ``_text``."""
    return frozenset(text.split())


def _found(row: Sequence[object]) -> tuple[str, Known]:
    """A row with its checksum in front. Raises ChecksumError."""
    stored, offer_id, revision, digest, *others = row
    if stored != _checksum(offer_id, revision, digest, *others):  # type: ignore[arg-type]  # the columns hold what _row put there
        raise ChecksumError(f"the checksum of a row does not match (key {offer_id!r:.80})")
    return str(offer_id), _known(row[2:])


def _known(row: Sequence[object]) -> Known:
    revision, digest, sequence, position, appended_at, reason, expires_on, provenance, shared, never = row
    return Known(
        revision=revision,  # type: ignore[arg-type]  # the columns hold what _row put there
        digest=digest.hex(),  # type: ignore[attr-defined]
        sequence=sequence,  # type: ignore[arg-type]
        position=position,  # type: ignore[arg-type]
        appended_at=appended_at,  # type: ignore[arg-type]
        reason=reason,  # type: ignore[arg-type]
        expires_on=expires_on,  # type: ignore[arg-type]
        provenance=_names(provenance),
        shared=_name_set(shared),
        never=_name_set(never),
    )
