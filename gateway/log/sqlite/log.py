"""The embedded log as an ``EventLog``."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import structlog

from gateway.clock import Clock, boot, now
from gateway.errors import LogDamagedError, LogUnavailableError, TopicError
from gateway.log.common import (
    NO_IDENTITY,
    SingleMembership,
    SpentOwner,
    by_partition,
    check_bounds,
    policy_findings,
    size_of,
    stream_of,
)
from gateway.log.port import Appended, Output
from gateway.log.sqlite import upkeep
from gateway.log.sqlite.append import Append, Offsets, take_partition
from gateway.log.sqlite.check import Synced, check_recovery, check_start, mark_stopped, synced_frames
from gateway.log.sqlite.file import (
    add_topics,
    connect,
    create_schema,
    damaged,
    log_error,
    read_about,
    read_streams,
)
from gateway.log.sqlite.jobs import Work
from gateway.log.sqlite.reader import LOOK_SECONDS, EndWatch, SqliteReader
from gateway.log.sqlite.stream import Stream, put_mark, read_bounds
from gateway.log.sqlite.writer import Writer
from gateway.protocol.record import Record
from gateway.protocol.topic import Topic
from gateway.runtime.checked_file import Boot, FileMarks, Looks, report_damage
from gateway.runtime.private_files import make_private

TIMEOUT_SECONDS = 8.0
_BUSY_SECONDS = 60.0
_READERS = 2

Answer = TypeVar("Answer")

_logger = structlog.get_logger()


class SqliteLog:
    """One durable file. Several processes may append and read; one of them should relay."""

    def __init__(
        self,
        path: Path,
        *,
        wanted: int,
        clock: Clock,
        patience: float,
        look_every: float,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.path = path
        self._clock = clock
        self._connections: list[sqlite3.Connection] = []
        self._local = threading.local()
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="log-reader")
        self._streams: dict[str, list[Stream]] = {}
        self._wanted = wanted
        self._partitions = wanted
        self._damage: str | None = None
        self._looks = Looks(path)
        self._marks: FileMarks | None = None
        """Of a gateway."""
        self._watch = EndWatch(connect(path, busy_seconds=_BUSY_SECONDS), every=look_every)
        self._writer = Writer(
            partial(connect, path, busy_seconds=_BUSY_SECONDS),
            loop=loop,
            lock_file=path.with_name(f"{path.name}-turn"),  # frozen: shared with earlier versions during an update
            patience=patience,
            written=self._watch.notice,
            clock=clock,
        )

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        partitions: int = 3,
        clock: Clock = now,
        patience: float = TIMEOUT_SECONDS,
        check: bool = False,
        look_every: float = LOOK_SECONDS,
        boot: Boot = boot,
    ) -> Self:
        """Open the file; created when missing. ``check``: a gateway starts, which checks a file for some seconds unless
        it was checked in this ``boot`` of the machine, and to its end if it was found damaged. Records of other
        processes are seen within ``look_every`` seconds. Raises LogUnavailableError, with the remedy; LogDamagedError
        for damage that the check finds or that shows by itself.
        """

        def prepare() -> None:
            make_private(path)
            synced = synced_frames(path.with_name(f"{path.name}-wal")) if check else Synced(0)
            connection = connect(path, busy_seconds=_BUSY_SECONDS)
            try:
                if check:
                    check_recovery(connection, synced)
                    check_start(connection, path, marks)
                create_schema(connection, partitions=partitions)
                if check:
                    put_mark(connection, marks.used)
            except (sqlite3.Error, UnicodeDecodeError) as error:
                raise log_error(path, error) from error
            finally:
                connection.close()

        loop = asyncio.get_running_loop()
        marks = FileMarks(path, boot)
        try:
            await asyncio.to_thread(prepare)
            log: Self = await asyncio.to_thread(
                partial(cls, path, wanted=partitions, clock=clock, patience=patience, look_every=look_every, loop=loop)
            )
        except OSError as error:
            raise LogUnavailableError(
                f"The log {path} cannot be opened ({error.strerror or error}): free space on its disk, and "
                "check the rights of file and folder."
            ) from error
        except sqlite3.Error as error:
            raise log_error(path, error) from error
        log._marks = marks if check else None  # its own class
        try:
            _, log._partitions = await log._query(read_about)  # its own class
            log._streams = await log._query(read_streams)  # its own class
        except BaseException:
            await log.close()
            raise
        return log

    @property
    def damage(self) -> str | None:
        """Damage that any process has found, as a sentence for the operator; no further work is written."""
        if self._damage is None and (reason := self._looks.reason()) is not None:
            self._damage = str(damaged(self.path, reason))
            _logger.error("log.damaged", file=str(self.path.absolute()), reason=reason)
        return self._damage

    @property
    def partitions(self) -> int:
        """The partition count of every topic, fixed when the file was created."""
        return self._partitions

    async def identity(self) -> str:
        """The UUID given by ``create_topics``. Raises TopicError."""
        identity, _ = await self._query(read_about)
        if identity is None:
            raise TopicError(NO_IDENTITY)
        return identity

    async def create_topics(self, topics: Iterable[Topic]) -> None:
        """Create missing topics and the log's identity."""
        wanted = tuple(topics)
        await self._do(lambda connection: add_topics(connection, wanted, partitions=self._partitions))
        self._streams = await self._query(read_streams)

    async def check_topics(self, topics: Iterable[Topic]) -> Sequence[str]:
        """One sentence per topic that is missing or has another policy, and one if the partition count differs."""
        self._streams = await self._query(read_streams)
        findings = []
        if self._partitions != self._wanted:
            findings.append(
                f"The log has {self._partitions} partitions, the settings ask for {self._wanted}, and a log keeps its "
                "count for life: set it back, or use another log."
            )
        policies = {name: streams[0].policy for name, streams in self._streams.items()}
        return [*findings, *policy_findings(topics, policies)]

    async def append(self, topic: str, partition: int, records: Sequence[Record]) -> Appended:
        """Write a batch atomically, synced to disk. Raises ValueError when it is empty or too large."""
        size = check_bounds(records)
        stream = self._find(topic, partition)
        offsets: Offsets = await self._do(Append({stream: records}), size=size)
        return Appended(*offsets[stream])

    def reader(self, positions: Mapping[tuple[str, int], int]) -> SqliteReader:
        """A reader from these positions."""
        return SqliteReader(
            positions,
            find=self._find,
            watch=self._watch,
            query=self._query,
            connection=self._connection,
            failed=self._failed,
        )

    async def starts(self, topic: str) -> tuple[int, ...]:
        """Per partition the first offset still held; 0 for compacted topics."""
        return await self._column("start", topic)

    async def ends(self, topic: str) -> tuple[int, ...]:
        """Per partition the next offset to be written: every record in the file is committed."""
        return await self._column("next", topic)

    async def own(self, role: str, partition: int) -> SpentOwner:
        """Take a partition; the former owner is fenced. No transaction can stay open: each is one write."""
        epoch = await self._do(lambda connection: take_partition(connection, role, partition))

        async def commit(outputs: Sequence[Output]) -> Mapping[tuple[str, int], int]:
            parts = {self._find(*key): records for key, records in by_partition(outputs).items()}
            size = sum(map(size_of, parts.values()))
            offsets: Offsets = await self._do(Append(parts, epoch), size=size, bounded=False)
            return {(stream.topic, stream.partition): last + 2 for stream, (_, last) in offsets.items()}

        async def end(topic: str, number: int) -> int:
            return (await self.ends(topic))[number]

        return SpentOwner(commit, end)

    async def join(self, group: str, topic: str) -> SingleMembership:  # noqa: ARG002 - there are no other members
        """A membership with every partition: fencing gives a partition to the process that took it last."""
        return SingleMembership(len(self._topic(topic)))

    async def maintain(self, topics: Iterable[Topic], *, now: int, all_of_it: bool = False) -> None:
        """Apply retention and compaction as of ``now`` (ms since 1970); ``all_of_it`` even where it gains little."""
        for topic in topics:
            for stream in self._topic(topic.name):
                if topic.policy == "delete":
                    await self._expire(stream, before=now - topic.retention_ms, now=now)
                else:
                    await self._compact(stream, topic, now=now, all_of_it=all_of_it)

    async def newest(self) -> int | None:
        """The append time of the newest record (ms since 1970); None without records."""
        streams = [one for partitions in self._streams.values() for one in partitions]
        bounds = await self._query(lambda connection: [read_bounds(connection, one) for one in streams])
        return max((one.last_at for one in bounds), default=0) or None

    async def ended(self) -> None:
        """Wait until the writer ends before ``close``, which is a fault; raises LogError with the reason."""
        await self._writer.ended()

    async def close(self) -> None:
        """Write queued work, then close the file."""
        await asyncio.to_thread(self._writer.close)
        await self._watch.close()
        self._readers.shutdown()
        for connection in self._connections:
            connection.close()
        if self._marks is not None and self.damage is None:
            await asyncio.to_thread(mark_stopped, self.path, self._marks)

    async def _expire(self, stream: Stream, *, before: int, now: int) -> None:
        start = await self._query(lambda connection: upkeep.expired(connection, stream, before=before, now=now))
        if start is not None:
            while await self._step(lambda connection: upkeep.cut(connection, stream, start)):
                pass

    async def _compact(self, stream: Stream, topic: Topic, *, now: int, all_of_it: bool) -> None:
        found = await self._query(
            lambda connection: upkeep.superseded(connection, stream, topic, now=now, all_of_it=all_of_it)
        )
        if found is None:
            return
        for first in range(0, len(found.offsets), upkeep.STEP):
            offsets = found.offsets[first : first + upkeep.STEP]
            await self._step(partial(upkeep.drop, stream=stream, offsets=offsets, overwritten=topic.erasable))
        await self._do(lambda connection: upkeep.mark_compacted(connection, stream, found.end))

    async def _step(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """One step of upkeep and a pause of equal length, so that upkeep takes at most half of the writer's time."""
        clock = asyncio.get_running_loop().time
        begun = clock()
        done: Answer = await self._do(work, size=upkeep.STEP * upkeep.PAGE_BYTES, bounded=False)
        await asyncio.sleep(clock() - begun)
        return done

    async def _column(self, name: str, topic: str) -> tuple[int, ...]:
        streams = self._topic(topic)
        bounds = await self._query(lambda connection: [read_bounds(connection, one) for one in streams])
        return tuple(getattr(one, name) for one in bounds)

    def _topic(self, topic: str) -> Sequence[Stream]:
        stream_of(self._streams, topic, 0)
        return self._streams[topic]

    def _find(self, topic: str, partition: int) -> Stream:
        if topic not in self._streams:  # another process may have added it since
            try:
                self._streams = read_streams(self._connection())
            except sqlite3.Error as error:
                raise self._failed(error) from error
        return stream_of(self._streams, topic, partition)

    async def _query(self, query: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Run a query in a reader thread: readers of the write-ahead log never block the writer."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, lambda: query(self._connection()))
        except RuntimeError as error:
            raise LogUnavailableError("The log has been closed.") from error
        except sqlite3.Error as error:
            raise self._failed(error) from error
        except LogDamagedError as error:  # found while a thread opened its connection
            self._note_damage(error, str(error.__cause__))
            raise

    async def _do(self, work: Work, *, size: int = 0, bounded: bool = True) -> Any:
        """The writer's answer to work; nothing is written to a file that is known to be damaged."""
        damage = self.damage
        if damage is not None:
            raise LogDamagedError(damage)
        try:
            return await self._writer.do(work, size=size, bounded=bounded)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _failed(self, error: sqlite3.Error) -> LogUnavailableError:
        failure = log_error(self.path, error)
        if isinstance(failure, LogDamagedError):
            self._note_damage(failure, str(error))
        return failure

    def _note_damage(self, failure: LogDamagedError, reason: str) -> None:
        """Record damage, for the other processes of the gateway and the next start too."""
        if self._damage is None:
            self._damage = str(failure)
            report_damage(self.path, reason)
            _logger.error("log.damaged", file=str(self.path.absolute()), reason=reason)

    def _connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = connect(self.path, busy_seconds=_BUSY_SECONDS)
            self._local.connection = found
            self._connections.append(found)
        return found
