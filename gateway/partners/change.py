"""Changes of one partner: read, edit and commit under a fence, retried if another change intervenes.

One role owns all partners, so that changes are serialised, and an edit may check a partner against the others (a host
belongs to one platform). A version of the gateway from before this fence appends without it: its record between read
and commit is found by reading back, and the edit is applied to it as well.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import stamina
import structlog

from gateway.clock import Clock
from gateway.errors import (
    FencedError,
    LogUnavailableError,
    PortError,
    UnknownOutcomeError,
)
from gateway.log.port import EventLog, Output, Owner
from gateway.partners.record import changed_record, read_partner
from gateway.partners.revocation import with_generation
from gateway.protocol.identity import partition_of
from gateway.protocol.partner import Partner
from gateway.protocol.topic import PARTNERS

ROLE = "partners"
RETRY_SECONDS = 30.0
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 3.0
_JITTER = 0.5
_OUTAGES = 3
_REWRITES = 5

Edit: TypeAlias = Callable[[Partner | None], Partner]
"""The new partner, from its newest record; None if it has none. Pure; keeps all that it does not change."""

_log = structlog.get_logger()


class ChangeConflictError(PortError):
    """Concurrent changes of partners prevented this one at every attempt; nothing of it was written."""


class View(Protocol):
    """The part of the view of partners that a change uses."""

    def get(self, platform: str) -> Partner | None:
        """The partner of this slug."""

    def stored(self, platform: str) -> bytes | None:
        """Its newest record."""

    def recording(self, key: bytes) -> AbstractContextManager[Sequence[bytes | None]]:
        """A list that receives its records as they are read."""

    async def advance(self, targets: Mapping[int, int]) -> None:
        """Read up to a position per partition."""


class Changes:
    """Makes changes, one at a time. ``patience``: seconds for which a change is retried while others take the role."""

    def __init__(self, log: EventLog, view: View, *, clock: Clock, patience: float = RETRY_SECONDS) -> None:
        self._log = log
        self._view = view
        self._clock = clock
        self._retry_seconds = patience

    async def make(self, slug: str, edit: Edit) -> Partner:
        """The partner after the change. Raises ChangeConflictError, LogErrors, and the errors of ``edit``."""
        outages = 0

        def is_transient(error: Exception) -> bool:
            # The start of the next owner settles an unknown outcome, which is then read. A fence may also appear as an
            # outage: a broker that aborted the transaction need not give the reason.
            nonlocal outages
            outages += isinstance(error, UnknownOutcomeError | LogUnavailableError)
            return isinstance(error, FencedError | UnknownOutcomeError | LogUnavailableError) and outages <= _OUTAGES

        try:
            with self._view.recording(slug.encode()) as read:
                change = _Change(slug, edit, read)
                async for attempt in stamina.retry_context(
                    is_transient,
                    attempts=None,
                    timeout=self._retry_seconds,
                    wait_initial=_FIRST_PAUSE,
                    wait_max=_LONGEST_PAUSE,
                    wait_jitter=_JITTER,
                ):
                    with attempt:
                        return await self._attempt(change)
        except FencedError as error:
            raise ChangeConflictError(f"Another change of {slug} was made at the same time") from error
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _attempt(self, change: "_Change") -> Partner:
        """Make one attempt, with its own owner of the role."""
        partition = partition_of(change.slug, self._log.partitions)
        owner = await self._log.own(ROLE, 0)
        try:
            ends = dict(enumerate(await self._log.ends(PARTNERS)))
            ends[partition] = await owner.end(PARTNERS, partition)
            await self._view.advance(ends)
            found = self._view.get(change.slug)
            if found is not None and change.settled():
                return found
            return await self._commit(owner, change, partition)
        finally:
            await owner.close()

    async def _commit(self, owner: Owner, change: "_Change", partition: int) -> Partner:
        """Write the change; again on top of an intervening record, which only an earlier version writes."""
        stored = self._view.stored(change.slug)
        for _ in range(_REWRITES):
            before = None if stored is None else read_partner(stored)
            after = with_generation(before, change.edit(before), now=self._clock(), entropy=os.urandom)
            if after == before:
                return after
            record = changed_record(stored, after)
            seen = len(change.read)
            change.sent.append(record.value)
            ends = await owner.commit([Output(PARTNERS, partition, record)])
            await self._view.advance({partition: ends[PARTNERS, partition]})
            others = [value for value in change.read[seen:] if value != record.value]
            if not others:
                return after
            _log.warning("partners.changed_by_an_earlier_version", platform=change.slug)
            stored = others[-1]
        raise ChangeConflictError(f"Another change of {change.slug} was made at the same time")


@dataclass(frozen=True, slots=True)
class _Change:
    """A change in progress: the records of its partner read since it began, and those that it has sent."""

    slug: str
    edit: Edit
    read: Sequence[bytes | None]
    sent: list[bytes | None] = field(default_factory=list)

    def settled(self) -> bool:
        """Whether a record that was sent is on the log: an earlier attempt of unknown outcome has succeeded."""
        return any(value in self.read for value in self.sent)
