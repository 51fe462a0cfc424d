"""The relay: decides every submission once, and writes offers, receipts and its position together."""

from gateway.relay.relay import Relay

__all__ = ["Relay"]
