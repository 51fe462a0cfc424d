"""Views: local, disposable copies of the log, made to be asked questions. Deleting one only costs time."""

from gateway.store.deliveries import DeliveryView
from gateway.store.follower import (
    FollowedDeliveries,
    FollowedOffers,
    FollowedReceipts,
    FollowedRuns,
)
from gateway.store.offers import OfferView
from gateway.store.receipts import ReceiptView
from gateway.store.runs import RunView
from gateway.store.view_updater import Tail

__all__ = [
    "DeliveryView",
    "FollowedDeliveries",
    "FollowedOffers",
    "FollowedReceipts",
    "FollowedRuns",
    "OfferView",
    "ReceiptView",
    "RunView",
    "Tail",
]
