"""The local copies of a data folder: their files, tables and formats."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from adapters.national.delivery.outbox import Outbox
from adapters.national.inbound.state import InboundState
from gateway.runtime.sqlite_damage import Tables
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


def local_copies(data: Path) -> Iterator[tuple[Path, Tables, int]]:
    """The existing local copies in a data folder, with their tables and their format."""
    for pattern, (tables, version) in _COPIES.items():
        for path in sorted(data.glob(pattern)):
            yield path, {**META_TABLE, **tables}, version
