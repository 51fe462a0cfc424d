"""The SQLite files of a data folder, and their examination: every page, and the checksum of every row."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from adapters.national.delivery.outbox import Outbox
from adapters.national.inbound.state import InboundState
from gateway.log.sqlite.check import check_records
from gateway.runtime.sqlite_damage import Tables, check_pages, check_rows, refuse_folder, register
from gateway.store import (
    DeliveryView,
    JournalView,
    OfferView,
    ReceiptView,
    RunView,
    StatisticsView,
)
from gateway.store.copy_file import META_TABLE
from gateway.store.relay_state import RelayState

_COPIES: Mapping[str, tuple[Tables, int]] = {
    "views/offers.sqlite": (OfferView.TABLES, OfferView.FORMAT),
    "views/receipts.sqlite": (ReceiptView.TABLES, ReceiptView.FORMAT),
    "views/deliveries.sqlite": (DeliveryView.TABLES, DeliveryView.FORMAT),
    "views/runs.sqlite": (RunView.TABLES, RunView.FORMAT),
    "views/statistics.sqlite": (StatisticsView.TABLES, StatisticsView.FORMAT),
    "views/journal.sqlite": (JournalView.TABLES, JournalView.FORMAT),
    "relay/relay-*.sqlite": (RelayState.TABLES, RelayState.FORMAT),
    "national/outbox-*.sqlite": (Outbox.TABLES, Outbox.FORMAT),
    "national/inbound.sqlite": (InboundState.TABLES, InboundState.FORMAT),
}
_BUSY_SECONDS = 10.0
_STEPS = 100_000


class VersionError(Exception):
    """The file is a copy of another version of the gateway."""


def local_copies(data: Path) -> Iterator[tuple[Path, Tables, int]]:
    """The existing local copies in a data folder, with their tables and their format."""
    for pattern, (tables, version) in _COPIES.items():
        for path in sorted(data.glob(pattern)):
            yield path, tables, version


def examine_log(path: Path, *, growth: int | None = None) -> None:
    """Examine the embedded log; ``growth`` as in ``examine_copy``. Raises sqlite3.Error."""
    refuse_folder(path)
    with closing(_open(path, growth)) as connection:
        check_records(connection)
        check_pages(connection)


def examine_copy(path: Path, tables: Tables, version: int, *, growth: int | None = None) -> None:
    """Examine a local copy. The write-ahead log grows while a check reads: at most by ``growth`` bytes, which interrupt
    it. Raises VersionError, sqlite3.Error.
    """
    refuse_folder(path)
    with closing(_open(path, growth)) as connection:
        row = connection.execute("SELECT value FROM meta WHERE name = 'format'").fetchone()
        if row is None or str(row[0]) != str(version):
            raise VersionError
        check_pages(connection)
        check_rows(connection, {**META_TABLE, **tables})


def _open(path: Path, growth: int | None) -> sqlite3.Connection:
    """A read-only connection, safe while a gateway runs."""
    address = f"{path.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=_BUSY_SECONDS)
    register(connection)
    try:
        connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error:
        connection.close()
        raise
    if growth is not None:
        longest = _wal_size(path) + growth
        connection.set_progress_handler(lambda: _wal_size(path) > longest, _STEPS)
    return connection


def _wal_size(path: Path) -> int:
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size
    except OSError:
        return 0
