"""The views of a gateway."""

from collections.abc import Mapping

from gateway.protocol.topic import DELIVERIES, JOURNAL, OFFERS, RECEIPTS, RUNS, STATISTICS
from gateway.store import (
    DeliveryView,
    JournalView,
    OfferView,
    ReceiptView,
    RunView,
    StatisticsView,
)
from gateway.store.view import View

VIEWS: Mapping[str, type[View]] = {
    OFFERS: OfferView,
    RECEIPTS: ReceiptView,
    DELIVERIES: DeliveryView,
    RUNS: RunView,
    STATISTICS: StatisticsView,
    JOURNAL: JournalView,
}
"""The views by their topics, which name their files."""
