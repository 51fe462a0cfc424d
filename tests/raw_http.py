"""Raw HTTP: bytes sent as given, and answers read strictly by their framing."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson

SECONDS = 20.0
"""Far beyond any answer: only a server that hangs reaches it."""


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """One answer; header names in lower case."""

    version: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The problem document that it must be."""
        assert "application/problem+json" == self.headers["content-type"], self
        document = orjson.loads(self.body)
        assert self.status == document["status"]
        assert f"urn:fr:stages:problem:{document['code']}" == document["type"]
        assert {"title", "detail", "fix"} <= document.keys()
        assert self.headers["content-language"] in {"fr", "en"}
        return document


class RawConnection:
    """A connection to a port of this machine."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> "RawConnection":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self, *, head: bool = False) -> RawAnswer | None:
        """The next answer, interim ones included; None where the server closes without one."""
        async with asyncio.timeout(SECONDS):
            try:
                raw = await self._reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionResetError) as ended:
                left = ended.partial if isinstance(ended, asyncio.IncompleteReadError) else b""
                assert b"" == left, f"not an answer: {left!r}"
                return None
            line, *fields = raw.decode("ascii").removesuffix("\r\n\r\n").split("\r\n")
            version, status, _ = line.split(" ", 2)
            headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
            body = b""
            if not head and int(status) >= 200:
                assert ("content-length" in headers) != ("transfer-encoding" in headers), headers
                body = await self._body(headers)
            return RawAnswer(version, int(status), headers, body)

    async def _body(self, headers: Mapping[str, str]) -> bytes:
        if "content-length" in headers:
            return await self._reader.readexactly(int(headers["content-length"]))
        body = b""
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            body += (await self._reader.readexactly(size + 2))[:size]
        assert b"\r\n" == await self._reader.readexactly(2)
        return body

    async def closed(self) -> bool:
        """Wait until the server closes; False where it sends something first."""
        async with asyncio.timeout(SECONDS):
            try:
                return b"" == await self._reader.read(1)
            except ConnectionResetError:
                return True

    async def close(self) -> None:
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()


async def exchange(port: int, data: bytes) -> list[RawAnswer]:
    """All answers to these bytes until the server closes the connection, as it must after a malformed request."""
    connection = await RawConnection.open(port)
    answers: list[RawAnswer] = []
    try:
        await connection.send(data)
        while (answer := await connection.answer(head=data.startswith(b"HEAD "))) is not None:
            answers.append(answer)
    finally:
        await connection.close()
    return answers
