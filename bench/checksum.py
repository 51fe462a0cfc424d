"""Cost of row checksums: rows of the embedded log written and read with and without them, alternately.

    python -m bench.checksum                  # in a temporary folder; --folder names another disk

Rows are 1.3 kB, 500 to a transaction. The figures are medians of rounds that alternate: processor time of the thread
that writes or reads, and the checksum alone.
"""

import argparse
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

from gateway.log.sqlite.row import (
    pack,
    seal,
    unpack,
    unseal,
)
from gateway.protocol.record import Record, event_headers

ROWS = 500
ROUNDS = 60
_AT_ONCE = 50
_VALUES = os.urandom(1_300)
_INSERT = "INSERT INTO record VALUES " + ",".join(["(?,?,?,?,?)"] * _AT_ONCE)

Row = tuple[int, int, bytes | None, bytes | None, bytes | None]
Write = Callable[[int, int, Record], bytes | None]


def records() -> Sequence[Record]:
    """Records as the relay writes them: with headers."""
    return [
        Record(key.encode(), _VALUES, event_headers(key, number, at=1_800_000_000_000, published=True))
        for number, key in enumerate(f"bretagne:{number:07}" for number in range(ROWS))
    ]


def sealed(offset: int, at: int, one: Record) -> bytes | None:
    """Headers and checksum."""
    return seal(1, offset, at, one.key, one.value, one.headers)


def packed(offset: int, at: int, one: Record) -> bytes | None:  # noqa: ARG001  # the same form as ``sealed``
    """Headers alone."""
    return pack(one.headers)


def write(connection: sqlite3.Connection, rows: Sequence[Record], first: int, last_column: Write) -> float:
    """Seconds for one transaction."""
    began = time.thread_time()
    connection.execute("BEGIN IMMEDIATE")
    made = [(first + n, 7, one.key, one.value, last_column(first + n, 7, one)) for n, one in enumerate(rows)]
    for start in range(0, len(made), _AT_ONCE):
        connection.execute(_INSERT, list(chain.from_iterable(made[start : start + _AT_ONCE])))
    connection.execute("COMMIT")
    return time.thread_time() - began


def read(connection: sqlite3.Connection, first: int, take: Callable[[Row], object]) -> float:
    """Seconds to read one transaction's rows back."""
    began = time.thread_time()
    for row in connection.execute("SELECT * FROM record WHERE offset >= ? ORDER BY offset LIMIT ?", (first, ROWS)):
        take(row)
    return time.thread_time() - began


def check(row: Row) -> object:
    """Headers, compared with the checksum."""
    offset, at, key, value, last = row
    return unseal(1, offset, at, key, value, last, required=True)


def measure(folder: Path) -> dict[str, list[float]]:
    """Microseconds per row, by measurement."""
    found: dict[str, list[float]] = {}
    opened: dict[str, sqlite3.Connection] = {}
    rows = records()
    for name in ("with", "without"):
        opened[name] = sqlite3.connect(folder / f"{name}.sqlite", isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 0"):
            opened[name].execute(f"PRAGMA {pragma}")
        opened[name].execute(
            "CREATE TABLE record (offset INTEGER PRIMARY KEY, at INTEGER, key BLOB, value BLOB, headers BLOB)"
        )
    last_columns: dict[str, Write] = {"with": sealed, "without": packed}
    takes: dict[str, Callable[[Row], object]] = {"with": check, "without": lambda row: unpack(row[4])}
    for round_number in range(ROUNDS):
        for name, connection in opened.items() if round_number % 2 else reversed(opened.items()):
            found.setdefault(f"write {name}", []).append(
                write(connection, rows, round_number * ROWS, last_columns[name])
            )
            found.setdefault(f"read {name}", []).append(read(connection, round_number * ROWS, takes[name]))
            began = time.thread_time()
            for number, one in enumerate(rows):
                last_columns[name](number, 7, one)
            found.setdefault(f"last column alone, {name}", []).append(time.thread_time() - began)
    for connection in opened.values():
        connection.close()
    return {what: [one / ROWS * 1e6 for one in times] for what, times in found.items()}


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where the files are written for the time of the run")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        found = measure(Path(folder))
    for what, times in found.items():
        low, middle, high = statistics.quantiles(times, n=4)
        print(f"{what:<32}{middle:8.2f} µs a row ({low:.2f} to {high:.2f} in the middle half of the rounds)")


if __name__ == "__main__":
    main()
