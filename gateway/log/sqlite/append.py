"""Appends to the embedded log: those of a group are written by as few statements as possible.

Before each statement a writing thread may wait for the GIL and for a processor, while it holds the write lock of all
processes. One statement therefore reads the bounds of all streams of a group, one updates them, and rows are inserted a
thousand at a time. An epoch fences the appends of a former owner.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

from gateway.clock import append_time
from gateway.errors import FencedError
from gateway.log.sqlite.row import seal
from gateway.log.sqlite.stream import Bounds, Stream, read_all_bounds, write_all_bounds
from gateway.protocol.record import Record

_ROWS = 1_000
_PLACEHOLDERS = "(?, ?, ?, ?, ?)"
_Row: TypeAlias = tuple[int, int, bytes | None, bytes | None, bytes]
"""Offset, time, key, value, headers with the checksum."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """The epoch of an owner: of a role in a partition."""

    role: str
    partition: int
    number: int


@dataclass(frozen=True, slots=True)
class Append:
    """Records to write, by stream; ``epoch``: only while it is the newest of its role and partition."""

    parts: Mapping[Stream, Sequence[Record]]
    epoch: Epoch | None = None


Offsets: TypeAlias = Mapping[Stream, tuple[int, int]]
"""The first and the last offset that each stream of an append got."""
AppendOutcome: TypeAlias = tuple[Offsets, None] | tuple[None, FencedError]


@dataclass(frozen=True, slots=True)
class AppendRows:
    """The rows that appends add to streams whose bounds are ``before``, and the bounds ``after``."""

    appends: Sequence[Append]
    before: Mapping[Stream, Bounds]
    after: Mapping[Stream, Bounds]
    rows: Mapping[Stream, Sequence[_Row]]
    offsets: Sequence[Offsets]


def rows_of(connection: sqlite3.Connection, appends: Sequence[Append], *, at: int) -> AppendRows:
    """Compute the rows of appends, in their order, from the present bounds of their streams. Raises DamagedRowError.

    One more offset stays unused after the records of an append, like that of a commit marker. Times do not decrease
    within a stream, unless the clock was ahead and has been set back (``append_time``).
    """
    before = read_all_bounds(connection, {stream for one in appends for stream in one.parts})
    after = dict(before)
    rows: dict[Stream, list[_Row]] = {stream: [] for stream in before}
    return AppendRows(appends, before, after, rows, [_add(one, after, rows, at=at) for one in appends])


def append_all(
    connection: sqlite3.Connection, appends: Sequence[Append], *, at: int, prepared: AppendRows | None = None
) -> Sequence[AppendOutcome]:
    """Write the appends, inside a transaction; the outcome of each. Raises DamagedRowError.

    ``prepared`` was made before: Python's work under the write lock delays all processes. It is used only if the bounds
    of its streams have not changed.
    """
    fenced = {one.epoch: _fenced(one.epoch) for one in appends if one.epoch and not _is_newest(connection, one.epoch)}
    admitted = [one for one in appends if one.epoch not in fenced]
    if prepared is None or prepared.appends != admitted or not _fits(connection, prepared):
        prepared = rows_of(connection, admitted, at=at)
    for stream, rows in prepared.rows.items():
        _insert(connection, stream.table, rows)
    write_all_bounds(connection, prepared.before, prepared.after)
    offsets = iter(prepared.offsets)
    return [(None, fenced[one.epoch]) if one.epoch in fenced else (next(offsets), None) for one in appends]


def _fits(connection: sqlite3.Connection, prepared: AppendRows) -> bool:
    return read_all_bounds(connection, prepared.before) == prepared.before


def _add(append: Append, bounds: dict[Stream, Bounds], rows: Mapping[Stream, list[_Row]], *, at: int) -> Offsets:
    """Add an append's rows, and advance the bounds."""
    offsets = {}
    for stream, records in append.parts.items():
        known, number = bounds[stream], stream.number
        first, time, last = known.next, append_time(at, known.last_at), known.next + len(records) - 1
        rows[stream].extend(
            (offset, time, one.key, one.value, seal(number, offset, time, one.key, one.value, one.headers))
            for offset, one in enumerate(records, first)
        )
        bounds[stream] = known._replace(next=last + 2, last_at=time)
        offsets[stream] = (first, last)
    return offsets


def take_partition(connection: sqlite3.Connection, role: str, partition: int) -> Epoch:
    """A new owner's epoch, which fences the owners with older ones."""
    (number,) = connection.execute(
        "INSERT INTO owner VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET epoch = epoch + 1 RETURNING epoch",
        (role, partition),
    ).fetchone()
    return Epoch(role, partition, int(number))


def _is_newest(connection: sqlite3.Connection, epoch: Epoch) -> bool:
    row = connection.execute(
        "SELECT epoch FROM owner WHERE role = ? AND partition = ?", (epoch.role, epoch.partition)
    ).fetchone()
    return bool(row == (epoch.number,))


def _fenced(epoch: Epoch) -> FencedError:
    return FencedError(f"Another owner has taken {epoch.role} of partition {epoch.partition}.")


def _insert(connection: sqlite3.Connection, table: str, rows: Sequence[_Row]) -> None:
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        values = ",".join((_PLACEHOLDERS,) * len(part))
        # OR IGNORE: a statement that may fail midway copies each page that it changes into a journal of its own.
        statement = f"INSERT OR IGNORE INTO {table} VALUES {values}"  # noqa: S608  # our own table's name
        if connection.execute(statement, list(chain.from_iterable(part))).rowcount != len(part):
            raise sqlite3.IntegrityError(f"{table} holds records beyond its bounds")
