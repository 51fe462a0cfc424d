"""The version of the protocol that this gateway implements; ``docs/protocol.md`` defines it."""

PROTOCOL_VERSION = "1"
