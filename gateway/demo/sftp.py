"""An SFTP server on this machine where a platform leaves its exports: one user, one key, one folder."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import asyncssh

USER = "region"
Files: TypeAlias = Callable[["asyncssh.SSHServerChannel[bytes]"], asyncssh.SFTPServer]
"""Gives the files of one session."""


@dataclass(frozen=True, slots=True)
class SftpAddress:
    """Where it listens; ``host_key`` as OpenSSH writes it, ``key`` the private one that lets ``USER`` in."""

    port: int
    host_key: str
    key: str = field(repr=False)


class Gatekeeper(asyncssh.SSHServer):
    """Lets one user in, by one key."""

    def __init__(self, key: asyncssh.SSHKey) -> None:
        self._key = key

    def public_key_auth_supported(self) -> bool:
        """As asyncssh asks: a key opens."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """As asyncssh asks: that user's key, and no other."""
        return username == USER and key == self._key


@asynccontextmanager
async def serving_sftp(
    folder: Path, keep: type[Gatekeeper] = Gatekeeper, *, files: Files | None = None
) -> AsyncIterator[SftpAddress]:
    """The server on a free port, its root that folder, for as long as the block lasts; ``keep`` says who gets in, and
    ``files`` may serve other ones.
    """
    user, host = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))

    def chrooted(channel: "asyncssh.SSHServerChannel[bytes]") -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=str(folder).encode())

    server = await asyncssh.create_server(
        lambda: keep(user.convert_to_public()), "127.0.0.1", 0, server_host_keys=[host], sftp_factory=files or chrooted
    )
    async with server:
        yield SftpAddress(
            server.get_port(), host.export_public_key().decode().strip(), user.export_private_key().decode()
        )
