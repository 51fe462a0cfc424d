"""SFTP drop: fetch the newest file of a folder on a server; only the host key of the profile is accepted."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, TypeVar, cast

import asyncssh

from adapters.transport.address import resolve
from adapters.transport.drop import MAX_ENTRIES, SETTLE_SECONDS, DropFile, require_unchanged, settled
from adapters.transport.feed import BLOCK_BYTES, Feed, FeedError, FetchLimits, Unchanged, Validators
from adapters.transport.landing import Landing
from adapters.transport.limit import Cut, PlatformThread, within
from gateway.clock import now
from schemas.bilingual import system_reason

Answer = TypeVar("Answer")

_CONNECT_SECONDS = 30.0
_READ_SECONDS = 60.0
"""Time limit for one answer of the server."""
_CLOSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SftpServer:
    """A server and the user there; ``secret`` is a private key or a password, according to ``kind``."""

    host: str
    port: int = 22
    host_key: str
    user: str
    kind: Literal["key", "password"]
    secret: str = field(repr=False)


class _Client(asyncssh.SSHClient):
    """Registers the connection before its first message, so that it can be cut at any time."""

    def __init__(self, cut: Cut) -> None:
        self._cut = cut

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self._cut.add(conn.abort)


async def _await_close(request: Awaitable[object], cut: Cut) -> None:
    """Wait a short time for the server's answer to a close; errors are ignored."""
    with suppress(OSError, asyncssh.Error):
        await _answered(request, cut, seconds=_CLOSE_SECONDS)


async def _answered(request: Awaitable[Answer], cut: Cut, *, seconds: float = _READ_SECONDS) -> Answer:
    """The server's answer; after ``seconds`` the connection is cut, which ends the wait."""
    timer = asyncio.get_running_loop().call_later(seconds, cut.abort)
    try:
        return await request
    finally:
        timer.cancel()


class SftpDrop:
    """Fetches from one folder of a server. ``loopback`` allows this machine, for tests and the demo."""

    def __init__(
        self,
        server: SftpServer,
        folder: str,
        pattern: str,
        *,
        loopback: bool = False,
        settle: float = SETTLE_SECONDS,
        worker: PlatformThread | None = None,
    ) -> None:
        self._server = server
        self._folder = folder.rstrip("/") or "/"
        self._pattern = pattern
        self._loopback = loopback
        self._settle = settle
        self._worker = worker or PlatformThread()

    async def fetch(self, known: Validators, limits: FetchLimits) -> Feed | Unchanged:
        """See ``Transport``."""
        return await within(limits.seconds, lambda cut: self._fetch(known, limits, cut))

    async def _fetch(self, known: Validators, limits: FetchLimits, cut: Cut) -> Feed | Unchanged:
        try:
            async with self._session(cut) as sftp:
                list_files = partial(self._list_files, sftp, cut)
                entry = await settled(list_files, self._pattern, known=known, seconds=self._settle, clock=now)
                if entry is None:
                    return Unchanged()
                async with Landing(limits) as landing:
                    # One request at a time: the tasks of parallel ones leave unretrieved errors when they are cut.
                    name = f"{self._folder}/{entry.name}"
                    file = await _answered(sftp.open(name, "rb", block_size=0), cut)
                    try:
                        while block := cast("bytes", await _answered(file.read(BLOCK_BYTES), cut)):
                            await landing.take(block)
                    finally:
                        await _await_close(file.close(), cut)
                    await require_unchanged(list_files, entry)
                    return await landing.finish(entry.validators)
        except TimeoutError:
            raise FeedError("feed-too-slow", seconds=round(limits.seconds)) from None
        except (OSError, asyncssh.Error, asyncssh.KeyImportError) as error:
            if cut.done:
                raise FeedError("feed-too-slow", seconds=round(_READ_SECONDS)) from None
            raise self._explain(error) from None

    @asynccontextmanager
    async def _session(self, cut: Cut) -> AsyncIterator[asyncssh.SFTPClient]:
        """Open a session on a connection of its own, which uses no settings, keys or agent of the machine.

        At the end the server has one second to close the connection; then it is aborted.
        """
        server = self._server
        key = [asyncssh.import_private_key(server.secret)] if server.kind == "key" else None
        connection = await asyncssh.connect(
            server.host,
            server.port,
            sock=await self._connected(),
            client_factory=partial(_Client, cut),
            config=None,
            known_hosts=([asyncssh.import_public_key(server.host_key)], [], []),
            username=server.user,
            client_keys=key,
            password=server.secret if server.kind == "password" else None,
            preferred_auth="publickey" if server.kind == "key" else "password,keyboard-interactive",
            agent_path=None,
            login_timeout=_CONNECT_SECONDS,
        )
        try:
            yield await _answered(connection.start_sftp_client(), cut)
        finally:
            connection.close()
            await _await_close(connection.wait_closed(), cut)
            connection.abort()

    async def _connected(self) -> socket.socket:
        """A socket connected to one of the checked addresses. Raises FeedError."""
        server = self._server
        loop = asyncio.get_running_loop()
        reason: str = ""
        for one in await resolve(server.host, server.port, loopback=self._loopback, worker=self._worker):
            connecting = socket.socket(one.family, socket.SOCK_STREAM)
            connecting.setblocking(False)
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    await loop.sock_connect(connecting, (one.text, server.port))
            except OSError as error:
                connecting.close()
                reason = system_reason(error)
            except BaseException:
                connecting.close()
                raise
            else:
                return connecting
        raise FeedError("feed-unreachable", host=server.host, reason=reason)

    async def _list_files(self, sftp: asyncssh.SFTPClient, cut: Cut) -> Sequence[tuple[float, DropFile]]:
        """List the plain files; links, folders and names with a slash are skipped."""
        found = []
        seen = 0
        listed = sftp.scandir(self._folder)
        while (one := await _answered(anext(listed, None), cut)) is not None:
            seen += 1
            if seen > MAX_ENTRIES:
                raise FeedError("feed-folder-too-full", name=self._folder, most=MAX_ENTRIES)
            name, state = str(one.filename), one.attrs
            if state.type == asyncssh.FILEXFER_TYPE_REGULAR and "/" not in name and state.size is not None:
                modified = state.mtime or 0
                found.append((float(modified), DropFile(name, state.size, f"{modified}.{state.mtime_ns or 0}")))
        return found

    def _explain(self, error: Exception) -> FeedError:
        host = self._server.host
        match error:
            case asyncssh.HostKeyNotVerifiable():
                return FeedError("feed-host-key-wrong", host=host)
            case asyncssh.PermissionDenied() | asyncssh.KeyImportError() | asyncssh.SFTPPermissionDenied():
                return FeedError("feed-denied", host=host)
            case asyncssh.SFTPNoSuchFile() | asyncssh.SFTPNoSuchPath():
                return FeedError("feed-missing", name=self._folder)
            case asyncssh.ConnectionLost() | asyncssh.SFTPConnectionLost():
                return FeedError("feed-cut")
        return FeedError("feed-unreachable", host=host, reason=system_reason(error))
