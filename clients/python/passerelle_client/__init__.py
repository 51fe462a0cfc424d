"""Client of a Passerelle gateway: publish offers, and keep a copy of those of others.

connection.py  the one transport: token, resending   line.py     documents as they are sent
publisher.py   offers and batches, to their decision   revisions.py   revisions of content
snapshot.py    the complete set, with its mark          outcome.py  what became of documents
follow.py      the changes feed, into a store           page.py     a page of changes
push.py        signatures and pages of pushes           store.py    a copy in SQLite or PostgreSQL
equal.py       compares a copy with the gateway's      errors.py   errors with their next step
command.py     the command passerelle-client
"""

from passerelle_client.connection import Answer, Connection
from passerelle_client.equal import compare
from passerelle_client.errors import (
    ClientError,
    ClockError,
    ConfirmError,
    ExportError,
    PageError,
    RefusedError,
    SignatureError,
    UnavailableError,
)
from passerelle_client.follow import follow
from passerelle_client.line import Line
from passerelle_client.outcome import Outcome, Summary
from passerelle_client.page import Change, Page
from passerelle_client.publisher import Publisher
from passerelle_client.push import receive, verify
from passerelle_client.revisions import Revisions
from passerelle_client.snapshot import snapshot, take_mark
from passerelle_client.store import PostgresStore, SqliteStore, Store

__all__ = [
    "Answer",
    "Change",
    "ClientError",
    "ClockError",
    "ConfirmError",
    "Connection",
    "ExportError",
    "Line",
    "Outcome",
    "Page",
    "PageError",
    "PostgresStore",
    "Publisher",
    "RefusedError",
    "Revisions",
    "SignatureError",
    "SqliteStore",
    "Store",
    "Summary",
    "UnavailableError",
    "compare",
    "follow",
    "receive",
    "snapshot",
    "take_mark",
    "verify",
]
