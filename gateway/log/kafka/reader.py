"""Reads partitions from given positions, without a consumer group: committed records, and gaps between them."""

import asyncio
from collections.abc import Mapping, Sequence

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from gateway.errors import LogUnavailableError, PositionLostError
from gateway.log.kafka.admin import AdminQueries
from gateway.log.kafka.aiokafka_patches import close_client, learn_topics, patch_client
from gateway.log.kafka.error import describe
from gateway.log.kafka.fetcher import Fetcher
from gateway.log.kafka.owner import Find
from gateway.log.kafka.settings import KafkaSettings, client_options
from gateway.log.port import Chunk, LogReader

_STOP_SECONDS = 2.0
_METADATA_MAX_AGE_MS = 5_000
"""Age at which metadata is refreshed: a broker that is cut off from the cluster answers fetches without new records."""
_CHECK_SECONDS = 0.5
"""Interval at which a poll checks whether any broker still answers."""


class KafkaReader(LogReader):
    """Fetches by a client of its own, which connects at the first poll, after ``find`` has resolved the topics."""

    def __init__(
        self, settings: KafkaSettings, positions: Mapping[tuple[str, int], int], *, find: Find, admin: AdminQueries
    ) -> None:
        self._settings = settings
        self._find = find
        self._admin = admin
        self._names = {TopicPartition(settings.topic(topic), part): (topic, part) for topic, part in positions}
        self._positions = {full: positions[short] for full, short in self._names.items()}
        self._client: AIOKafkaClient | None = None
        self._fetcher: Fetcher | None = None
        self._starting: asyncio.Task[Fetcher] | None = None

    async def poll(self, *, limit: int, wait: float) -> Sequence[Chunk]:
        """As ``LogReader.poll``. Does not suspend between taking and returning records, which could be lost."""
        loop = asyncio.get_running_loop()
        until = loop.time() + wait
        try:
            fetcher = await self._started()
            while True:
                if taken := fetcher.take(limit):
                    return [
                        Chunk(*self._names[full], records, position, more) for full, records, position, more in taken
                    ]
                if fetcher.is_unanswered(self._settings.patience):
                    raise LogUnavailableError(f"Kafka has not answered a reader for {self._settings.patience:g} s.")
                left = until - loop.time()
                if left <= 0:
                    return []
                await fetcher.wait(min(left, _CHECK_SECONDS))
        except OffsetOutOfRangeError as error:
            raise await self._lost(error) from error
        except (KafkaError, OSError) as error:
            raise LogUnavailableError(f"Reading failed: {describe(error)}.") from error

    async def close(self) -> None:
        """Close the connections; bounded in time."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        if self._fetcher is not None:
            await self._fetcher.close()
        if self._client is not None:
            await close_client(self._client, _STOP_SECONDS)

    async def _started(self) -> Fetcher:
        """The fetcher, connected once, even when a poll is cancelled meanwhile."""
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
        client = AIOKafkaClient(**client_options(self._settings), metadata_max_age_ms=_METADATA_MAX_AGE_MS)
        topics = {topic_partition.topic for topic_partition in self._names}
        patch_client(client, topics)
        try:
            async with asyncio.timeout(self._settings.patience):
                await client.bootstrap()
                await learn_topics(client, topics)
        except BaseException:
            await close_client(client, _STOP_SECONDS)
            raise
        self._client, self._fetcher = client, Fetcher(client, self._positions)
        return self._fetcher

    async def _lost(self, error: OffsetOutOfRangeError) -> PositionLostError | LogUnavailableError:
        """The error for an offset out of range. A stale leader may not have the offset yet: it is then within the
        log's bounds, and the caller retries.
        """
        ((topic_partition, position),) = error.args[0].items()
        topic, partition = self._names[topic_partition]
        start = (await self._admin.starts([topic_partition]))[topic_partition]
        end = (await self._admin.ends([topic_partition]))[topic_partition]
        if start <= position <= end:
            return LogUnavailableError(
                f"A broker does not know position {position} of {topic} partition {partition} yet."
            )
        return PositionLostError(
            f"Position {position} of {topic} partition {partition} is outside what the log holds, {start} to {end}."
        )
