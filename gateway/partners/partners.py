"""The partners of the federation: a view of the compacted topic ``partners``, and changes written to it.

A change reads, edits and commits one partner under a fence, and is retried if another change intervenes. One role owns
all partners, so that changes are serialised, and an edit may check a partner against the others (a host belongs to one
platform). A version of the gateway from before this fence appends without it: its record between read and commit is
found by reading back, and the edit is applied to it as well.
"""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeAlias

import structlog

from gateway.clock import Clock, now
from gateway.errors import FencedError, PortError
from gateway.log.fenced import change_fenced
from gateway.log.mirror import TopicMirror
from gateway.log.port import EventLog, Output, Owner
from gateway.partners.record import changed_record, read_partner
from gateway.partners.revocation import with_generation
from gateway.protocol.identity import partition_of
from gateway.protocol.partner import Partner
from gateway.protocol.record import StoredRecord
from gateway.protocol.topic import COMMON, PARTNERS, Topic, feed, inbox

ROLE = "partners"
RETRY_SECONDS = 30.0
_REWRITES = 5

Edit: TypeAlias = Callable[[Partner | None], Partner]
"""The new partner, from its newest record; None if it has none. Pure; keeps all that it does not change."""

_log = structlog.get_logger()


class ChangeConflictError(PortError):
    """Concurrent changes of partners prevented this one at every attempt; nothing of it was written."""


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


@dataclass(frozen=True, slots=True)
class Directory:
    """Every partner by its slug, the newest record of each (unknown members included), and the slug of each host."""

    partners: Mapping[str, Partner] = field(default_factory=dict)
    stored: Mapping[str, bytes] = field(default_factory=dict)
    hosts: Mapping[str, str] = field(default_factory=dict)


def fold_partners(directory: Directory, records: Sequence[StoredRecord]) -> Directory:
    """The directory after more records of the topic."""
    if not records:
        return directory
    partners, stored = dict(directory.partners), dict(directory.stored)
    for record in records:
        if record.key is None:
            continue
        slug = record.key.decode()
        if record.value is None:
            partners.pop(slug, None)
            stored.pop(slug, None)
        else:
            partners[slug], stored[slug] = read_partner(record.value), record.value
    # an active platform takes precedence over a revoked one with the same host
    ordered = sorted(partners.values(), key=lambda one: (not one.revoked, one.platform))
    hosts = {host: one.platform for one in ordered for host in one.hosts}
    return Directory(partners, stored, MappingProxyType(hosts))


class Partners(TopicMirror[Directory]):
    """Every partner, in memory (there are dozens).

    Includes revoked partners, with ``revoked`` set: callers must check it. A record is on the partition that
    ``partition_of`` returns for the slug. A change is retried for ``retry_seconds`` while others take the role.
    """

    def __init__(self, log: EventLog, *, clock: Clock = now, retry_seconds: float = RETRY_SECONDS) -> None:
        super().__init__(log, PARTNERS, fold=fold_partners, empty=Directory())
        self._changing = asyncio.Lock()
        self._clock = clock
        self._retry_seconds = retry_seconds
        self._begun: dict[str, int] = {}

    def get(self, platform: str) -> Partner | None:
        """The partner of this slug, revoked or not.

        A generation on the log began before now: if its start is in the future, the clock that set it was ahead, and
        the start is the first time at which this clock was read for it.
        """
        partner = self.state.partners.get(platform)
        if partner is None or (generation := partner.generation) is None:
            return partner
        since = min(generation.since, self._begun.get(generation.id, generation.since), self._clock())
        if since == generation.since:
            return partner
        self._begun[generation.id] = since
        return replace(partner, generation=replace(generation, since=since))

    def all(self) -> tuple[Partner, ...]:
        """Every partner, by slug, revoked ones included."""
        return tuple(partner for _, partner in sorted(self.state.partners.items()))

    def hosts(self) -> Mapping[str, str]:
        """The public host names of all platforms (lower case, no ``www.``), each with its slug."""
        return self.state.hosts

    def stored(self, platform: str) -> bytes | None:
        """The newest record of this slug as the log has it, unknown members included."""
        return self.state.stored.get(platform)

    async def create_topics(self, partner: Partner) -> None:
        """Create the missing topics of a partner that uses Kafka directly: its inbox, its feed."""
        wanted = ((partner.inbox, inbox), (partner.feed, feed))
        await self._log.create_topics([topic(partner.platform) for needed, topic in wanted if needed])

    async def change(self, slug: str, edit: Edit) -> Partner:
        """Change one partner by a pure function of its newest record, and return once the change is visible here.

        No other change of a partner is lost or undone, and none intervenes between read and write. ``edit`` may be
        called several times and may read these partners, which are then current; its exceptions are passed on and
        nothing is written. An edit that changes nothing writes nothing. Raises ChangeConflictError, and LogErrors.
        """
        async with self._changing:
            try:
                with self.recording(slug.encode()) as read:
                    change = _Change(slug, edit, read)
                    return await change_fenced(
                        self._log, ROLE, 0, lambda owner: self._attempt(owner, change), seconds=self._retry_seconds
                    )
            except FencedError as error:
                raise _conflict(slug) from error

    async def save(self, partner: Partner) -> None:
        """Write a partner as a whole, at the setup of a federation; use ``change`` for a change of one member."""
        await self.change(partner.platform, lambda _: partner)

    async def _attempt(self, owner: Owner, change: _Change) -> Partner:
        """Make one attempt."""
        partition = partition_of(change.slug, self._log.partitions)
        ends = dict(enumerate(await self._log.ends(PARTNERS)))
        ends[partition] = await owner.end(PARTNERS, partition)
        await self.advance(ends)
        found = self.get(change.slug)
        if found is not None and change.settled():
            return found
        return await self._commit(owner, change, partition)

    async def _commit(self, owner: Owner, change: _Change, partition: int) -> Partner:
        """Write the change; again on top of an intervening record, which only an earlier version writes."""
        stored = self.stored(change.slug)
        for _ in range(_REWRITES):
            before = None if stored is None else read_partner(stored)
            after = with_generation(before, change.edit(before), now=self._clock(), entropy=os.urandom)
            if after == before:
                return after
            record = changed_record(stored, after)
            seen = len(change.read)
            change.sent.append(record.value)
            ends = await owner.commit([Output(PARTNERS, partition, record)])
            await self.advance({partition: ends[PARTNERS, partition]})
            others = [value for value in change.read[seen:] if value != record.value]
            if not others:
                return after
            _log.warning("partners.changed_by_an_earlier_version", platform=change.slug)
            stored = others[-1]
        raise _conflict(change.slug)


def _conflict(slug: str) -> ChangeConflictError:
    return ChangeConflictError(f"Another change of {slug} was made at the same time")


def topics_of(partners: Partners) -> tuple[Topic, ...]:
    """All topics of the federation: the common ones, and those of Kafka-native partners."""
    inboxes = (inbox(partner.platform) for partner in partners.all() if partner.inbox)
    feeds = (feed(partner.platform) for partner in partners.all() if partner.feed)
    return (*COMMON, *inboxes, *feeds)
