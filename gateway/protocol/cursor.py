"""Cursors of the changes feed: where a reader stands on every partition, and what it was reading."""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import orjson

from gateway.protocol.routing import Filter, Reader
from gateway.protocol.seal import Seal

FRESH_MS = 7 * 24 * 3_600_000
"""How long a cursor may go without having stood at the end (FEED-009): half of what deletes are kept."""

CursorFault: TypeAlias = Literal["cursor-forged", "cursor-filter", "resync-required"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A reader's place: ``positions`` per partition (next offset of ``offers``), ``began`` the end vector at its start,
    ``fresh`` when it last stood at the end (ms), digests of what is read and by whom, and the log's identity.
    """

    positions: tuple[int, ...]
    began: tuple[int, ...]
    fresh: int
    filter: str
    reader: str
    log: str


def filter_digest(asked: Filter) -> str:
    """A short digest of a filter's canonical form."""
    return _short(asked.to_json())


def reader_digest(reader: Reader) -> str:
    """A short digest of who reads: what a reader may see follows from its slug alone."""
    return _short([reader.platform, reader.audience])


def start(*, end: tuple[int, ...], now: int, asked: Filter, reader: Reader, log: str) -> Cursor:
    """The cursor of a reader who begins: at the very start, owed everything that is live."""
    return Cursor(
        positions=(0,) * len(end),
        began=end,
        fresh=now,
        filter=filter_digest(asked),
        reader=reader_digest(reader),
        log=log,
    )


def write(cursor: Cursor, seal: Seal) -> str:
    """The opaque text that a reader keeps."""
    return seal.close(
        orjson.dumps(
            [cursor.positions, cursor.began, cursor.fresh, cursor.filter, cursor.reader, cursor.log],
        )
    )


def read(
    text: str,
    seal: Seal,
    *,
    asked: Filter,
    reader: Reader,
    log: str,
    end: tuple[int, ...],
    now: int,
) -> Cursor | CursorFault:
    """The cursor behind a text, or why it cannot be used: forged and other-filter are the reader's mistake (400);
    another's cursor, another log, a place beyond the log's end, or seven days without standing at the end: 410.

    A cursor may come from a clock that was ahead. Up to seven days it is taken, since deletes are kept for fourteen,
    and its age is counted from ``now`` at the latest.
    """
    payload = seal.open(text)
    if payload is None:
        return "cursor-forged"
    positions, began, fresh, filtered, whose, identity = orjson.loads(payload)
    cursor = Cursor(
        positions=tuple(positions),
        began=tuple(began),
        fresh=min(fresh, now),
        filter=filtered,
        reader=whose,
        log=identity,
    )
    if cursor.log != log or len(cursor.positions) != len(end):
        return "resync-required"
    if cursor.reader != reader_digest(reader) or abs(now - fresh) > FRESH_MS:
        return "resync-required"
    if any(position > last for position, last in zip(cursor.positions, end, strict=True)):
        return "resync-required"
    if cursor.filter != filter_digest(asked):
        return "cursor-filter"
    return cursor


def _short(value: Any) -> str:
    return hashlib.blake2b(orjson.dumps(value), digest_size=9).hexdigest()
