"""Views: local, disposable copies of the log, made to be asked questions. Deleting one only costs time."""

from gateway.views.deliveries import DeliveryView
from gateway.views.follower import FollowedDeliveries, FollowedOffers, FollowedReceipts, FollowedRuns
from gateway.views.offers import OfferView
from gateway.views.receipts import ReceiptView
from gateway.views.runs import RunView
from gateway.views.tail import Tail

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
