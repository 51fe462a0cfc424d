"""The version of the protocol that this gateway speaks; ``docs/protocol.md`` says what it means."""

PROTOCOL_VERSION = "1"
