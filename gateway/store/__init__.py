"""Materialised views: local, disposable copies of topics of the log. A deleted view is rebuilt from the log."""

from gateway.store.deliveries import DeliveryView
from gateway.store.journal import JournalView
from gateway.store.offers import OfferView
from gateway.store.receipts import ReceiptView
from gateway.store.runs import RunView
from gateway.store.statistics import StatisticsView
from gateway.store.view_updater import ViewUpdater

__all__ = [
    "DeliveryView",
    "JournalView",
    "OfferView",
    "ReceiptView",
    "RunView",
    "StatisticsView",
    "ViewUpdater",
]
