"""Views: local, disposable copies of the log, made to be asked questions. Deleting one only costs time."""

from gateway.views.offers import OfferView
from gateway.views.receipts import ReceiptView
from gateway.views.tail import Tail

__all__ = ["OfferView", "ReceiptView", "Tail"]
