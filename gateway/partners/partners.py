"""The live view of the compacted topic ``partners``, and the changes made through it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from gateway.clock import Clock, now
from gateway.partners.change import Changes, Edit
from gateway.partners.record import read_partner
from gateway.ports import Chunk, EventLog, Reader
from gateway.protocol.partner import Partner
from gateway.protocol.record import StoredRecord
from gateway.protocol.topic import PARTNERS, feed, inbox

_PAGE = 1_000
_WAIT = 1.0


class Partners:
    """Every partner in memory (they are dozens), as the log says.

    ``run`` keeps the view fresh; without it, ``catch_up`` reads once, which is all that a command needs. Revoked
    partners stay in the view with ``revoked`` set: who asks must look. A record lies on the partition that
    ``partition_of`` gives for the slug.
    """

    def __init__(self, log: EventLog, *, clock: Clock = now) -> None:
        self._log = log
        self._partners: dict[str, Partner] = {}
        self._stored: dict[str, bytes] = {}
        self._hosts: Mapping[str, str] = MappingProxyType({})
        self._reader: Reader | None = None
        self._positions: list[int] = []
        self._reading = asyncio.Lock()
        self._changing = asyncio.Lock()
        self._clock = clock
        self._changes = Changes(log, self, clock=clock)
        self._heard: tuple[str, list[bytes | None]] = ("", [])
        self.caught_up = False

    def get(self, platform: str) -> Partner | None:
        """The partner of this slug, revoked or not.

        What is on the log began before now: a generation whose begin lies in the future was begun by a clock that was
        ahead, and counts from the first time that it is looked at by a clock that says less.
        """
        partner = self._partners.get(platform)
        if partner is None or partner.generation is None or partner.generation.since <= (at := self._clock()):
            return partner
        partner = replace(partner, generation=replace(partner.generation, since=at))
        self._partners[platform] = partner
        return partner

    def all(self) -> tuple[Partner, ...]:
        """Every partner, by slug, revoked ones included."""
        return tuple(self._partners[slug] for slug in sorted(self._partners))

    def hosts(self) -> Mapping[str, str]:
        """The public host names of all platforms (lower case, no ``www.``), each with its slug."""
        return self._hosts

    def stored(self, platform: str) -> bytes | None:
        """The newest record of this slug as the log has it, unknown members included."""
        return self._stored.get(platform)

    def hear(self, platform: str) -> Sequence[bytes | None]:
        """A list that from now on receives every record of this slug that is read, until another one is asked for."""
        self._heard = (platform, [])
        return self._heard[1]

    async def create_topics(self, partner: Partner) -> None:
        """Create the topics of its own that a Kafka-native partner needs, where they are missing."""
        wanted = ((partner.inbox, inbox), (partner.feed, feed))
        await self._log.create_topics([topic(partner.platform) for asked, topic in wanted if asked])

    async def change(self, slug: str, edit: Edit) -> Partner:
        """Change one partner by a pure function of its newest record, and return once the change is visible here.

        No other change of a partner is lost or undone by it, nor does one come between reading and writing. ``edit``
        may be called several times and may look at this view, which is then current; what it raises is passed on and
        nothing is written. An edit that changes nothing writes nothing. Raises ChangeConflictError, and LogErrors.
        """
        async with self._changing:
            return await self._changes.make(slug, edit)

    async def save(self, partner: Partner) -> None:
        """Write a partner as a whole, as who founds a federation does; a change of one member is a ``change``."""
        await self.change(partner.platform, lambda _: partner)

    async def catch_up(self) -> None:
        """Read up to the end that the topic has now."""
        await self.advance(dict(enumerate(await self._log.ends(PARTNERS))))
        self.caught_up = True

    async def run(self) -> None:
        """Follow the topic until cancelled."""
        try:
            await self.catch_up()
            while True:
                async with self._reading:
                    await self._read(await self._open())
        finally:
            await self.close()

    async def close(self) -> None:
        """Let go of the reader. Using the view again reads on from where it stood."""
        async with self._reading:
            reader, self._reader = self._reader, None
            if reader is not None:
                await reader.close()

    async def advance(self, targets: Mapping[int, int]) -> None:
        """Read until the position of every partition named is at its target. Callers share one reader."""
        while True:
            async with self._reading:
                reader = await self._open()
                if all(self._positions[partition] >= target for partition, target in targets.items()):
                    return
                await self._read(reader)

    async def _open(self) -> Reader:
        if self._reader is None:
            if not self._positions:
                self._positions = list(await self._log.starts(PARTNERS))
            self._reader = self._log.reader({(PARTNERS, p): at for p, at in enumerate(self._positions)})
        return self._reader

    async def _read(self, reader: Reader) -> None:
        for chunk in await reader.poll(limit=_PAGE, wait=_WAIT):
            self._apply(chunk)

    def _apply(self, chunk: Chunk) -> None:
        for record in chunk.records:
            self._put(record)
        self._positions[chunk.partition] = chunk.position
        # an active platform outweighs a revoked one that once had the same host
        ordered = sorted(self._partners.values(), key=lambda one: (not one.revoked, one.platform))
        self._hosts = MappingProxyType({host: one.platform for one in ordered for host in one.hosts})

    def _put(self, record: StoredRecord) -> None:
        if record.key is None:
            return
        slug = record.key.decode()
        if slug == self._heard[0]:
            self._heard[1].append(record.value)
        if record.value is None:
            self._partners.pop(slug, None)
            self._stored.pop(slug, None)
        else:
            self._partners[slug] = read_partner(record.value)
            self._stored[slug] = record.value
