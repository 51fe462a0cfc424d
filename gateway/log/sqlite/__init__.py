"""The embedded event log: one SQLite file, synced before anything is acknowledged."""

from gateway.log.sqlite.log import SqliteLog

__all__ = ["SqliteLog"]
