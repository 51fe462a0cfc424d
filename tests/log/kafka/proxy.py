"""A proxy in front of a broker that knows Kafka's frames: it can hold requests or answers of one kind, and cut."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Literal, Self

PRODUCE, FETCH, LIST_OFFSETS, METADATA, INIT_PRODUCER_ID, ADD_PARTITIONS, END_TXN = 0, 1, 2, 3, 22, 24, 26
PRODUCE_IN_TRANSACTION = 1_000
"""Not one of Kafka's numbers: batches of a transactional producer, as opposed to plain appends."""
_CLOSE_SECONDS = 1.0
Direction = Literal["request", "answer"]


class Hold:
    """Frames of some kinds wait here until ``release``. Whatever follows on the same connection waits behind them."""

    def __init__(self, kinds: frozenset[int], direction: Direction, limit: int | None) -> None:
        self._kinds = kinds
        self._direction = direction
        self._left = limit
        self._caught = asyncio.Event()
        self._released = asyncio.Event()

    async def caught(self) -> None:
        """Wait for the first frame."""
        await self._caught.wait()

    def release(self) -> None:
        """Release held and later requests."""
        self._released.set()

    def wants(self, kind: int, direction: Direction) -> bool:
        return kind in self._kinds and direction == self._direction and self._left != 0

    async def wait(self) -> None:
        if self._left is not None:
            self._left -= 1
        self._caught.set()
        await self._released.wait()


class Proxy:
    """Listens on loopback and forwards to another port of it. Counts requests by kind in ``seen``."""

    def __init__(self, listen: int, target: int) -> None:
        self._listen = listen
        self._target = target
        self._holds: list[Hold] = []
        self._clients: set[asyncio.StreamWriter] = set()
        self._links: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._closed = False
        self.seen: dict[int, int] = {}

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self._listen}"

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._listen)

    async def close(self) -> None:
        self._closed = True
        for hold in self._holds:
            hold.release()
        if self._server is not None:
            self._server.close()
        for task in self._links:
            task.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)
        for writer in list(self._clients):  # links cancelled before they began
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @contextlib.contextmanager
    def hold(self, *kinds: int, direction: Direction = "request", limit: int | None = None) -> Iterator[Hold]:
        """While entered, frames of these kinds wait, at most ``limit`` of them; on leaving they go on."""
        hold = Hold(frozenset(kinds), direction, limit)
        self._holds.append(hold)
        try:
            yield hold
        finally:
            self._holds.remove(hold)
            hold.release()

    def cut(self) -> None:
        """Close all connections on the clients' side. Requests that are held still reach the broker when released."""
        for writer in self._clients:
            writer.close()

    def half_close(self) -> None:
        """Close the broker's side of the connections; clients can still send."""
        for writer in self._clients:
            if writer.can_write_eof() and not writer.is_closing():
                with contextlib.suppress(OSError):  # the client has just disconnected
                    writer.write_eof()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._closed:  # accepted while the proxy was closing
            writer.transport.abort()
            return
        self._clients.add(writer)
        task = asyncio.create_task(self._link(reader, writer))
        self._links.add(task)
        task.add_done_callback(self._links.discard)

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            async with _closing(writer):
                from_broker, to_broker = await asyncio.open_connection("127.0.0.1", self._target)
                async with _closing(to_broker):
                    kinds: dict[int, int] = {}
                    pumps = [
                        asyncio.create_task(self._pump_requests(reader, to_broker, kinds)),
                        asyncio.create_task(self._pump_answers(from_broker, writer, kinds)),
                    ]
                    try:
                        await asyncio.wait(pumps[:1])  # a client that is gone may have left requests that are held
                        await asyncio.wait(pumps[1:], timeout=1)
                    finally:
                        for pump in pumps:
                            pump.cancel()
                        await asyncio.gather(*pumps, return_exceptions=True)
        self._clients.discard(writer)

    async def _pump_requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kinds: dict[int, int]
    ) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                frame = await _frame(reader)
                kind, correlation = _kind(frame), int.from_bytes(frame[8:12])
                kinds[correlation] = kind
                self.seen[kind] = self.seen.get(kind, 0) + 1
                await self._hold(kind, "request")
                writer.write(frame)
                await writer.drain()

    async def _pump_answers(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kinds: dict[int, int]
    ) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                frame = await _frame(reader)
                await self._hold(kinds.pop(int.from_bytes(frame[4:8]), -1), "answer")
                if not writer.is_closing():
                    writer.write(frame)
                    await writer.drain()
        writer.close()

    async def _hold(self, kind: int, direction: Direction) -> None:
        for hold in list(self._holds):
            if hold.wants(kind, direction):
                await hold.wait()


@contextlib.asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    """Closed on leaving, also where the other side reads nothing any more."""
    try:
        yield
    finally:
        writer.close()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await writer.wait_closed()
        except (OSError, TimeoutError):
            writer.transport.abort()


async def _frame(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(4)
    return head + await reader.readexactly(int.from_bytes(head))


def _kind(request: bytes) -> int:
    """The kind of a request: size, kind (2 bytes), version (2), correlation (4), client id; then of a batch the
    transactional id. Texts begin with their length in 2 bytes, 0xffff for none.
    """
    kind = int.from_bytes(request[4:6])
    if kind != PRODUCE:
        return kind
    body = 14 + max(0, int.from_bytes(request[12:14], signed=True))
    return PRODUCE if request[body : body + 2] == b"\xff\xff" else PRODUCE_IN_TRANSACTION
