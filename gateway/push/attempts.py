"""The attempts of a subscription, read from the log when they are asked for: no process keeps a copy of them."""

from typing import Any

from gateway.log.port import EventLog
from gateway.log.reading import read_records
from gateway.protocol.identity import partition_of
from gateway.protocol.push import PushRow
from gateway.protocol.push_record import attempts_key, read_attempt
from gateway.protocol.record import utc
from gateway.protocol.topic import PUSHES

WINDOW = 2_000
"""Offsets that one page looks at, from its end backwards: days of most subscriptions."""


async def read_attempts(
    log: EventLog, platform: str, subscription: str, *, before: int | None = None
) -> tuple[list[PushRow], int | None]:
    """The rows of a subscription, by its id, in the last offsets of its partition, the newest first, and where to go
    on: before that offset, None at the start of what is kept. Raises LogError.
    """
    partition = partition_of(platform, log.partitions)
    first, end = (await log.starts(PUSHES))[partition], (await log.ends(PUSHES))[partition]
    end = end if before is None else max(first, min(before, end))
    start = max(first, end - WINDOW)
    key = attempts_key(platform, subscription)
    records = read_records(log, PUSHES, partition, start=start, end=end)
    rows = [read_attempt(one.value) async for one in records if one.key == key and one.value]
    return rows[::-1], start if start > first else None


def attempt_document(row: PushRow) -> dict[str, Any]:
    """A row as the API and the commands have it; members that say nothing are left out."""
    document: dict[str, Any] = {"at": utc(row.at), "pushes": row.pushes, "changes": row.changes}
    optional = {"status": row.status, "reason": row.reason, "offer": row.offer, "test": row.test or None}
    return {**document, **{name: value for name, value in optional.items() if value is not None}}
