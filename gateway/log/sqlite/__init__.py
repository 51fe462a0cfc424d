"""The embedded event log: one SQLite file, synced before each acknowledgement."""

from gateway.log.sqlite.log import SqliteLog

__all__ = ["SqliteLog"]
