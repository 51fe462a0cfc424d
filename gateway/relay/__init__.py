"""The relay: decides every submission once, and writes offers, receipts and its position together."""

from gateway.relay.pace import SHARED, CommitPace
from gateway.relay.relay import Relay

__all__ = ["SHARED", "CommitPace", "Relay"]
