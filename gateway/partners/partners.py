"""The partners of the federation: a view of the compacted topic ``partners``, and changes written to it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from gateway.clock import Clock, now
from gateway.log.mirror import TopicMirror
from gateway.log.port import EventLog
from gateway.partners.change import Changes, Edit
from gateway.partners.record import read_partner
from gateway.protocol.partner import Partner
from gateway.protocol.record import StoredRecord
from gateway.protocol.topic import PARTNERS, feed, inbox


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
    ``partition_of`` returns for the slug.
    """

    def __init__(self, log: EventLog, *, clock: Clock = now) -> None:
        super().__init__(log, PARTNERS, fold=fold_partners, empty=Directory())
        self._changing = asyncio.Lock()
        self._clock = clock
        self._changes = Changes(log, self, clock=clock)
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
        await self._log.create_topics([topic(partner.platform) for asked, topic in wanted if asked])

    async def change(self, slug: str, edit: Edit) -> Partner:
        """Change one partner by a pure function of its newest record, and return once the change is visible here.

        No other change of a partner is lost or undone, and none intervenes between read and write. ``edit`` may be
        called several times and may read these partners, which are then current; its exceptions are passed on and
        nothing is written. An edit that changes nothing writes nothing. Raises ChangeConflictError, and LogErrors.
        """
        async with self._changing:
            return await self._changes.make(slug, edit)

    async def save(self, partner: Partner) -> None:
        """Write a partner as a whole, at the setup of a federation; use ``change`` for a change of one member."""
        await self.change(partner.platform, lambda _: partner)
