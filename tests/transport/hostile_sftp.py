"""SFTP servers that stop answering, or answer without end, at one step of a fetch."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh

from adapters.transport.sftp import SftpServer
from demo.region_site.simulator import USER, Files, Gatekeeper, serving_sftp

Step = Callable[..., Any]
"""Called before a step; what it returns is awaited when it can be."""


async def hang(*_: Any) -> None:
    """Never answers."""
    await asyncio.Event().wait()


async def endless(*_: Any) -> AsyncIterator[asyncssh.SFTPName]:
    """A listing without an end, of names that are no files."""
    while True:
        await asyncio.sleep(0.001)
        yield asyncssh.SFTPName(b"", attrs=asyncssh.SFTPAttrs(permissions=0o40755))


class MuteGatekeeper(Gatekeeper):
    """Accepts the connection and never answers the login."""

    async def begin_auth(self, username: str) -> bool:  # noqa: ARG002  # asyncssh's shape
        await asyncio.Event().wait()
        return True


async def _listed(step: Step | None) -> AsyncIterator[asyncssh.SFTPName]:
    listing = None if step is None else step()
    if asyncio.iscoroutine(listing):
        await listing
    elif listing is not None:
        async for one in listing:
            yield one


def files_of(folder: Path, opened: set[Any] | None = None, **steps: Step) -> Files:
    """The files of a folder, with something before the named steps (``open``, ``read``, ``close``) or in place of
    ``scandir``. ``opened`` holds those that are open.
    """
    held: set[Any] = set() if opened is None else opened

    class Hostile(asyncssh.SFTPServer):
        async def open(self, *arguments: Any) -> Any:
            await _before("open")
            file = super().open(*arguments)
            held.add(file)
            return file

        async def read(self, *arguments: Any) -> Any:
            await _before("read")
            return super().read(*arguments)

        async def close(self, *arguments: Any) -> Any:
            await _before("close")
            held.discard(arguments[0])
            return super().close(*arguments)

        async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
            async for one in _listed(steps.get("scandir")):
                yield one
            async for one in super().scandir(path):
                yield one

    async def _before(step: str) -> None:
        done = steps[step]() if step in steps else None
        if asyncio.iscoroutine(done):
            await done

    return lambda channel: Hostile(channel, chroot=str(folder).encode())


@asynccontextmanager
async def hostile_sftp(
    folder: Path, *, keep: type[Gatekeeper] = Gatekeeper, **steps: Step
) -> AsyncIterator[SftpServer]:
    """A server of these files that is hostile at these steps."""
    opened: set[Any] = set()
    try:
        async with serving_sftp(folder, keep, files=files_of(folder, opened, **steps)) as address:
            yield SftpServer(
                host="127.0.0.1",
                port=address.port,
                host_key=address.host_key,
                user=USER,
                kind="key",
                secret=address.key,
            )
    finally:
        for file in opened:
            file.close()
