"""The live view of the compacted topic ``partners``, and the way to write to it."""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType

from gateway.partners.record import partner_record, read_partner
from gateway.ports import Chunk, EventLog, Reader
from gateway.protocol.identity import partition_of
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

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._partners: dict[str, Partner] = {}
        self._hosts: Mapping[str, str] = MappingProxyType({})
        self._reader: Reader | None = None
        self._positions: list[int] = []
        self._reading = asyncio.Lock()
        self.caught_up = False

    def get(self, platform: str) -> Partner | None:
        """The partner of this slug, revoked or not."""
        return self._partners.get(platform)

    def all(self) -> tuple[Partner, ...]:
        """Every partner, by slug, revoked ones included."""
        return tuple(self._partners[slug] for slug in sorted(self._partners))

    def hosts(self) -> Mapping[str, str]:
        """The public host names of all platforms (lower case, no ``www.``), each with its slug."""
        return self._hosts

    async def create_topics(self, partner: Partner) -> None:
        """Create the topics of its own that a Kafka-native partner needs, where they are missing."""
        wanted = ((partner.inbox, inbox), (partner.feed, feed))
        await self._log.create_topics([topic(partner.platform) for asked, topic in wanted if asked])

    async def save(self, partner: Partner) -> None:
        """Append the partner, and return once it is visible here. Raises the errors of ``EventLog.append``."""
        partition = partition_of(partner.platform, self._log.partitions)
        appended = await self._log.append(PARTNERS, partition, [partner_record(partner)])
        await self._advance({partition: appended.last + 1})

    async def catch_up(self) -> None:
        """Read up to the end that the topic has now."""
        await self._advance(dict(enumerate(await self._log.ends(PARTNERS))))
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

    async def _advance(self, targets: Mapping[int, int]) -> None:
        """Read until every partition named stands at its target. All who wait take turns with the one reader."""
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
        if record.value is None:
            self._partners.pop(slug, None)
        else:
            self._partners[slug] = read_partner(record.value)
