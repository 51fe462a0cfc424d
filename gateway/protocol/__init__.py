"""The interconnection protocol as pure functions and frozen values: no clock, no network, no disk."""

PROTOCOL_VERSION = "1"
"""The version of the protocol that this gateway implements; ``docs/protocol.md`` defines it."""
