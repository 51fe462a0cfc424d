"""The network between brokers: each connection has a link of its own, which can be cut silently and joined again.

Brokers know each other by name. Each has a file of names of its own, by which the name of another one is an address of
this machine where a link to that one listens, on the same port. So nothing of the system has to be changed; all of
127.0.0.0/8 must be this machine, as it is on Linux.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread

_HOME = "127.0.0.1"
_CHUNK_BYTES = 1 << 16


def name(number: int) -> str:
    """The address of a broker for the others."""
    return f"broker-{number}"


def write_names(path: Path, number: int, others: Iterable[int]) -> None:
    """The file of names of one broker, for ``jdk.net.hosts.file``: itself at home, the others behind links."""
    lines = [f"{_HOME} localhost {name(number)}", *(f"{_address(number, other)} {name(other)}" for other in others)]
    path.write_text("\n".join(lines) + "\n")


def _address(source: int, target: int) -> str:
    return f"127.0.{source}.{target}"


class Links:
    """All links between brokers whose ``ports`` are given by their numbers. They run in a thread of their own: brokers
    stay connected while the loop of a test is busy.
    """

    def __init__(self, ports: Mapping[int, Sequence[int]]) -> None:
        self._loop = asyncio.new_event_loop()
        self._links = {(one, other): _Link() for one in ports for other in ports if one != other}
        self._thread = Thread(target=self._loop.run_forever, name="links", daemon=True)
        self._thread.start()
        for (source, target), link in self._links.items():
            for port in ports[target]:
                asyncio.run_coroutine_threadsafe(link.listen(_address(source, target), port), self._loop).result()

    def cut(self, number: int) -> None:
        """Isolate this broker from the others in both directions, silently."""
        self._at(number, asyncio.Event.clear)

    def join(self, number: int) -> None:
        """Forwarding continues, and bytes sent meanwhile arrive."""
        self._at(number, asyncio.Event.set)

    def close(self) -> None:
        """Close all links."""
        for link in self._links.values():
            asyncio.run_coroutine_threadsafe(link.close(), self._loop).result()
        asyncio.run_coroutine_threadsafe(_end_others(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _at(self, number: int, act: Callable[[asyncio.Event], None]) -> None:
        for pair, link in self._links.items():
            if number in pair:
                self._loop.call_soon_threadsafe(act, link.whole)


async def _end_others() -> None:
    """End what is left of the loop: connections that are being accepted, transports that are being closed."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)


class _Link:
    """From one broker to another: connections that the first one opens. Bytes wait both ways while it is cut."""

    def __init__(self) -> None:
        self.whole = asyncio.Event()
        self.whole.set()
        self._servers: list[asyncio.Server] = []
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._closed = False

    async def listen(self, address: str, port: int) -> None:
        """Forward connections to that port of this machine."""

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if self._closed:  # accepted while the link was closing
                writer.transport.abort()
                return
            task = asyncio.create_task(self._connect(reader, writer, port))
            self._connections[task] = writer
            task.add_done_callback(self._connections.pop)

        self._servers.append(await asyncio.start_server(accept, address, port))

    async def close(self) -> None:
        """Close all connections."""
        self._closed = True
        for server in self._servers:
            server.close()
        for task, writer in self._connections.items():
            task.cancel()
            writer.transport.abort()  # also of a task that has not begun
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        writers = [writer]
        try:
            await self.whole.wait()
            answers, target = await asyncio.open_connection(_HOME, port)
            writers.append(target)
            pumps = [asyncio.create_task(self._pump(*ends)) for ends in ((reader, target), (answers, writer))]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except ConnectionError:
            pass  # that broker is down: the other one sees its connection end
        finally:
            for each in writers:
                (each.transport.abort if self._closed else each.close)()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until one side ends; the other side sees that only over an intact link."""
        with suppress(ConnectionError):
            while found := await reader.read(_CHUNK_BYTES):
                await self.whole.wait()
                writer.write(found)
                await writer.drain()
        await self.whole.wait()
