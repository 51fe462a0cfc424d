"""Cursors of the changes feed: a reader's position on every partition, bound to filter, reader and log."""

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import orjson

from gateway.protocol.seal import INTEGERS, Seal, sealed_members
from gateway.protocol.visibility import VISIBILITY_RULES, Filter, Reader

FRESH_MS = 7 * 24 * 3_600_000
"""Lifetime of a cursor since it was last at the end (FEED-009): half of the retention of deletes."""

_RULES = re.compile("~([0-9]+)")
_FIRST_RULES = 1
"""Digests that name no number are of these rules."""

CursorFault: TypeAlias = Literal["cursor-forged", "cursor-filter", "resync-required", "view-behind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A reader's progress: ``positions`` per partition (next offset of ``offers``), ``began`` the end vector at its
    start, ``fresh`` when it was last at the end (ms), digests of filter and reader, and the log's identity.
    """

    positions: tuple[int, ...]
    began: tuple[int, ...]
    fresh: int
    filter: str
    reader: str
    log: str


def filter_digest(criteria: Filter) -> str:
    """A short digest of a filter's canonical form."""
    return _short(criteria.to_json())


def reader_digest(reader: Reader, *, rules: int = VISIBILITY_RULES) -> str:
    """A short digest of the reader, whose slug decides what it may see, and the number of the visibility rules."""
    number = "" if rules == _FIRST_RULES else f"~{rules}"
    return _short([reader.platform, reader.audience]) + number


def rules_of(digest: str) -> int:
    """The number of the visibility rules in the digest of a reader, or in a text that holds one."""
    found = _RULES.search(digest)
    return _FIRST_RULES if found is None else int(found.group(1))


def start(*, end: tuple[int, ...], now: int, criteria: Filter, reader: Reader, log: str) -> Cursor:
    """The first cursor of a reader: at the start of the log, before all live offers."""
    return Cursor(
        positions=(0,) * len(end),
        began=end,
        fresh=now,
        filter=filter_digest(criteria),
        reader=reader_digest(reader),
        log=log,
    )


def write(cursor: Cursor, seal: Seal) -> str:
    """The opaque text for the reader."""
    return seal.close(
        orjson.dumps(
            [cursor.positions, cursor.began, cursor.fresh, cursor.filter, cursor.reader, cursor.log],
        )
    )


def read(
    text: str,
    seal: Seal,
    *,
    criteria: Filter,
    reader: Reader,
    log: str,
    end: tuple[int, ...],
    now: int,
) -> Cursor | CursorFault:
    """Read the text of a cursor. Returns the fault of one that cannot be used: a forged cursor and one of another
    filter are the reader's mistake (400); another reader's cursor, another log, a position beyond the log's end, seven
    days without reaching the end, earlier visibility rules, or content that another version has sealed: 410; rules that
    only a later version knows: 503.

    A cursor may come from a clock that was ahead. It is accepted up to seven days ahead, since deletes are kept for
    fourteen, and its age is counted from ``now`` at the latest.
    """
    payload = seal.open(text)
    if payload is None:
        return "cursor-forged"
    members = sealed_members(payload, INTEGERS, INTEGERS, int, str, str, str)
    if members is None:
        return "resync-required"
    positions, began, fresh, filtered, read_by, identity = members
    cursor = Cursor(
        positions=tuple(positions),
        began=tuple(began),
        fresh=min(fresh, now),
        filter=filtered,
        reader=read_by,
        log=identity,
    )
    if cursor.log != log or not len(cursor.positions) == len(cursor.began) == len(end):
        return "resync-required"
    if rules_of(cursor.reader) > VISIBILITY_RULES:
        return "view-behind"
    if cursor.reader != reader_digest(reader) or abs(now - fresh) > FRESH_MS:
        return "resync-required"
    if any(position > last for position, last in zip(cursor.positions, end, strict=True)):
        return "resync-required"
    if cursor.filter != filter_digest(criteria):
        return "cursor-filter"
    return cursor


def _short(value: Any) -> str:
    return hashlib.blake2b(orjson.dumps(value), digest_size=9).hexdigest()
