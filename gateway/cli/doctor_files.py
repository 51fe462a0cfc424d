"""Checks of ``passerelle doctor`` on the files of the data folder: the embedded log and the local copies."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from adapters.national.delivery.outbox import Outbox
from adapters.national.inbound.state import InboundState
from gateway.bootstrap.doctor import Diagnosis
from gateway.log.sqlite.check import check_log
from gateway.runtime.sqlite_damage import (
    Tables,
    check_pages,
    check_rows,
    is_damage,
    refuse_folder,
    register,
)
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


def examine_log_file(path: Path) -> Diagnosis:
    """Check every page and every checksum of the log."""
    if not path.exists():
        return Diagnosis("ok", "log file", "none yet; passerelle serve creates it")
    restore = "stop the gateway and restore the file: docs/mend.md, “Restore”"
    try:
        refuse_folder(path)
        with closing(_open(path)) as connection:
            check_log(connection)
    except sqlite3.Error as error:
        if is_damage(error):
            return Diagnosis("fail", "log file", f"{path} is damaged ({error})", restore)
        return Diagnosis("fail", "log file", f"{path} cannot be read ({error})", f"check the rights of {path}")
    return Diagnosis("ok", "log file", f"{path} is intact")


def examine_copies(data: Path) -> Iterator[Diagnosis]:
    """Check every page and checksum of the existing local copies. A damaged copy is rebuilt; no data is lost."""
    intact = 0
    for pattern, (tables, version) in _COPIES.items():
        for path in sorted(data.glob(pattern)):
            finding = _examine_copy(path, tables, version)
            if finding is None:
                intact += 1
            else:
                yield finding
    if intact:
        yield Diagnosis("ok", "local copies", f"{intact} in {data} are intact")


def _examine_copy(path: Path, tables: Tables, version: int) -> Diagnosis | None:
    """The finding of one copy; None if it is intact."""
    step = f"none is needed: the gateway rebuilds it from the log; if it stays so, stop the gateway and remove {path}"
    try:
        refuse_folder(path)
        with closing(_open(path)) as connection:
            row = connection.execute("SELECT value FROM meta WHERE name = 'format'").fetchone()
            if row is None or str(row[0]) != str(version):
                return Diagnosis("warn", "local copies", f"{path} is of another version of the gateway", step)
            check_pages(connection)
            check_rows(connection, {**META_TABLE, **tables})
    except sqlite3.Error as error:
        if is_damage(error):
            return Diagnosis("warn", "local copies", f"{path} is damaged ({error})", step)
        return Diagnosis("warn", "local copies", f"{path} cannot be read ({error})", f"check the rights of {path}")
    return None


def _open(path: Path) -> sqlite3.Connection:
    """A read-only connection, safe while a gateway runs."""
    address = f"{path.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=_BUSY_SECONDS)
    register(connection)
    try:
        connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection
