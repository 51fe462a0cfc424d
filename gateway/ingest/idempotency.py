"""Idempotency keys: claims on the ``requests`` topic, so that a request sent again to any replica runs once.

To run a request, a process appends a claim and reads past it; the first claim in log order wins. Every replica applies
the same records in the same order, with the same result. A claim is a lease: the process that runs the request renews
it, stops the request where it cannot, and others may claim the key once the lease has ended. Requirements PUB-041 to
PUB-045.
"""

import asyncio
import os
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import orjson
import structlog

from gateway.errors import LogError, LogUnavailableError, UnknownOutcomeError
from gateway.log.mirror import TopicMirror
from gateway.log.port import EventLog
from gateway.protocol.identity import partition_of
from gateway.protocol.record import Record, StoredRecord
from gateway.protocol.topic import DAY_MS, REQUESTS

LEASE_MS = 30_000
"""Lease of a claim without an answer, since it was made or last renewed, by the log's append times."""
UNRENEWED_MS = 5 * 60_000
"""The lease of claims of earlier versions, which are never renewed. Revisions make running a request again safe."""
KEPT_MS = 2 * DAY_MS
ANSWER_BYTES = 256_000
"""The largest answer that is kept; a request with a larger one is run again."""
_ENTRIES = 200_000
_READ_SECONDS = 10.0
_PAGE = 100
"""Records read at once: an answer may be large."""
_RENEWED_WITHIN = 1 / 6
_HELD_FOR = 2 / 3
"""Fractions of a lease: when it is renewed, and when a request ends whose claim could not be renewed. The rest is a
margin for the clocks of brokers.
"""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Kept:
    """The stored answer of the first run: status, headers and text."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run a request, until it is answered or its lease ends. ``since``: the event loop's time before the
    claim was made. ``resumed``: the same request was begun before under this key, and may have had its effect.
    """

    key: str
    token: str
    since: float = field(default=0.0, compare=False)
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class Running:
    """Another request with this key is running."""


@dataclass(frozen=True, slots=True)
class Reused:
    """The key was used for another request."""


ClaimResult: TypeAlias = Claim | Kept | Running | Reused


@dataclass(frozen=True, slots=True)
class _Entry:
    token: str
    digest: str
    claimed_at: int
    lease: int
    renewed_at: int
    resumed: bool = False
    released: bool = False
    over: bool = False
    answer: int | None = None
    """The offset of the answer in the key's partition."""


class ClaimTable:
    """The entry of each key, from the records in log order. Bounded: the oldest keys are evicted first."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    def get(self, key: str) -> _Entry | None:
        """The entry of a key; None without one."""
        return self._entries.get(key)

    def apply(self, records: Sequence[StoredRecord]) -> "ClaimTable":
        """Apply the next records of a partition. Returns this same table, which is too large to copy."""
        for record in records:
            if record.key is not None and record.value is not None:
                self._apply(record.key.decode(), orjson.loads(record.value), record)
        return self

    def _apply(self, key: str, body: Mapping[str, Any], record: StoredRecord) -> None:
        entry = self._entries.get(key)
        match body.get("kind"):
            case "claim" if entry is None or _gives_way(entry, body["digest"], record.appended_at):
                resumed = entry is not None and entry.answer is None and entry.digest == body["digest"]
                made, lease = record.appended_at, body.get("lease", UNRENEWED_MS)
                self._entries[key] = _Entry(body["token"], body["digest"], made, lease, made, resumed=resumed)
                self._entries.move_to_end(key)
                while len(self._entries) > _ENTRIES:
                    self._entries.popitem(last=False)
            case "renewal" if entry is not None and entry.token == body["token"]:
                self._entries[key] = replace(entry, renewed_at=record.appended_at)
            case "answer" if entry is not None and entry.token == body["token"]:
                answer = None if body["body"] is None else record.offset
                self._entries[key] = replace(entry, over=True, answer=answer)
            case "release" if entry is not None and entry.token == body["token"] and not entry.over:
                self._entries[key] = replace(entry, released=True)


def _gives_way(entry: _Entry, digest: str, now: int) -> bool:
    """Whether a claim at ``now`` (ms) replaces the entry: it is too old, released, lapsed, or answered by the same
    request at a length that is not kept.

    The log's clock may go back. The distance counts either way: an entry from the future ends as one from the past.
    """
    if entry.released or abs(now - entry.claimed_at) >= KEPT_MS:
        return True
    if not entry.over:
        return abs(now - entry.renewed_at) >= entry.lease
    return entry.answer is None and entry.digest == digest


class Requests:
    """Claims, answers and releases of one gateway. Reads the topic only as far as its own claims need."""

    def __init__(self, log: EventLog, *, lease_ms: int = LEASE_MS) -> None:
        self._log = log
        self._lease_ms = lease_ms
        # Records that the log no longer holds have lapsed: a rebuilt table may keep what it has of them.
        self._claims = TopicMirror(log, REQUESTS, fold=ClaimTable.apply, empty=ClaimTable(), page=_PAGE)

    async def claim(self, platform: str, key: str, digest: str) -> ClaimResult:
        """Claim a request; ``digest`` (hex) covers all of its content. Raises LogError."""
        claim = Claim(f"{platform} {key}", os.urandom(12).hex(), asyncio.get_running_loop().time())
        body = {"kind": "claim", "token": claim.token, "digest": digest, "lease": self._lease_ms}
        await self._append_and_read(claim, body)
        entry = self._claims.state.get(claim.key)
        if entry is not None and entry.token == claim.token:
            return replace(claim, resumed=entry.resumed)
        if entry is not None and entry.digest != digest:
            return Reused()
        if entry is None or entry.answer is None:
            return Running()
        return await self._answer(partition_of(claim.key, self._log.partitions), entry.answer)

    @asynccontextmanager
    async def held(self, claim: Claim) -> AsyncIterator[None]:
        """Renew the claim while the body runs. Where the claim cannot be renewed, cancel the body before others may
        claim the key, and at once where another claim holds it. Raises UnknownOutcomeError then.
        """
        seconds = self._lease_ms / 1_000
        try:
            async with asyncio.timeout_at(claim.since + seconds * _HELD_FOR) as limit:
                renewing = asyncio.create_task(self._renew(claim, limit, seconds))
                try:
                    yield
                finally:
                    renewing.cancel()
                    await asyncio.wait([renewing])
        except TimeoutError:
            if limit.expired():
                raise UnknownOutcomeError("the claim of the request could not be renewed in time") from None
            raise

    async def keep(self, claim: Claim, status: int, headers: Mapping[str, str], body: str | None) -> None:
        """Store an answer for two days; None for one that is too long, so that a repetition runs again."""
        plain = {str(name): value for name, value in headers.items()}
        answer = {"kind": "answer", "token": claim.token, "status": int(status), "headers": plain, "body": body}
        await self._append(claim, answer)

    async def release(self, claim: Claim) -> None:
        """Release the key of a request without effect, so that the next one runs."""
        await self._append(claim, {"kind": "release", "token": claim.token})

    async def close(self) -> None:
        """Close the reader."""
        await self._claims.close()

    async def _renew(self, claim: Claim, limit: asyncio.Timeout, lease: float) -> None:
        """Extend the limit with each renewal that is on the log, counted from when it was sent."""
        now = asyncio.get_running_loop().time
        while not limit.expired():
            await asyncio.sleep(lease * _RENEWED_WITHIN)
            sent = now()
            try:
                await self._append_and_read(claim, {"kind": "renewal", "token": claim.token})
            except LogError as error:
                _log.warning("idempotency.claim_not_renewed", reason=str(error))
                continue
            entry = self._claims.state.get(claim.key)
            mine = entry is not None and entry.token == claim.token
            if not limit.expired():
                limit.reschedule(sent + lease * _HELD_FOR if mine else now())

    async def _append(self, claim: Claim, body: Mapping[str, Any]) -> int:
        record = Record(claim.key.encode(), orjson.dumps(body))
        return (await self._log.append(REQUESTS, partition_of(claim.key, self._log.partitions), [record])).last

    async def _append_and_read(self, claim: Claim, body: Mapping[str, Any]) -> None:
        last = await self._append(claim, body)
        try:
            async with asyncio.timeout(_READ_SECONDS):
                await self._claims.advance({partition_of(claim.key, self._log.partitions): last + 1})
        except TimeoutError:
            raise LogUnavailableError("the claim could not be read back in time") from None

    async def _answer(self, partition: int, offset: int) -> Kept | Running:
        """Read an answer from the log; memory holds only its offset."""
        async with self._log.reader({(REQUESTS, partition): offset}) as reader:
            for chunk in await reader.poll(limit=1, wait=_READ_SECONDS):
                for record in chunk.records:
                    body = orjson.loads(record.value or b"{}")
                    return Kept(body["status"], body["headers"], body["body"])
        return Running()
