"""Reading some partitions from given positions, without a group: committed records, and the gaps between them."""

import asyncio
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from gateway.errors import LogUnavailableError, PositionLostError
from gateway.log.kafka.admin import AdminQueries
from gateway.log.kafka.aiokafka_patches import close_client, patch_client
from gateway.log.kafka.error import told
from gateway.log.kafka.fetcher import Fetcher
from gateway.log.kafka.owner import Find
from gateway.log.kafka.settings import KafkaSettings, client_options
from gateway.log.port import Chunk

_STOP_SECONDS = 2.0
_LAYOUT_MS = 5_000
"""How often a reader asks who leads: a broker that is cut off from the others answers as if nothing were new."""
_LOOK_SECONDS = 0.5
"""How often a poll looks whether any broker still answers."""


class KafkaReader:
    """A client of its own that fetches. It connects at the first poll, once ``find`` knows the topics."""

    def __init__(
        self, settings: KafkaSettings, positions: Mapping[tuple[str, int], int], *, find: Find, admin: AdminQueries
    ) -> None:
        self._settings = settings
        self._find = find
        self._admin = admin
        self._names = {TopicPartition(settings.topic(topic), part): (topic, part) for topic, part in positions}
        self._positions = {place: positions[topic, part] for place, (topic, part) in self._names.items()}
        self._client: AIOKafkaClient | None = None
        self._fetcher: Fetcher | None = None
        self._starting: asyncio.Task[Fetcher] | None = None

    async def poll(self, *, limit: int, wait: float) -> Sequence[Chunk]:
        """As ``Reader.poll``. Does not suspend between taking records and returning them: nothing may be lost there."""
        clock = asyncio.get_running_loop()
        until = clock.time() + wait
        try:
            fetcher = await self._started()
            while True:
                if taken := fetcher.take(limit):
                    return [Chunk(*self._names[place], records, position) for place, records, position in taken]
                if fetcher.unheard(self._settings.patience):
                    raise LogUnavailableError(f"Kafka has not answered a reader for {self._settings.patience:g} s.")
                left = until - clock.time()
                if left <= 0:
                    return []
                await fetcher.wait(min(left, _LOOK_SECONDS))
        except OffsetOutOfRangeError as error:
            raise await self._lost(error) from error
        except (KafkaError, OSError) as error:
            raise LogUnavailableError(f"Reading failed: {told(error)}.") from error

    async def close(self) -> None:
        """Let the connections go; bounded in time."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        if self._fetcher is not None:
            await self._fetcher.close()
        if self._client is not None:
            await close_client(self._client, _STOP_SECONDS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _started(self) -> Fetcher:
        """What fetches, connected once, also when a poll is cancelled meanwhile."""
        if self._fetcher is None:
            if self._starting is None:
                self._starting = asyncio.create_task(self._start())
            try:
                return await asyncio.shield(self._starting)
            finally:
                if self._starting.done():
                    self._starting = None
        return self._fetcher

    async def _start(self) -> Fetcher:
        for topic in {topic for topic, _ in self._names.values()}:
            await self._find(topic)
        client = AIOKafkaClient(**client_options(self._settings), metadata_max_age_ms=_LAYOUT_MS)
        patch_client(client)
        try:
            async with asyncio.timeout(self._settings.patience):
                await client.bootstrap()
                await client.set_topics({place.topic for place in self._names})
        except BaseException:
            await close_client(client, _STOP_SECONDS)
            raise
        self._client, self._fetcher = client, Fetcher(client, self._positions)
        return self._fetcher

    async def _lost(self, error: OffsetOutOfRangeError) -> PositionLostError | LogUnavailableError:
        """What the position's loss comes to. A broker that has slept and still takes itself for the leader may not know
        of it yet: then it lies within what the log holds, and whoever reads tries again.
        """
        ((place, position),) = error.args[0].items()
        topic, partition = self._names[place]
        start, end = (await self._admin.starts([place]))[place], (await self._admin.ends([place]))[place]
        if start <= position <= end:
            return LogUnavailableError(
                f"A broker does not know position {position} of {topic} partition {partition} yet."
            )
        return PositionLostError(
            f"Position {position} of {topic} partition {partition} lies outside what the log holds, {start} to {end}."
        )
