"""The relay: decides every submission once, and writes offers, receipts and its position together."""

from gateway.relay.relay import AT_ONCE, SHARED_AT_ONCE, Relay

__all__ = ["AT_ONCE", "SHARED_AT_ONCE", "Relay"]
